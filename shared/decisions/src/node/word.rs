//! What an instance says of itself when it is asked.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::ids::InstanceId;

/// What an instance can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Whether it could take over.
    Prepared,
    /// Whether k3s answers, on the volume that is attached to it.
    Serves,
}

/// Its answer, about this boot of it; to [`Question::Serves`], about this attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Word {
    #[default]
    NotAsked,
    /// The question is on its way, or the instance waits until it can say yes.
    Asked {
        since: SystemTime,
    },
    Yes,
    /// It has waited for a yes, or the question has not reached it, and may yet come to it.
    NotYet {
        why: String,
    },
    /// Waiting would not change that: its image is not fit, or it has released the volume.
    No {
        why: String,
    },
    /// Nobody can tell, because something is missing: the program, the document, a permission, or versions that work together.
    Absent {
        why: String,
    },
}

/// What the instances of a node have said. One that is not listed was not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(BTreeMap<(InstanceId, Question), Word>);

impl Words {
    pub fn of(&self, instance: &InstanceId, question: Question) -> &Word {
        static NOT_ASKED: Word = Word::NotAsked;
        self.0.get(&(instance.clone(), question)).unwrap_or(&NOT_ASKED)
    }

    pub fn note(&mut self, instance: &InstanceId, question: Question, word: Word) {
        self.0.insert((instance.clone(), question), word);
    }
}
