//! The model's order of events beside the machines'.

use std::collections::BTreeMap;

use durin_harness::time::Time;
use durin_harness::world::ec2::Ec2Change;
use durin_harness::world::guest::GuestFact;
use durin_harness::world::history::{Change, Entry, Fact};

use crate::print::say;

/// One event, told without ids.
#[derive(Clone, Debug)]
struct Event {
    /// Seconds since the beginning.
    at: f64,
    text: String,
}

/// Prints both, with what is the same in one row. What is concurrent may stand in another order.
pub(crate) fn print(played: &[Entry], happened: &[Entry]) {
    let (model, machines) = (events(played), events(happened));
    say!("{:>9} {:>9}   event", "model", "machines");
    for row in aligned(&model, &machines) {
        let cell = |at: Option<f64>| at.map_or_else(|| format!("{:>9}", "-"), |at| format!("{at:>7.1} s"));
        let (left, right, text) = match row {
            (Some(left), Some(right)) => (Some(left.at), Some(right.at), &right.text),
            (Some(left), None) => (Some(left.at), None, &left.text),
            (None, Some(right)) => (None, Some(right.at), &right.text),
            (None, None) => continue,
        };
        say!("{} {}   {text}", cell(left), cell(right));
    }
    say!("Times say nothing about EC2: the model's are estimates, and the machines' are those of an emulation.\n");
}

/// What happens to instances and their volume. Instances are numbered in the order of their launches.
fn events(history: &[Entry]) -> Vec<Event> {
    let begin = history.first().map_or(Time(0), |entry| entry.at);
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let mut events = Vec::new();
    for Entry { at, fact } in history {
        let told = match fact {
            Fact::Guest { instance, fact } => told(fact).map(|text| (instance, text)),
            Fact::Changed { subject, change: Change::Ec2(Ec2Change::Instance(state)) } => {
                Some((subject, state.name().to_owned()))
            }
            Fact::Changed { change: Change::Ec2(Ec2Change::Attaching { instance }), .. } => {
                Some((instance, "volume attaching".to_owned()))
            }
            Fact::Changed { change: Change::Ec2(Ec2Change::Attached { instance }), .. } => {
                Some((instance, "volume attached".to_owned()))
            }
            Fact::Changed { change: Change::Ec2(Ec2Change::Detaching { instance }), .. } => {
                Some((instance, "volume detaching".to_owned()))
            }
            Fact::Changed { change: Change::Ec2(Ec2Change::Busy { instance }), .. } => {
                Some((instance, "volume busy".to_owned()))
            }
            Fact::Emitted(_)
            | Fact::Invoked { .. }
            | Fact::Answered { .. }
            | Fact::Called { .. }
            | Fact::Changed { .. }
            | Fact::Violated(_) => None,
        };
        if let Some((instance, text)) = told {
            let next = names.len() + 1;
            let name = names.entry(instance).or_insert_with(|| format!("instance {next}"));
            events.push(Event { at: at.since(begin).as_secs_f64(), text: format!("{name}: {text}") });
        }
    }
    events
}

fn told(fact: &GuestFact) -> Option<String> {
    let text = match fact {
        GuestFact::Booted => "booted",
        GuestFact::AgentOnline => "agent is online",
        GuestFact::Mounted { .. } => "mounted",
        GuestFact::K3sUp => "k3s is up",
        GuestFact::WorkloadUp => "workload is up",
        GuestFact::K3sStopped => "k3s has stopped",
        GuestFact::WorkloadDown => "workload is down",
        GuestFact::Unmounted { .. } => "unmounted",
        GuestFact::Reboots => "reboots",
        GuestFact::PowerLost { .. } => "power lost with the volume mounted",
        // The model alone knows of these.
        GuestFact::AgentGone
        | GuestFact::Formatted { .. }
        | GuestFact::NotDeclaredNew { .. }
        | GuestFact::Resumes { .. }
        | GuestFact::OlderK3s { .. }
        | GuestFact::Settled { .. }
        | GuestFact::Cordoned
        | GuestFact::Drained
        | GuestFact::CannotRelease
        | GuestFact::StillMounted { .. }
        | GuestFact::ReleaseGivenUp
        | GuestFact::MarkerHonoured { .. }
        | GuestFact::KernelPanic
        | GuestFact::DeviceLost { .. } => return None,
    };
    Some(text.to_owned())
}

/// The longest common order, with what only one side has between.
fn aligned<'a>(left: &'a [Event], right: &'a [Event]) -> Vec<(Option<&'a Event>, Option<&'a Event>)> {
    // longest[i][j]: how many they have in common from i and j on.
    let mut longest = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            longest[i][j] = match left[i].text == right[j].text {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut rows, mut i, mut j) = (Vec::new(), 0, 0);
    while i < left.len() || j < right.len() {
        let both = i < left.len() && j < right.len() && left[i].text == right[j].text;
        if both {
            rows.push((Some(&left[i]), Some(&right[j])));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            rows.push((Some(&left[i]), None));
            i += 1;
        } else {
            rows.push((None, Some(&right[j])));
            j += 1;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_stands_in_one_row() {
        let events = |texts: &str| -> Vec<Event> {
            texts.chars().map(|text| Event { at: 0.0, text: text.to_string() }).collect()
        };
        let (left, right) = (events("abcd"), events("acbd"));
        let rows = aligned(&left, &right);
        let text = |event: Option<&Event>| event.map_or("-", |event| event.text.as_str()).to_owned();
        let rows: Vec<_> = rows.into_iter().map(|(left, right)| text(left) + &text(right)).collect();
        assert_eq!(rows, ["aa", "b-", "cc", "-b", "dd"]);
    }
}
