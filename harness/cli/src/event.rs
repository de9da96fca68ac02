//! An event to feed to a function: a file, or one of the recorded ones in `events/`.

use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use durin_harness::time::Time;
use serde_json::Value;

use crate::print::{NotUnderstood, say};

/// What a function is fed with.
pub(crate) struct Event {
    /// Where it comes from, for a person.
    pub(crate) source: String,
    pub(crate) payload: Value,
}

/// The repository that this program was built in.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

impl Event {
    /// Reads `-` (standard input), a file relative to the current folder, or an event of `events/`, with or without `.json`.
    ///
    /// # Errors
    /// When there is none of them, or it is not JSON.
    pub(crate) fn read(given: &str) -> Result<Event, NotUnderstood> {
        let (source, text) = text(given)?;
        let payload =
            serde_json::from_str(&text).map_err(|error| NotUnderstood(format!("{source} is not JSON: {error}")))?;
        Ok(Event { source, payload })
    }

    /// The time that it was recorded at.
    pub(crate) fn recorded(&self) -> Option<&str> {
        self.payload.get("time")?.as_str()
    }

    /// Dates it: a function does nothing about a warning of last winter.
    pub(crate) fn date(&mut self, now: Time) {
        if let Some(time) = self.payload.get_mut("time") {
            *time = Value::String(now.iso_seconds());
        }
    }
}

/// Prints an event with the present as its time, for `cargo lambda invoke`.
///
/// # Errors
/// When there is no such event.
pub fn print(given: &str) -> Result<ExitCode, Box<dyn Error>> {
    let mut event = Event::read(given)?;
    event.date(Time::real_now());
    say!("{:#}", event.payload);
    Ok(ExitCode::SUCCESS)
}

fn text(given: &str) -> Result<(String, String), NotUnderstood> {
    if given == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        return match read {
            Ok(_) => Ok(("standard input".to_owned(), text)),
            Err(error) => Err(NotUnderstood(format!("standard input cannot be read: {error}"))),
        };
    }
    let folder = repository().join("events");
    let recorded = folder.join(format!("{}.json", given.trim_end_matches(".json")));
    let path = [PathBuf::from(given), recorded].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let mut names: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().filter_map(name).collect();
        names.sort();
        let there = format!("there is no event {given:?}: it is neither a file nor one of events/, which has");
        NotUnderstood(format!("{there} {}", names.join(", ")))
    })?;
    let text = fs::read_to_string(&path)
        .map_err(|error| NotUnderstood(format!("{} cannot be read: {error}", path.display())))?;
    let shown = path.strip_prefix(repository()).unwrap_or(&path);
    Ok((shown.display().to_string(), text))
}

fn name(file: fs::DirEntry) -> Option<String> {
    Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned())
}
