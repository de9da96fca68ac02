//! What one command leaves for the others: the marker, and notes in `/run/durin`. A reboot clears both.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use durin_decisions::ids::VolumeId;
use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decide::marker::{Marker, Until};
use crate::world::World;

pub fn marker(world: &World) -> Marker {
    match read_regular(&world.marker()) {
        Ok(text) => Marker::read(Some(&String::from_utf8_lossy(&text)), &world.boot()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Marker::Absent,
        // There is one.
        Err(_) => Marker::Released(String::new()),
    }
}

/// The volume of a marker that a shutdown's release has not removed: it was killed, or has not ended.
pub fn of_a_shutdown(world: &World) -> Option<String> {
    let text = read_regular(&world.marker()).ok()?;
    let is_of_one = Marker::until(&String::from_utf8_lossy(&text)) == Until::Started;
    match marker(world) {
        Marker::Released(volume) if is_of_one => Some(volume),
        Marker::Released(_) | Marker::Absent | Marker::Stale => None,
    }
}

/// An empty one, which says enough, has room where `/run` is full.
///
/// # Errors
/// When `/run` cannot be written.
pub fn mark(world: &World, volume: &VolumeId, until: Until) -> io::Result<()> {
    let marked = replace(&world.marker(), Marker::text(volume, &world.boot(), until).as_bytes());
    marked.or_else(|_| fs::File::options().create(true).append(true).open(world.marker()).map(drop))
}

/// # Errors
/// When it is there and cannot be removed.
pub fn unmark(world: &World) -> io::Result<()> {
    match fs::remove_file(world.marker()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A note of this name; none if there is none, or it is unreadable.
pub fn read<T: DeserializeOwned>(world: &World, name: &str) -> Option<T> {
    serde_json::from_slice(&fs::read(world.path("run/durin").join(name)).ok()?).ok()
}

/// When a note that can be read was written.
pub fn written<T: DeserializeOwned>(world: &World, name: &str) -> Option<SystemTime> {
    read::<T>(world, name)?;
    fs::metadata(world.path("run/durin").join(name)).ok()?.modified().ok()
}

/// # Errors
/// When `/run` cannot be written.
pub fn write<T: Serialize>(world: &World, name: &str, note: &T) -> io::Result<()> {
    put(world, name, &serde_json::to_vec(note).map_err(io::Error::other)?).map(drop)
}

/// The same for what is no note. Returns where it is.
///
/// # Errors
/// When `/run` cannot be written.
pub fn put(world: &World, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    let directory = world.path("run/durin");
    fs::create_dir_all(&directory)?;
    let path = directory.join(name);
    replace(&path, content)?;
    Ok(path)
}

pub fn forget(world: &World, name: &str) {
    // It says which boot it is of, and is compared with what is.
    drop(fs::remove_file(world.path("run/durin").join(name)));
}

/// Writes a file whole or not at all, whoever else writes it meanwhile, and whenever the power fails.
///
/// # Errors
/// When it cannot be written; then the old one is still there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    // Of one that was killed, in an earlier boot.
    drop(fs::remove_file(&new));
    let written = write_beside(&new, content).and_then(|()| fs::rename(&new, path));
    // The name as well. It is there all the same for everybody but a power cut.
    drop(path.parent().map(fs::File::open).and_then(Result::ok).map(|directory| directory.sync_all()));
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    written
}

/// A new file: a link that somebody has put there is not followed.
fn write_beside(new: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::File::options().write(true).create_new(true).open(new)?;
    file.write_all(content)?;
    file.sync_all()
}

/// What a file holds that others may have made: nothing but a regular file, and no more of it than anybody needs.
///
/// # Errors
/// When there is none, or it is something else, such as a pipe, which would never end.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_regular(path)?.take(MOST).read_to_end(&mut content)?;
    Ok(content)
}

/// The last of such a file, as much as anybody needs.
///
/// # Errors
/// As for the whole.
pub fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open_regular(path)?;
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(MOST)))?;
    let mut content = Vec::new();
    file.take(MOST).read_to_end(&mut content)?;
    Ok(content)
}

fn open_regular(path: &Path) -> io::Result<fs::File> {
    let file = fs::File::options().read(true).custom_flags(NON_BLOCKING).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{} is no regular file: remove it", path.display())));
    }
    Ok(file)
}

#[expect(clippy::cast_possible_wrap, reason = "a flag of open(2), which takes an int")]
const NON_BLOCKING: i32 = OFlags::NONBLOCK.bits() as i32;
const MOST: u64 = 1 << 20;
