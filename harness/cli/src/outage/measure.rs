//! When the API behind the record answers, and a workload on the cluster: k3s serves on the volume's holder, the record
//! points there, and clients that resolved the name before it moved no longer cache the old address.

use std::time::Duration;

use durin_harness::LocalAws;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::ec2::Ec2Change;
use durin_harness::world::history::{Change, Fact};
use durin_harness::world::invariants::check_always;
use durin_harness::world::steady::NodeNames;

/// The cost of an interruption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// How long the API did not answer.
    pub api: Duration,
    /// When that was, from the first failure to the last.
    pub away: Option<(Time, Time)>,
    /// How long the workload did not.
    pub workload: Duration,
    /// When that was, from the first failure to the last.
    pub workload_away: Option<(Time, Time)>,
    /// Writes that k3s had acknowledged and that are missing.
    pub lost_writes: u64,
    /// How often the file system was mounted after it had not been unmounted cleanly.
    pub unclean_mounts: u32,
    /// Everything that must never happen, and did.
    pub complaints: Vec<String>,
}

/// Spans of time in which something held, within the time watched.
struct Spans {
    is_so: bool,
    since: Time,
    spans: Vec<(Time, Time)>,
}

impl Spans {
    fn begin(now: Time) -> Spans {
        Spans { is_so: false, since: now, spans: Vec::new() }
    }

    fn see(&mut self, now: Time, is_so: bool) {
        if self.is_so && !is_so {
            self.spans.push((self.since, now));
        }
        if self.is_so != is_so {
            (self.is_so, self.since) = (is_so, now);
        }
    }

    /// From the beginning of the first to the end of the last, with one more span.
    fn extent_with(&self, end: Time, further: Option<(Time, Time)>) -> Option<(Time, Time)> {
        let open = self.is_so.then_some((self.since, end));
        let all = || self.spans.iter().copied().chain(open).chain(further);
        Some((all().map(|(from, _)| from).min()?, all().map(|(_, to)| to).max()?))
    }

    /// Their whole length, with one more span that may overlap them.
    fn length_with(mut self, end: Time, further: Option<(Time, Time)>) -> Duration {
        self.see(end, false);
        self.spans.extend(further);
        self.spans.sort_unstable();
        let mut covered_until = Time(i64::MIN);
        let mut length = Duration::ZERO;
        for (from, to) in self.spans {
            length += to.since(from.max(covered_until).min(to));
            covered_until = covered_until.max(to);
        }
        length
    }
}

/// Watches a node until `is_over` reports that the story has ended (and the workload is up again); `None` if that takes
/// longer than `within`.
pub async fn of_story(
    aws: &LocalAws,
    node: &NodeNames,
    within: Duration,
    is_over: impl Fn(&World) -> bool,
) -> Option<Outage> {
    let begun = aws.world(|world| world.now());
    let (mut api, mut workload) = (Spans::begin(begun), Spans::begin(begun));
    let mut record = aws.world(|world| address_in_record(world, node));
    let mut moved = None;
    let end = begun + within;
    loop {
        let (now, seen, over) = aws.world(|world| (world.now(), Seen::of(world, node), is_over(world)));
        api.see(now, !seen.api);
        workload.see(now, !seen.workload);
        if seen.record != record {
            record = seen.record.clone();
            moved = Some(now);
        }
        if over && seen.workload {
            let caches = moved.map(|moved| (moved, moved + Duration::from_secs(u64::from(node.record_ttl_s))));
            let (lost_writes, unclean_mounts, complaints) = aws.world(|world| {
                world.settle();
                let data = &world.ec2.volumes()[&node.volume].data;
                let mut complaints = check_always(world);
                complaints.extend(world.history().iter().filter_map(|entry| match &entry.fact {
                    Fact::Changed { subject, change: change @ Change::Ec2(Ec2Change::Busy { .. }) } => {
                        Some(format!("{subject}: {change}"))
                    }
                    Fact::Emitted(_)
                    | Fact::Invoked { .. }
                    | Fact::Answered { .. }
                    | Fact::Called { .. }
                    | Fact::Changed { .. }
                    | Fact::Guest { .. }
                    | Fact::Violated(_) => None,
                }));
                (data.acknowledged.saturating_sub(data.durable), data.unclean_mounts, complaints)
            });
            return Some(Outage {
                away: api.extent_with(now, caches),
                api: api.length_with(now, caches),
                workload_away: workload.extent_with(now, caches),
                workload: workload.length_with(now, caches),
                lost_writes,
                unclean_mounts,
                complaints,
            });
        }
        let left = end.since(now);
        if !aws.until(left, |world| Seen::of(world, node) != seen || is_over(world) != over).await {
            return None;
        }
    }
}

/// Whether the API answers at the address that the record names.
pub fn is_served(world: &World, node: &NodeNames) -> bool {
    Seen::of(world, node).api
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    api: bool,
    workload: bool,
    record: Option<String>,
}

impl Seen {
    fn of(world: &World, node: &NodeNames) -> Seen {
        let record = address_in_record(world, node);
        let is_named = |id: &str| world.ec2.instance(id).map(|instance| &instance.private_ip) == record.as_ref();
        Seen {
            api: world.serving(&node.volume).is_some_and(is_named),
            workload: world.workload_serving(&node.volume).is_some_and(is_named),
            record,
        }
    }
}

fn address_in_record(world: &World, node: &NodeNames) -> Option<String> {
    world.route53.zone(&node.zone_id)?.record_set(&node.record_name, "A")?.values.first().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_count_once() {
        let mut spans = Spans::begin(Time(0));
        for (at, is_so) in [(1_000, true), (3_000, false), (10_000, true)] {
            spans.see(Time(at), is_so);
        }
        // 1..3, 10..12 and the further 2..5: four seconds and two.
        assert_eq!(spans.length_with(Time(12_000), Some((Time(2_000), Time(5_000)))), Duration::from_secs(6));
    }
}
