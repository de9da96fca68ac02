//! What a function sees of the world: the real [`Observed`], as the loop in the crate `durin` would put it together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use durin_decisions::declaration::Declaration;
use durin_decisions::ids::{ActionToken, GroupName, HookName, HostedZoneId, InstanceId, RecordName, VolumeId};
use durin_decisions::lifecycle::{LifecycleAction, Passage, Transition};
use durin_decisions::node::{
    ARecord, Agents, Attachment, AttachmentState, Claim, Group, Instance, InstanceState, Lifecycle, Observed, Question,
    Record, Release, ReleaseState, Stop, Volume, VolumeState, Word, Words, release_matters, word_matters,
};
use durin_decisions::risk::{Risk, RiskReason, Warning};

use crate::runs::{Event, Run};
use crate::world::{AGED, Age, Cycle, Ec2, Id, Left, Mark, Place, Said, SeenGroup, World};

/// How a function looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Eyes {
    Open,
    /// Systems Manager does not answer.
    Deaf,
    /// It knows the group from an earlier look.
    OldGroup,
}

const ZONE: &str = "eu-central-1a";
const TTL_S: u32 = 10;

static IDS: LazyLock<[InstanceId; 3]> =
    LazyLock::new(|| [1, 2, 3].map(|number| InstanceId::new(format!("i-0000000000000000{number}")).expect("an id")));

static DECLARATION: LazyLock<Declaration> = LazyLock::new(|| Declaration {
    group: GroupName::new("k3s").expect("a group"),
    volume: VolumeId::new("vol-0123456789abcdef0").expect("a volume"),
    zone: HostedZoneId::new("Z0123456789ABC").expect("a zone"),
    record: RecordName::from_tag("k3s.durin.internal").expect("a name"),
    ttl_s: TTL_S,
});

/// The moment at which every state is seen: ages and deadlines count from here.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
}

pub(crate) fn ago(age: Age) -> SystemTime {
    let long = if age >= AGED { 100_000 } else { 0 };
    now() - Duration::from_secs(u64::from(age) + long)
}

fn at(left: Left) -> SystemTime {
    let seconds = Duration::from_secs(u64::from(left.unsigned_abs()));
    if left < 0 { now() - seconds } else { now() + seconds }
}

pub(crate) fn name(id: Id) -> &'static InstanceId {
    &IDS[id]
}

pub(crate) fn place(id: &InstanceId) -> Id {
    IDS.iter().position(|known| known == id).expect("one of the three")
}

pub(crate) fn record_of(id: Id) -> ARecord {
    ARecord { address: address(id).to_string(), ttl_s: i64::from(TTL_S) }
}

pub(crate) fn place_of_record(record: &ARecord) -> Id {
    (0..IDS.len()).find(|id| record_of(*id) == *record).expect("the address of one of the three")
}

fn address(id: Id) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, u8::try_from(id).expect("small") + 4)
}

/// What the run sees.
pub(crate) fn see(world: &World, run: &Run, eyes: Eyes) -> Observed {
    let agents: BTreeSet<InstanceId> =
        world.ids().filter(|id| world.instances[*id].hears()).map(|id| name(id).clone()).collect();
    let own = run.event.action().map(|(id, transition)| (name(id).clone(), transition));
    let seen_group = run.group.filter(|_| eyes == Eyes::OldGroup).map_or(world.seen_group(), |(group, _)| group);
    let mut observed = Observed {
        declaration: DECLARATION.clone(),
        record_shared_with: None,
        volume_shared_with: None,
        group: group(world, seen_group),
        instances: world.ids().filter_map(|id| Some((name(id).clone(), instance(world, run, id)?))).collect(),
        volume: Some(volume(world)),
        key: None,
        volume_stands_since: Some(ago(run.stands)),
        group_stands_since: Some(ago(world.group.stands.min(run.age))),
        silent_since: None,
        has_held: true,
        record: world.record.map_or(Record::Absent, |id| Record::Simple(record_of(id))),
        claim: Claim::Ours,
        release: None,
        booted: agents.clone(),
        words: Words::default(),
        have_answered: world.ids().filter(|id| world.instances[*id].can_answer()).map(|id| name(id).clone()).collect(),
        warning: warning(world, run.event),
        action: own.as_ref().map(|(instance, transition)| action(instance, *transition)),
        seen_waiting: own.filter(|_| run.own_action_is_known).into_iter().collect(),
        completed: BTreeSet::new(),
        denied: BTreeMap::new(),
        end_refused: BTreeMap::new(),
        replacement_asked: None,
    };
    observed.release = release(world, &observed, agents, eyes);
    let is_silent = observed.release.as_ref().is_some_and(|release| release.agents == Agents::Unknown);
    observed.silent_since = is_silent.then(|| ago(run.age));
    hear(world, &mut observed, eyes);
    observed
}

fn group(world: &World, (desired, cycles): SeenGroup) -> Group {
    let members = world.ids().filter_map(|id| Some((name(id).clone(), lifecycle(cycles[id])?)));
    Group {
        desired_capacity: i32::from(desired),
        zones: BTreeSet::from([ZONE.to_owned()]),
        min_size: i32::from(world.group.min),
        max_size: 2,
        launch_suspended: false,
        rebalances: world.group.rebalances,
        tag_not_for_metadata: None,
        tag_not_propagated: None,
        members: members.collect(),
    }
}

fn lifecycle(cycle: Cycle) -> Option<Lifecycle> {
    Some(match cycle {
        Cycle::Outside => return None,
        Cycle::Pending | Cycle::PendingProceed => Lifecycle::Launching { waits: false },
        Cycle::PendingWait => Lifecycle::Launching { waits: true },
        Cycle::InService => Lifecycle::InService,
        Cycle::TerminatingWait => Lifecycle::Terminating { waits: true },
        Cycle::TerminatingProceed => Lifecycle::Terminating { waits: false },
    })
}

fn instance(world: &World, run: &Run, id: Id) -> Option<Instance> {
    let it = &world.instances[id];
    let state = match it.ec2 {
        Ec2::Unborn | Ec2::Forgotten => return None,
        Ec2::Pending => InstanceState::Pending,
        Ec2::Running => InstanceState::Running,
        Ec2::Dead => InstanceState::Dead,
    };
    Some(Instance {
        state,
        launched: Some(ago(it.launched)),
        image: None,
        zone: ZONE.to_owned(),
        private_ip: Some(address(id)),
        of_group: true,
        risk: it.mark.or(own_mark(run, id)).map(risk),
        stop: Stop::Unknown,
        hibernates: false,
        device_taken_by: None,
        is_declared: true,
        tags_in_metadata: Some(true),
    })
}

fn own_mark(run: &Run, id: Id) -> Option<Mark> {
    run.own_mark.filter(|(marked, _)| *marked == id).map(|(_, mark)| mark)
}

fn risk(mark: Mark) -> Risk {
    match mark {
        Mark::Retirement => Risk { reason: RiskReason::Retirement, until: None },
        Mark::Terminating(left) => Risk { reason: RiskReason::Terminating, until: Some(at(left)) },
        Mark::Interruption(left) => Risk { reason: RiskReason::Interruption, until: Some(at(left)) },
    }
}

fn volume(world: &World) -> Volume {
    let attachments = world.volume.held.map(|held| Attachment {
        instance: name(held.by).clone(),
        state: match held.state {
            Place::Attaching => AttachmentState::Attaching,
            Place::Attached => AttachmentState::Attached,
            Place::Detaching => AttachmentState::Detaching,
        },
        since: Some(ago(held.since)),
    });
    Volume {
        state: if attachments.is_some() { VolumeState::InUse } else { VolumeState::Available },
        zone: ZONE.to_owned(),
        is_data: true,
        node: Some("k3s".to_owned()),
        key: None,
        attachments: attachments.into_iter().collect(),
    }
}

fn warning(world: &World, event: Event) -> Option<Warning> {
    let Event::Warning(id) = event else { return None };
    let left = world.instances[id].warned?;
    let risk = Risk { reason: RiskReason::Interruption, until: Some(at(left)) };
    Some(Warning { instance: name(id).clone(), risk, sent: None })
}

fn action(instance: &InstanceId, transition: Transition) -> LifecycleAction {
    LifecycleAction {
        group: DECLARATION.group.clone(),
        hook: HookName::new(transition.hook()).expect("a hook"),
        instance: instance.clone(),
        token: ActionToken::new("87654321-4321-4321-4321-210987654321").ok(),
        transition,
        passage: Passage::Service,
    }
}

/// As `Node::ask_about_release` in the crate `durin`.
fn release(world: &World, observed: &Observed, agents: BTreeSet<InstanceId>, eyes: Eyes) -> Option<Release> {
    let commands = world.holder().map(|holder| world.instances[holder].commands);
    let was_asked = commands.is_some_and(|commands| !commands.is_empty());
    release_matters(observed, was_asked, now())?;
    let unknown = Release { agents: Agents::Unknown, state: ReleaseState::NotStarted };
    let state = commands.map_or(ReleaseState::NotStarted, |commands| commands.release_state());
    let stays = release_matters(observed, false, now()).is_none();
    Some(match eyes {
        Eyes::Deaf => unknown,
        Eyes::Open | Eyes::OldGroup if stays && state == ReleaseState::NotStarted => unknown,
        Eyes::Open | Eyes::OldGroup => Release { agents: Agents::Listed { online: agents, lost: lost(world) }, state },
    })
}

/// Systems Manager goes on to list an instance that has booted once, also while it is rebooted.
fn lost(world: &World) -> BTreeSet<InstanceId> {
    let is_lost = |id: &Id| {
        let it = &world.instances[*id];
        it.lives() && !it.hears() && (it.guest.up || it.guest.down.is_some())
    };
    world.ids().filter(is_lost).map(|id| name(id).clone()).collect()
}

/// As `Node::hear` in the crate `durin`.
fn hear(world: &World, observed: &mut Observed, eyes: Eyes) {
    if eyes == Eyes::Deaf {
        return;
    }
    let mut heard = BTreeSet::new();
    while let Some((instance, question)) = word_matters(observed, now())
        && heard.insert((instance.clone(), question))
    {
        let it = &world.instances[place(&instance)];
        let said = match question {
            _ if !it.hears() => Said::Nothing,
            Question::Prepared => it.prepared,
            Question::Serves => it.serves,
        };
        let word = word(said);
        if (question, &word) == (Question::Serves, &Word::Yes) {
            observed.know_arrival();
        }
        observed.words.note(&instance, question, word);
    }
}

fn word(said: Said) -> Word {
    match said {
        Said::Nothing => Word::NotAsked,
        Said::Asked(age) => Word::Asked { since: ago(age) },
        Said::Yes => Word::Yes,
        Said::NotYet => Word::NotYet { why: "k3s does not answer".to_owned() },
        Said::No => Word::No { why: "it says so".to_owned() },
        Said::Absent => Word::Absent { why: "it has no program".to_owned() },
    }
}
