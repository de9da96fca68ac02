//! The Systems Manager documents that the functions send. (`infra/release.yaml`.)

use durin_decisions::node::Question;

/// Has an instance let go of the volume.
const RELEASE_DOCUMENT: &str = "durin-release";

/// Has an instance that has let go of the volume serve again.
const RESUME_DOCUMENT: &str = "durin-resume";

/// Asks an instance whether it could take over.
const PREPARED_DOCUMENT: &str = "durin-prepared";

/// Asks an instance whether it serves.
const SERVES_DOCUMENT: &str = "durin-serves";

/// All of them.
pub const DOCUMENTS: [&str; 4] = [RELEASE_DOCUMENT, RESUME_DOCUMENT, PREPARED_DOCUMENT, SERVES_DOCUMENT];

/// Something that an instance is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Release,
    Resume,
    Prepared,
    Serves,
}

impl Document {
    pub(super) const ALL: [Document; 4] = [Document::Release, Document::Resume, Document::Prepared, Document::Serves];

    pub(super) fn that_asks(question: Question) -> Document {
        match question {
            Question::Prepared => Document::Prepared,
            Question::Serves => Document::Serves,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Document::Release => RELEASE_DOCUMENT,
            Document::Resume => RESUME_DOCUMENT,
            Document::Prepared => PREPARED_DOCUMENT,
            Document::Serves => SERVES_DOCUMENT,
        }
    }

    /// Whether it changes who has the volume.
    pub(super) fn moves_volume(self) -> bool {
        match self {
            Document::Release | Document::Resume => true,
            Document::Prepared | Document::Serves => false,
        }
    }

    /// The line of its output that says why not. The document has it too, if there is no durin-node to write it.
    pub(super) fn refusal(self, output: &str) -> Option<String> {
        let begins = match self {
            Document::Release => "not released: ",
            Document::Resume => "not resumed: ",
            Document::Prepared => "not prepared: ",
            Document::Serves => "does not serve: ",
        };
        output.lines().find_map(|line| line.strip_prefix(begins)).map(str::to_owned)
    }
}
