//! What `e2fsck -p` said of a file system.

/// Whether a checked file system may be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Without errors; or the journal was replayed and small errors were put right, which is safe unattended.
    Sound,
    /// With errors that only a person may put right, or not checked at all. Its exit status, if it has one.
    Damaged(Option<i32>),
    /// The file system has features that this e2fsck does not know: which, in its words.
    TooNew { features: String, is_clean: bool },
}

impl Checked {
    /// The exit status is a sum: 1 errors were put right, 2 so was the root file system and it has to be mounted again,
    /// 4 errors are left, 8 it could not work, 16 and more it was called or ended wrongly. (e2fsck(8), "EXIT CODE")
    /// `is_clean` is asked only for what e2fsck does not know.
    pub fn read(code: Option<i32>, said: &str, is_clean: impl FnOnce() -> bool) -> Checked {
        let unknown = said.lines().find_map(|line| line.split_once(" has unsupported feature(s): "));
        match (code, unknown) {
            (Some(0..=3), _) => Checked::Sound,
            (Some(_), Some((_, features))) => {
                Checked::TooNew { features: features.trim().to_owned(), is_clean: is_clean() }
            }
            (Some(_) | None, _) => Checked::Damaged(code),
        }
    }
}

/// The exit status of a check that has left errors, and nothing worse.
pub const ERRORS_LEFT: i32 = 4;

/// Whether a check has met a device that fails, which may pass. (e2fsck/ehandler.c; the rest is the C library's)
pub fn has_met_a_failure(said: &str) -> bool {
    ["Error reading block", "Error writing block", "Input/output error", "Attempt to read block"]
        .iter()
        .any(|words| said.contains(words))
}

/// Where ext4's superblock is, and its length.
pub const SUPERBLOCK: (u64, usize) = (1024, 1024);

/// Whether a superblock says that the file system was unmounted in good order, without errors, and that there is
/// nothing to replay. Then the kernel, which refuses what it does not know, may mount it unchecked. (Linux,
/// Documentation/filesystems/ext4/super.rst)
pub fn is_clean(superblock: &[u8]) -> bool {
    let number = |at: usize| superblock.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes));
    let (magic, state, incompatible) = (number(0x38), number(0x3a), number(0x60));
    let has_to_be_replayed = |features: u16| features & 4 != 0;
    magic == Some(0xef53) && state == Some(1) && incompatible.is_some_and(|features| !has_to_be_replayed(features))
}
