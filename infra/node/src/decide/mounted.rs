//! What of a device is mounted, by `/proc/*/mountinfo`. (proc(5), "mountinfo")

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

/// A line of mountinfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub id: u32,
    parent: u32,
    number: String,
    /// What of the file system is mounted there: a directory of it, a file, or all of it.
    root: String,
    /// For the kernel: a workload may give its directories names that are no text.
    pub place: OsString,
    /// For people.
    pub point: String,
    pub kind: String,
    pub source: String,
    /// Of this mount.
    own_options: String,
    /// Of those that follow one another, in what is mounted on them: the numbers of its groups.
    groups: Vec<String>,
    /// Of the file system.
    options: String,
}

/// What a device is known by in a list of mounts: its own numbers and names, and those of everything on top of it
/// (partitions, logical volumes, encrypted ones).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// `259:3`
    pub numbers: Vec<String>,
    /// `/dev/nvme1n1`; for file systems that invent numbers (btrfs).
    pub names: Vec<String>,
}

impl Mount {
    pub fn read(line: impl AsRef<[u8]>) -> Option<Mount> {
        // The kernel writes a space within a field in another way.
        let mut before = line.as_ref().split(|byte| *byte == b' ');
        let mut next = || before.next();
        let (id, parent, number) = (next()?, next()?, next()?);
        let (root, point, own_options) = (next()?, next()?, next()?);
        let optional: Vec<_> = before.by_ref().take_while(|field| *field != b"-").map(text).collect();
        let group = |field: &String| {
            let number = field.strip_prefix("shared:").or_else(|| field.strip_prefix("master:"));
            number.map(str::to_owned)
        };
        let mut after = before;
        let (kind, source, options) = (after.next()?, after.next()?, after.next().unwrap_or_default());
        let place = unescaped(point);
        Some(Mount {
            id: text(id).parse().ok()?,
            parent: text(parent).parse().ok()?,
            number: text(number),
            root: text(root),
            point: text(&place),
            place: OsString::from_vec(place),
            kind: text(kind),
            source: text(&unescaped(source)),
            own_options: text(own_options),
            groups: optional.iter().filter_map(group).collect(),
            options: text(&unescaped(options)),
        })
    }

    /// All lines, in the kernel's order: first mounted first, wherever it was moved since.
    pub fn read_all(lines: impl AsRef<[u8]>) -> Vec<Mount> {
        lines.as_ref().split(|byte| *byte == b'\n').filter_map(Mount::read).collect()
    }

    /// Whether the kernel lets anybody write: a mount may be read-only, and so may the file system, after an error too.
    pub fn is_writable(&self) -> bool {
        !forbid(&self.own_options, &["ro"]) && self.is_of_a_writable_file_system()
    }

    /// Whatever this mount of it allows.
    pub fn is_of_a_writable_file_system(&self) -> bool {
        // (Linux, fs/ext4/super.c, `_ext4_show_options`)
        !forbid(&self.options, &["ro", "emergency_ro", "shutdown"])
    }

    pub fn is_whole(&self) -> bool {
        self.root == "/"
    }

    /// Whether both are the same part of the same file system.
    pub fn is_same(&self, other: &Mount) -> bool {
        self.number == other.number && self.root == other.root
    }

    pub fn is_of(&self, stack: &Stack) -> bool {
        stack.numbers.contains(&self.number) || stack.names.contains(&self.source)
    }

    /// An overlay with a layer at or below one of these mount points. It keeps their file system busy unseen.
    fn has_a_layer_in(&self, points: &HashSet<&str>) -> bool {
        let options = &self.options;
        self.kind == "overlay"
            && points.iter().any(|point| {
                ["=", ":"].iter().any(|before| {
                    let at = format!("{before}{}", point.trim_end_matches('/'));
                    options.match_indices(&at).any(|(index, _)| {
                        let rest = &options[index + at.len()..];
                        rest.is_empty() || rest.starts_with(['/', ':', ','])
                    })
                })
            })
    }
}

/// Everything that has to be unmounted, last mounted first: the device wherever it is mounted, bind mounts included;
/// the mounts beneath it; and the overlays of containers whose layers are on it.
pub fn of_device<'a>(mounts: &'a [Mount], stack: &Stack) -> Vec<&'a Mount> {
    let mut ids = HashSet::new();
    let mut points = HashSet::new();
    let mut ours = Vec::new();
    // What hangs on it may have been mounted before it, and moved there. Each round but the last finds one at least.
    for _ in mounts {
        let known = ours.len();
        for mount in mounts {
            let is_ours = mount.is_of(stack) || ids.contains(&mount.parent) || mount.has_a_layer_in(&points);
            if is_ours && ids.insert(mount.id) {
                points.insert(mount.point.as_str());
                ours.push(mount);
            }
        }
        if ours.len() == known {
            break;
        }
    }
    ours.reverse();
    ours
}

/// Whether a mount that is unmounted may take others of the list with it: what is mounted on one of those that follow one
/// another is mounted on all of them. (Linux, Documentation/filesystems/sharedsubtree.rst)
pub fn may_go_together(mounts: &[Mount]) -> bool {
    let mut groups = HashSet::new();
    mounts.iter().any(|mount| {
        let own: HashSet<_> = mount.groups.iter().collect();
        own.into_iter().any(|group| !groups.insert(group))
    })
}

/// The mounts of a device to which their places lead, last mounted first: nothing was mounted over them.
pub fn reachable<'a>(mounts: &'a [Mount], stack: &Stack) -> Vec<&'a Mount> {
    mounts.iter().rev().filter(|mount| mount.is_of(stack) && !is_covered(mounts, mount)).collect()
}

/// The mount that a place leads to.
pub fn seen_at<'a>(mounts: &'a [Mount], point: &str) -> Option<&'a Mount> {
    mounts.iter().rev().find(|mount| mount.point == point && !is_covered(mounts, mount))
}

fn is_covered(mounts: &[Mount], mount: &Mount) -> bool {
    cover(mounts, mount).is_some()
}

/// What is mounted over it, or over one of the directories on the way to it: its place leads there. What lies deeper than
/// the mount that the way goes on with is hidden by that itself.
pub fn cover<'a>(mounts: &'a [Mount], mount: &Mount) -> Option<&'a Mount> {
    let mut on_the_way = mount;
    let mut at = Some(mount);
    // No way is longer.
    for _ in mounts {
        let here = at?;
        let is_over = |other: &&Mount| {
            let is_another = other.id != here.id && other.id != on_the_way.id;
            other.parent == here.id && is_another && Path::new(&on_the_way.place).starts_with(&other.place)
        };
        if let Some(over) = mounts.iter().find(is_over) {
            return Some(over);
        }
        on_the_way = here;
        at = mounts.iter().find(|other| other.id == here.parent && other.id != here.id);
    }
    None
}

/// The mounts below these directories, which are nobody's data: the kubelet's and containerd's own. Not what is mounted
/// at one of them: that is a disk of the owner's.
pub fn below<'a>(mounts: &'a [Mount], directories: &[&str]) -> Vec<&'a Mount> {
    let is_below =
        |point: &str, directory: &str| point.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    let mut found: Vec<_> =
        mounts.iter().filter(|mount| directories.iter().any(|directory| is_below(&mount.point, directory))).collect();
    found.reverse();
    found
}

/// The kernel and fstab write a space as `\040`, and so on: three octal digits.
pub fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let octal = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

fn forbid(options: &str, words: &[&str]) -> bool {
    options.split(',').any(|option| words.contains(&option))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
