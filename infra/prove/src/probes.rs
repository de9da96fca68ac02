//! Every probe, in the order in which they are asked.

mod access;
mod calls;
mod groups;
mod hand_off;
mod images;
mod machines;
mod parameters;
mod templates;
mod unknown;
mod volumes;
mod zones;

use crate::probe::{Level, Probe};

/// All of them: what changes nothing first.
pub fn all() -> impl Iterator<Item = &'static Probe> {
    let lists = [
        unknown::PROBES,
        access::PROBES,
        calls::PROBES,
        hand_off::PROBES,
        parameters::PROBES,
        templates::PROBES,
        zones::PROBES,
        volumes::PROBES,
        images::PROBES,
        machines::PROBES,
        groups::PROBES,
    ];
    let mut probes: Vec<_> = lists.into_iter().flatten().collect();
    probes.sort_by_key(|probe| probe.level);
    probes.into_iter()
}

/// Those that change no more than this.
pub fn up_to(level: Level) -> impl Iterator<Item = &'static Probe> {
    all().filter(move |probe| probe.level <= level)
}

pub fn named(name: &str) -> Option<&'static Probe> {
    all().find(|probe| probe.name == name)
}
