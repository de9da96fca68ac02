//! What mounts something at boot where durin-node mounts the volume.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::decide::mounted::unescaped;
use crate::machine::programs::{self, Deadline};
use crate::world::World;

use super::{UNITS, files_in, is_linked, text};

/// fstab(5): what, where, of which kind, how.
pub(super) fn fstab_mounts_it(world: &World) -> bool {
    let points = points(world);
    text(&world.path("etc/fstab")).lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let point = fields.get(1).map(|field| PathBuf::from(OsString::from_vec(unescaped(field.as_bytes()))));
        let is_there = !line.trim_start().starts_with('#') && point.is_some_and(|point| points.contains(&point));
        let has = |wanted| fields.get(3).is_some_and(|options| options.split(',').any(|option| option == wanted));
        is_there && (!has("noauto") || has("x-systemd.automount"))
    })
}

/// By their files, and by systemd's word, which knows what generators have made. What a line of fstab has become is told
/// as that.
pub(super) fn units_that_mount_it(world: &World) -> Vec<String> {
    let mut units: Vec<_> =
        points(world).iter().flat_map(|point| ["mount", "automount"].map(|kind| unit_of(point, kind))).collect();
    let by_hand = UNITS.iter().filter(|directory| !directory.contains("generator"));
    let directories = by_hand.flat_map(|directory| files_in(&world.path(directory)));
    let wants: Vec<_> = directories
        .filter(|path| path.extension().is_some_and(|extension| extension == "wants" || extension == "requires"))
        .collect();
    let properties = "--property=Id,FragmentPath,SourcePath,WantedBy,RequiredBy";
    let asked: Vec<_> = ["show", properties, "--"].into_iter().chain(units.iter().map(String::as_str)).collect();
    let shown = programs::run("systemctl", &asked, Deadline::after(Duration::from_secs(3))).output;
    let is_started = |unit: &str| shown.split("\n\n").any(|shown| is_wanted_at_boot(shown, unit));
    units.retain(|unit| wants.iter().any(|place| is_linked(&place.join(unit))) || is_started(unit));
    units
}

/// A mount that somebody has made has no file. (systemctl(1), "show")
fn is_wanted_at_boot(shown: &str, unit: &str) -> bool {
    let value = |key: &str| shown.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or("");
    value("Id") == unit
        && !value("FragmentPath").is_empty()
        && value("SourcePath") != "/etc/fstab"
        && !(value("WantedBy").is_empty() && value("RequiredBy").is_empty())
}

/// Where the volume is mounted, as files of the image spell it, and where that leads to.
fn points(world: &World) -> Vec<PathBuf> {
    let root = world.path("");
    let leads_to = world.mount_point().canonicalize().ok();
    let leads_to = leads_to.and_then(|point| Some(Path::new("/").join(point.strip_prefix(&root).ok()?)));
    let mut points = vec![world.mount_point_inside()];
    points.extend(leads_to.filter(|point| *point != points[0]));
    points
}

/// (systemd-escape(1), "--path")
fn unit_of(point: &Path, kind: &str) -> String {
    let path = point.to_string_lossy();
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).map(escaped).collect();
    format!("{}.{kind}", parts.join("-"))
}

fn escaped(part: &str) -> String {
    part.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b':' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("\\x{other:02x}"),
        })
        .collect()
}
