//! The marker in `/run`: this instance has let go of its volume, in this boot.

use durin_decisions::ids::VolumeId;

/// What the marker says to the boot that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    Absent,
    /// Of an earlier boot, which says nothing about this one.
    Stale,
    /// The volume as it stands there, which may be no id if something else wrote the marker, and empty if it has none.
    Released(String),
}

/// For how long nothing mounts the volume after a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until it is taken back.
    Resumed,
    /// Until the units are started again.
    Started,
}

const UNTIL_STARTED: &str = "until durin-node.service has stopped";

impl Marker {
    /// Reads a marker: the volume in the first line, the boot's id in the second. One without a boot counts for this
    /// boot: what is in doubt has been released.
    pub fn read(text: Option<&str>, boot: &str) -> Marker {
        let Some(text) = text else { return Marker::Absent };
        let mut lines = text.lines();
        // Nobody prints what is no text.
        let volume = lines.next().unwrap_or_default().trim().replace(char::is_control, "");
        match lines.next().and_then(|line| line.strip_prefix("boot ")) {
            Some(marked) if marked.trim() != boot.trim() => Marker::Stale,
            Some(_) | None => Marker::Released(volume),
        }
    }

    pub fn text(volume: &VolumeId, boot: &str, until: Until) -> String {
        let until = match until {
            Until::Resumed => String::new(),
            Until::Started => format!("{UNTIL_STARTED}\n"),
        };
        format!("{volume}\nboot {}\n{until}", boot.trim())
    }

    /// For how long a marker of this text is meant to stay.
    pub fn until(text: &str) -> Until {
        if text.lines().nth(2) == Some(UNTIL_STARTED) { Until::Started } else { Until::Resumed }
    }

    pub fn forbids(&self) -> bool {
        matches!(self, Marker::Released(_))
    }

    pub fn names(&self, volume: &VolumeId) -> bool {
        matches!(self, Marker::Released(named) if named == volume.as_str())
    }
}
