//! What `e2fsck -p` said of a file system.

/// Whether a checked file system may be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Without errors; or the journal was replayed and small errors were put right, which is safe unattended.
    Sound,
    /// With errors that only a person may put right, or not checked at all. Its exit status, if it has one.
    Damaged(Option<i32>),
}

impl Checked {
    /// The exit status is a sum: 1 errors were put right, 2 so was the root file system and it has to be mounted again,
    /// 4 errors are left, 8 it could not work, 16 and more it was called or ended wrongly. (e2fsck(8), "EXIT CODE")
    pub fn read(code: Option<i32>) -> Checked {
        match code {
            Some(0..=3) => Checked::Sound,
            Some(_) | None => Checked::Damaged(code),
        }
    }
}
