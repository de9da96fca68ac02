//! Pictures of what is measured. A hand-off: who served when, whose the volume and the record were, which functions ran, and how long nobody
//! answered. It is drawn from the history that the text is printed from.

pub mod distribution;
mod draw;
mod lanes;
mod svg;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::steady::NodeNames;

use crate::outage::Outage;
use crate::timeline::Timeline;
use lanes::Lanes;

/// A hand-off that has ended.
pub struct HandOff<'a> {
    /// As it is after the hand-off.
    pub world: &'a World,
    pub node: &'a NodeNames,
    /// Names for ids, as in [`Timeline::new`].
    pub names: BTreeMap<String, String>,
    /// When EC2 wanted the capacity back.
    pub begin: Time,
    pub outage: &'a Outage,
    /// What the same interruption costs with the usual set-up.
    pub usual: &'a Outage,
}

/// Writes a picture into a file.
///
/// # Errors
/// When it cannot be written there.
pub fn write(svg: &str, file: &Path) -> Result<(), String> {
    fs::write(file, svg).map_err(|error| format!("the picture cannot be written to {}: {error}", file.display()))
}

impl HandOff<'_> {
    /// The picture, as SVG that needs nothing else.
    pub fn svg(&self) -> String {
        draw::hand_off(self, &Lanes::of(self))
    }

    /// When everything is as before.
    fn over(&self) -> Time {
        let ends = [self.outage.away, self.outage.workload_away].into_iter().flatten().map(|(_, to)| to);
        ends.max().unwrap_or(self.begin)
    }

    /// The end of the picture.
    fn end(&self) -> Time {
        let over = self.over().since(self.begin).as_secs();
        self.begin + Duration::from_secs((over + 5).next_multiple_of(5))
    }

    /// The rows of the text: each part of the picture has the one that it stands for.
    fn timeline(&self) -> Timeline {
        Timeline::new(self.begin, self.names.clone(), true).uncoloured()
    }
}
