//! What a device holds, by the word of `blkid -p -o export`, which reads the device and no cache.

use std::fmt;

/// What a device holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// A file system that we mount.
    Ours(FileSystem),
    /// Something that we know by name, and leave alone.
    Foreign(String),
    /// Nothing that blkid knows: blank, damaged, or unreadable.
    Nothing,
    /// blkid cannot say.
    Unknown(String),
}

/// The file systems that we mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    Ext4,
    Xfs,
}

impl FileSystem {
    pub fn named(name: &str) -> Option<FileSystem> {
        [FileSystem::Ext4, FileSystem::Xfs].into_iter().find(|file_system| file_system.name() == name)
    }

    /// As `mount -t` and blkid spell it.
    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
        }
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Contents {
    /// `code` is blkid's exit status, none if it was killed. (blkid(8), "EXIT STATUS": 2 says that nothing was
    /// found and that the device cannot be read alike, 8 that several signatures contradict one another.)
    pub fn read(code: Option<i32>, output: &str) -> Contents {
        let value = |key: &str| output.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        match code {
            Some(0) => {}
            Some(2) => return Contents::Nothing,
            Some(8) => {
                return Contents::Unknown("signatures of several kinds, which contradict one another".to_owned());
            }
            Some(code) => return Contents::Unknown(format!("something that blkid fails at with {code}")),
            None => return Contents::Unknown("something that blkid did not get to the end of".to_owned()),
        }
        if let Some(table) = value("PTTYPE") {
            return Contents::Foreign(format!("a partition table ({table})"));
        }
        match value("TYPE").map(|kind| FileSystem::named(kind).ok_or(kind)) {
            Some(Ok(file_system)) => Contents::Ours(file_system),
            Some(Err(kind)) => Contents::Foreign(kind.to_owned()),
            None => Contents::Unknown("something that blkid has no name for".to_owned()),
        }
    }
}
