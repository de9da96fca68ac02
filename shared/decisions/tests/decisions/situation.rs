//! Situations that chain into sentences.

mod known;
mod stories;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use durin_decisions::declaration::Declaration;
use durin_decisions::ids::{GroupName, HostedZoneId, InstanceId, RecordName, VolumeId};
use durin_decisions::node::{
    ARecord, Attachment, AttachmentState, Claim, Group, Instance, InstanceState, KeyProblem, Lifecycle, Observed,
    Question, Record, ReleaseState, Stop, UnusableKey, Volume, VolumeState, Word, Words,
};
use durin_decisions::risk::{Risk, RiskReason, Warning};

pub(crate) use stories::*;

/// The instance that was there first.
pub(crate) const OLD: &str = "i-00000000000000001";
/// Launched after it.
pub(crate) const NEW: &str = "i-00000000000000002";
/// Launched last.
pub(crate) const NEWEST: &str = "i-00000000000000003";

const ZONE: &str = "eu-central-1a";

/// The time at which situations are seen: long after every launch.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(100_000)
}

/// So many seconds from now.
pub(crate) fn in_s(seconds: u64) -> SystemTime {
    now() + Duration::from_secs(seconds)
}

/// So many seconds ago.
pub(crate) fn ago(seconds: u64) -> SystemTime {
    now() - Duration::from_secs(seconds)
}

/// Its release has just succeeded.
pub(crate) fn let_go_just_now() -> ReleaseState {
    let_go_ago(2)
}

pub(crate) fn let_go_ago(seconds: u64) -> ReleaseState {
    ReleaseState::Released { at: ago(seconds) }
}

pub(crate) fn refused_ago(seconds: u64) -> ReleaseState {
    ReleaseState::Failed { at: ago(seconds) }
}

/// It was asked for the first time, and for the last, so many seconds ago, and Systems Manager has never answered.
pub(crate) fn unanswered_ago(first: u64, last: u64) -> ReleaseState {
    ReleaseState::Unanswered { since: ago(first), at: ago(last) }
}

/// It has said so once, so many seconds ago.
pub(crate) fn still_resuming_ago(seconds: u64) -> ReleaseState {
    ReleaseState::StillResuming { since: ago(seconds), at: ago(seconds) }
}

pub(crate) const PENDING: Lifecycle = Lifecycle::Launching { waits: false };
pub(crate) const PENDING_WAIT: Lifecycle = Lifecycle::Launching { waits: true };
pub(crate) const TERMINATING: Lifecycle = Lifecycle::Terminating { waits: false };
pub(crate) const TERMINATING_WAIT: Lifecycle = Lifecycle::Terminating { waits: true };

/// A node as it may be seen.
#[derive(Clone, Debug)]
pub(crate) struct Situation(Observed);

pub(crate) fn id(text: &str) -> InstanceId {
    InstanceId::new(text).expect("an instance id")
}

pub(crate) fn volume() -> VolumeId {
    VolumeId::new("vol-0123456789abcdef0").expect("a volume id")
}

/// The record that names an instance, as Durin writes it.
pub(crate) fn a_record(instance: &str) -> ARecord {
    ARecord { address: address(instance).to_string(), ttl_s: 10 }
}

pub(crate) fn with_ttl(record: ARecord, ttl_s: i64) -> ARecord {
    ARecord { ttl_s, ..record }
}

fn address(instance: &str) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number(instance))
}

fn number(instance: &str) -> u8 {
    instance.as_bytes()[instance.len() - 1] - b'0'
}

/// Unless a situation says otherwise, each has said what is hoped for.
fn all_well(mut words: Words, instance: &str) -> Words {
    words.note(&id(instance), Question::Prepared, Word::Yes);
    words.note(&id(instance), Question::Serves, Word::Yes);
    words
}

impl Default for Situation {
    /// A node without instances, whose volume is free.
    fn default() -> Situation {
        Situation(Observed {
            declaration: Declaration {
                group: GroupName::new("k3s").expect("a group"),
                volume: volume(),
                zone: HostedZoneId::new("Z0123456789ABC").expect("a zone"),
                record: RecordName::from_tag("k3s.durin.internal").expect("a name"),
                ttl_s: 10,
            },
            record_shared_with: None,
            volume_shared_with: None,
            key: None,
            group: Group {
                desired_capacity: 1,
                zones: BTreeSet::from([ZONE.to_owned()]),
                min_size: 0,
                max_size: 2,
                launch_suspended: false,
                rebalances: false,
                tag_not_for_metadata: None,
                tag_not_propagated: None,
                members: BTreeMap::new(),
            },
            instances: BTreeMap::new(),
            volume: Some(Volume {
                state: VolumeState::Available,
                zone: ZONE.to_owned(),
                is_data: true,
                node: Some("k3s".to_owned()),
                key: None,
                attachments: Vec::new(),
            }),
            volume_stands_since: None,
            group_stands_since: None,
            silent_since: None,
            has_held: false,
            record: Record::Absent,
            claim: Claim::Ours,
            release: None,
            booted: [].into(),
            words: [OLD, NEW, NEWEST].into_iter().fold(Words::default(), all_well),
            have_answered: [].into(),
            warning: None,
            action: None,
            completed: [].into(),
            denied: [].into(),
            end_refused: [].into(),
            seen_waiting: [].into(),
            replacement_asked: None,
        })
    }
}

impl Situation {
    pub(crate) fn seen(&self) -> Observed {
        self.0.clone()
    }

    fn but(mut self, change: impl FnOnce(&mut Observed)) -> Situation {
        change(&mut self.0);
        self
    }

    fn volume(&mut self) -> &mut Volume {
        self.0.volume.as_mut().expect("a volume")
    }

    pub(crate) fn instance(self, instance: &str, lifecycle: Lifecycle, state: InstanceState) -> Situation {
        let seen = Instance {
            state,
            launched: Some(now() - Duration::from_secs(60) + Duration::from_secs(u64::from(number(instance)))),
            image: None,
            zone: ZONE.to_owned(),
            private_ip: Some(address(instance)),
            of_group: true,
            risk: None,
            stop: Stop::Unknown,
            hibernates: false,
            device_taken_by: None,
            is_declared: true,
            tags_in_metadata: Some(true),
        };
        self.but(|observed| observed.instances.extend([(id(instance), seen)])).lifecycle(instance, lifecycle)
    }

    pub(crate) fn lifecycle(self, instance: &str, lifecycle: Lifecycle) -> Situation {
        self.but(|observed| observed.group.members.extend([(id(instance), lifecycle)]))
    }

    pub(crate) fn state(self, instance: &str, state: InstanceState) -> Situation {
        self.on(instance, |seen| seen.state = state)
    }

    pub(crate) fn zone(self, instance: &str, zone: &str) -> Situation {
        self.on(instance, |seen| zone.clone_into(&mut seen.zone))
    }

    pub(crate) fn launched_ago(self, instance: &str, seconds: u64) -> Situation {
        self.on(instance, |seen| seen.launched = Some(now() - Duration::from_secs(seconds)))
    }

    /// EC2 does not say when it was launched.
    pub(crate) fn launched_nobody_knows_when(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.launched = None)
    }

    /// Systems Manager was not asked.
    pub(crate) fn unasked(self) -> Situation {
        self.but(|observed| observed.release = None)
    }

    pub(crate) fn no_address(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.private_ip = None)
    }

    /// Without the tag that only Auto Scaling can write.
    pub(crate) fn stranger(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.of_group = false)
    }

    fn on(self, instance: &str, change: impl FnOnce(&mut Instance)) -> Situation {
        self.but(|observed| change(observed.instances.get_mut(&id(instance)).expect("an instance")))
    }

    pub(crate) fn not_a_member(self, instance: &str) -> Situation {
        self.but(|observed| observed.group.members.retain(|member, _| *member != id(instance)))
    }

    /// EC2 does not list it.
    pub(crate) fn unlisted(self, instance: &str) -> Situation {
        self.but(|observed| observed.instances.retain(|listed, _| *listed != id(instance)))
    }

    /// Neither the group nor EC2 knows it any more.
    pub(crate) fn without(self, instance: &str) -> Situation {
        self.not_a_member(instance).unlisted(instance)
    }

    /// The group launches a replacement by itself when an instance is warned.
    pub(crate) fn rebalancing(self) -> Situation {
        self.but(|observed| observed.group.rebalances = true)
    }

    /// What the instance's tag says.
    pub(crate) fn at_risk(self, instance: &str, reason: RiskReason, until: Option<SystemTime>) -> Situation {
        self.on(instance, |seen| seen.risk = Some(Risk { reason, until }))
    }

    /// EC2 has scheduled its stop.
    pub(crate) fn stops_at(self, instance: &str, time: SystemTime) -> Situation {
        self.on(instance, |seen| seen.stop = Stop::At(time))
    }

    /// EC2 was asked, and is not going to stop it.
    pub(crate) fn never_stops(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.stop = Stop::None)
    }

    /// It was launched so that it can hibernate.
    pub(crate) fn hibernates(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.hibernates = true)
    }

    /// The event warns of an interruption.
    pub(crate) fn warned(self, instance: &str, until: SystemTime) -> Situation {
        self.warned_of(instance, Risk { reason: RiskReason::Interruption, until: Some(until) })
    }

    pub(crate) fn warned_of(self, instance: &str, risk: Risk) -> Situation {
        self.but(|observed| observed.warning = Some(Warning { instance: id(instance), risk, sent: None }))
    }

    pub(crate) fn record_shared(self) -> Situation {
        self.but(|observed| observed.record_shared_with = GroupName::new("twin").ok())
    }

    pub(crate) fn volume_shared(self) -> Situation {
        self.but(|observed| observed.volume_shared_with = GroupName::new("twin").ok())
    }

    /// The group propagates a tag for which EC2 refuses instances whose metadata shows their tags.
    pub(crate) fn tag_refused(self) -> Situation {
        self.but(|observed| observed.group.tag_not_for_metadata = Some("kubernetes.io/cluster/k3s".to_owned()))
    }

    /// The metadata of the instance does not show its tags.
    pub(crate) fn hides_tags(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.tags_in_metadata = Some(false))
    }

    pub(crate) fn launch_suspended(self) -> Situation {
        self.but(|observed| observed.group.launch_suspended = true)
    }

    pub(crate) fn at_least(self, instances: i32) -> Situation {
        self.but(|observed| observed.group.min_size = instances)
    }

    pub(crate) fn at_most(self, instances: i32) -> Situation {
        self.but(|observed| observed.group.max_size = instances)
    }

    /// Another volume is attached to the instance where the node's belongs.
    pub(crate) fn not_propagated(self) -> Situation {
        self.but(|observed| observed.group.tag_not_propagated = Some("durin:volume-id".to_owned()))
    }

    pub(crate) fn undeclared(self, instance: &str) -> Situation {
        self.on(instance, |seen| seen.is_declared = false)
    }

    pub(crate) fn device_taken(self, instance: &str) -> Situation {
        let other = VolumeId::new("vol-0fedcba9876543210").expect("a volume id");
        self.on(instance, |seen| seen.device_taken_by = Some(other))
    }

    pub(crate) fn key(self, problem: KeyProblem) -> Situation {
        self.but(|observed| observed.key = Some(UnusableKey { arn: "arn:aws:kms:key".to_owned(), problem }))
    }

    /// When it was asked for.
    pub(crate) fn attached_ago(self, seconds: u64) -> Situation {
        self.attached(Some(ago(seconds)))
    }

    pub(crate) fn attached(mut self, since: Option<SystemTime>) -> Situation {
        self.volume().attachments[0].since = since;
        self
    }

    pub(crate) fn launches_in(self, zone: &str) -> Situation {
        self.but(|observed| {
            observed.group.zones.insert(zone.to_owned());
        })
    }

    pub(crate) fn desired(self, capacity: i32) -> Situation {
        self.but(|observed| observed.group.desired_capacity = capacity)
    }

    pub(crate) fn held_by(mut self, instance: &str, state: AttachmentState) -> Situation {
        let volume = self.volume();
        volume.state = VolumeState::InUse;
        let since = match state {
            AttachmentState::Attaching => ago(2),
            AttachmentState::Attached | AttachmentState::Detaching => SystemTime::UNIX_EPOCH,
        };
        volume.attachments = vec![Attachment { instance: id(instance), state, since: Some(since) }];
        self
    }

    pub(crate) fn also_held_by(mut self, instance: &str) -> Situation {
        let attachment = Attachment {
            instance: id(instance),
            state: AttachmentState::Attached,
            since: Some(SystemTime::UNIX_EPOCH),
        };
        self.volume().attachments.push(attachment);
        self
    }

    pub(crate) fn free(mut self) -> Situation {
        let volume = self.volume();
        volume.state = VolumeState::Available;
        volume.attachments.clear();
        self
    }

    pub(crate) fn volume_state(self, state: VolumeState) -> Situation {
        let mut free = self.free();
        free.volume().state = state;
        free
    }

    /// What the volume's own tag says.
    /// The volume has lost the tag that says that it is a data volume.
    pub(crate) fn not_data(mut self) -> Situation {
        self.volume().is_data = false;
        self
    }

    pub(crate) fn volume_of(mut self, node: Option<&str>) -> Situation {
        self.volume().node = node.map(str::to_owned);
        self
    }

    /// An instance of the group has had the volume just now.
    pub(crate) fn has_held(self) -> Situation {
        self.but(|observed| observed.has_held = true)
    }

    pub(crate) fn no_volume(self) -> Situation {
        self.but(|observed| observed.volume = None)
    }

    pub(crate) fn record(self, record: Record) -> Situation {
        self.but(|observed| observed.record = record)
    }

    pub(crate) fn claim(self, claim: Claim) -> Situation {
        self.but(|observed| observed.claim = claim)
    }

    pub(crate) fn record_names(self, instance: &str) -> Situation {
        self.record(Record::Simple(a_record(instance)))
    }
}
