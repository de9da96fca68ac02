//! How a release ended, and what it said.

use std::fmt;
use std::process::{Child, Output};

pub(super) struct Release {
    output: Output,
}

impl Release {
    pub(super) fn of(child: Child) -> Release {
        Release { output: child.wait_with_output().expect("it ends") }
    }

    #[track_caller]
    pub(super) fn succeeded(&self) {
        assert!(self.output.status.success(), "{self}");
        assert_eq!(self.problem(), "", "{self}");
    }

    /// The one line that says why.
    #[track_caller]
    pub(super) fn failed(&self) -> String {
        assert_eq!(self.output.status.code(), Some(1), "{self}");
        let problem = self.problem();
        assert_eq!(problem.lines().count(), 1, "{self}");
        problem.trim_end().to_owned()
    }

    pub(super) fn said(&self, text: &str) -> bool {
        self.to_string().contains(text)
    }

    fn problem(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { status, stdout, .. } = &self.output;
        write!(f, "{status}\n{}{}", String::from_utf8_lossy(stdout), self.problem())
    }
}
