//! What k3s is started with, by its unit and the drop-ins of it: its command line, and its environment.

use std::path::PathBuf;

use crate::world::World;

use super::{K3S, drop_ins, place_of, text};

/// A file, and what it gives.
pub(super) type Given = (PathBuf, String);

/// The values of an option of k3s's, whatever it is called. One that is only named is switched on.
pub(super) fn options(world: &World, names: &[&str]) -> Vec<Given> {
    let mut found = Vec::new();
    for (path, command) in values(world, "ExecStart") {
        let mut words = command.split_whitespace().map(unquoted).peekable();
        let mut is_k3s = false;
        while let Some(word) = words.next() {
            is_k3s |= word == "server";
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            // A short one may be a shell's that starts k3s.
            if names.contains(&name) && (is_k3s || name.starts_with("--")) {
                let value = value.or_else(|| words.next_if(|next| !next.starts_with('-')));
                found.push((path.clone(), unquoted(value.unwrap_or("true")).to_owned()));
            }
        }
    }
    found
}

/// A variable of its environment. What is in a file of variables counts more. (systemd.exec(5), "EnvironmentFile=")
pub(super) fn variable(world: &World, name: &str) -> Option<Given> {
    let of_unit = values(world, "Environment").into_iter().flat_map(|(path, line)| {
        let words: Vec<_> = line.split_whitespace().map(|word| (path.clone(), unquoted(word).to_owned())).collect();
        words
    });
    let of_files = values(world, "EnvironmentFile").into_iter().flat_map(|(_, file)| {
        let file = file.replace("%N", "k3s").replace("%p", "k3s").replace("%n", K3S);
        let path = world.path(file.trim_start_matches(['-', '/']));
        let lines: Vec<_> = text(&path).lines().map(|line| (path.clone(), line.trim().to_owned())).collect();
        lines
    });
    let mut set = of_unit.chain(of_files).filter_map(|(path, line)| {
        let (key, value) = line.split_once('=')?;
        (key == name).then(|| (path, unquoted(value).to_owned()))
    });
    set.next_back()
}

/// What the unit says under a key, in the order of its files. An empty one takes all before it back.
fn values(world: &World, key: &str) -> Vec<Given> {
    let mut files = drop_ins(world);
    files.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    let mut found = Vec::new();
    for path in place_of(world, K3S).into_iter().chain(files) {
        let joined = text(&path).replace("\\\n", " ");
        let lines = joined.lines().filter_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix('='));
        for value in lines.map(str::trim) {
            if value.is_empty() {
                found.clear();
            } else {
                found.push((path.clone(), value.to_owned()));
            }
        }
    }
    found
}

pub(super) fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}
