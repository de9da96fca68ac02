//! A rule that is taken out is found, and the shortest history that needs it is told. See the stories with
//! `cargo test -p durin-model found -- --nocapture --test-threads 1`.

use crate::commands::{Document, Outcome};
use crate::fair::{self, End};
use crate::faults::Fault;
use crate::invariants::*;
use crate::moves::{Bounds, Move};
use crate::rules::{self, but};
use crate::runs::{DURIN, Event, Rules};
use crate::search::search;
use crate::see::Eyes;
use crate::story::tell;
use crate::world::{Cycle, Mark, Place, World};

const A_LOOK: Move = Move::Starts(Event::Schedule, Eyes::Open);

const fn within(runs: usize, faults: u8, moves: usize) -> Bounds {
    Bounds { runs, faults, moves }
}

/// A history that has come so far by Durin's own rules.
struct Begun {
    first: World,
    moves: Vec<Move>,
    world: World,
}

fn serving() -> Begun {
    Begun { first: World::serving(false), moves: Vec::new(), world: World::serving(false) }
}

/// A fault, and what comes of it as usual, until then.
fn after(fault: Fault, until: impl Fn(&World) -> bool) -> Begun {
    let begun = serving().and(&[Move::Fault(fault)]);
    let (world, usual) = fair::usual(&begun.world, &DURIN, until);
    Begun { world, moves: begun.moves.into_iter().chain(usual).collect(), ..begun }
}

impl Begun {
    /// What comes next.
    fn and(mut self, moves: &[Move]) -> Begun {
        for it in moves {
            if matches!(it, Move::Fault(_)) {
                self.first.faults += 1;
                self.world.faults += 1;
            }
            self.world.make(*it, &DURIN).expect("breaks nothing");
            self.moves.push(*it);
        }
        self
    }
}

fn has_let_go(world: &World) -> bool {
    let is_release = |document, outcome| (document, outcome) == (Document::Release, Outcome::Success);
    let holder = world.settled().map(|holder| world.instances[holder].commands);
    holder.is_some_and(|commands| commands.iter().any(|it| it.of_attachment && is_release(it.document, it.outcome)))
}

fn new_is_attached(world: &World) -> bool {
    world.volume.held.is_some_and(|held| (held.by, held.state) == (1, Place::Attached))
}

/// The story of the shortest history that breaks this; within the same bounds Durin's own rules break nothing.
fn story(begun: &Begun, rules: &Rules, bounds: Bounds, invariant: &str) {
    let found = search(std::slice::from_ref(&begun.world), &bounds, rules, |_| {});
    let (broken, history) = found.broken.expect("the rule is needed");
    let as_long = Bounds { moves: history.moves.len(), ..bounds };
    let durin = search(std::slice::from_ref(&begun.world), &as_long, &DURIN, |_| {});
    if let Some((broken, history)) = durin.broken {
        let story = tell(&begun.world.clone().with_faults(bounds.faults), &history.moves, &DURIN);
        panic!("with the rule, too: {}\n{story}", broken.0);
    }
    let moves: Vec<Move> = begun.moves.iter().chain(&history.moves).copied().collect();
    let faults = begun.first.faults + bounds.faults;
    let story = tell(&begun.first.clone().with_faults(faults), &moves, rules);
    println!("{} states\n{story}", found.states);
    assert_eq!(broken.0, invariant, "{story}");
    assert!(story.contains(invariant), "the story is another\n{story}");
}

#[test]
fn a_release_that_counts_for_ever() {
    let begun = after(Fault::PersonRefreshes, has_let_go);
    story(&begun, &but(rules::a_release_counts_for_ever), within(1, 1, 12), TAKEN_FROM_THE_LIVING);
}

#[test]
fn a_release_that_counts_for_every_attachment() {
    let mut begun = serving();
    let holder = &mut begun.world.instances[0];
    holder.commands.send(Document::Release);
    holder.commands.iter_mut().for_each(|it| it.outcome = Outcome::Success);
    holder.commands.begin_attachment();
    begun.first = begun.world.clone();
    story(&begun, &but(rules::a_release_counts_for_every_attachment), within(1, 1, 16), TAKEN_FROM_THE_LIVING);
}

#[test]
fn a_newcomer_that_is_taken_to_have_booted() {
    story(&serving(), &but(rules::a_newcomer_is_taken_to_have_booted), within(1, 1, 10), BROKEN_BEFORE_MADE);
}

/// It was launched first beside a host that retires, and has come into service without a word: its four minutes are over.
#[test]
fn a_holder_that_is_taken_to_serve() {
    let mut begun = after(Fault::PersonRefreshes, |world| world.settled() == Some(1));
    let world = &mut begun.world;
    (world.group.desired, world.group.replacing, world.record) = (2, false, Some(1));
    world.runs = [None, None];
    (world.instances[0].mark, world.instances[1].cycle) = (Some(Mark::Retirement), Cycle::InService);
    begun.first = begun.world.clone();
    begun.moves.clear();
    story(&begun, &but(rules::a_holder_is_taken_to_serve), within(1, 1, 8), ENDED_FOR_ONE_UNPROVEN);
}

#[test]
fn a_deadline_that_is_always_assumed() {
    story(&serving(), &but(rules::a_deadline_is_always_assumed), within(1, 1, 10), BROKEN_BEFORE_MADE);
}

#[test]
fn a_hold_that_is_forgotten() {
    story(&serving(), &but(rules::the_hold_is_forgotten), within(1, 1, 10), BROKEN_BEFORE_MADE);
}

#[test]
fn a_boot_that_nobody_waits_for() {
    story(&serving(), &but(rules::nobody_waits_for_the_boot), within(1, 1, 10), BROKEN_BEFORE_MADE);
}

#[test]
fn a_release_that_nobody_waits_for() {
    story(&serving(), &but(rules::nobody_waits_for_the_release), within(1, 1, 16), TAKEN_FROM_THE_LIVING);
}

#[test]
fn a_terminate_action_that_does_not_wait() {
    story(&serving(), &but(rules::a_terminate_action_does_not_wait), within(1, 1, 10), ENDED_WHILE_SERVING);
}

#[test]
fn a_release_that_is_taken_back_too_soon() {
    let begun = after(Fault::PersonRefreshes, has_let_go).and(&[Move::Passes(10), A_LOOK]);
    story(&begun, &but(rules::a_release_is_taken_back_too_soon), within(2, 1, 14), TAKEN_FROM_THE_LIVING);
}

#[test]
fn a_detachment_that_may_arrive_at_any_time() {
    let begun = after(Fault::PersonRefreshes, has_let_go).and(&[A_LOOK]);
    story(&begun, &Rules { arrives_within: 60, ..DURIN }, within(2, 1, 14), TAKEN_FROM_THE_LIVING);
}

#[test]
fn a_reboot_that_is_over_in_twenty_seconds() {
    let mut begun = after(Fault::PersonRefreshes, has_let_go);
    begun.first.reboot_takes = 20;
    begun.world.reboot_takes = 20;
    let found = search(std::slice::from_ref(&begun.world), &within(1, 1, 12), &DURIN, |_| {});
    let (broken, history) = found.broken.expect("what the rule rests on");
    let moves: Vec<Move> = begun.moves.iter().chain(&history.moves).copied().collect();
    println!("{}", tell(&begun.first.clone().with_faults(2), &moves, &DURIN));
    assert_eq!(broken.0, TAKEN_FROM_THE_LIVING);
}

#[test]
fn a_second_look_that_is_left_out() {
    let mut begun = serving();
    begun.first.group_is_kept = true;
    begun.world.group_is_kept = true;
    story(&begun, &Rules { looks_again: false, ..DURIN }, within(1, 2, 16), BROKEN_BEFORE_MADE);
}

#[test]
fn a_record_that_is_overwritten() {
    let begun = after(Fault::Dies(0), new_is_attached).and(&[A_LOOK, Move::Fault(Fault::Dies(1))]);
    story(&begun, &Rules { upserts: true, ..DURIN }, within(2, 0, 16), RECORD_UNDONE);
}

#[test]
fn a_word_that_nobody_waits_for() {
    let begun = after(Fault::Dies(0), new_is_attached);
    story(&begun, &but(rules::nobody_waits_for_the_word), within(1, 1, 12), GONE_ON_SILENTLY);
}

#[test]
fn a_not_yet_that_is_taken_for_a_no() {
    let begun = after(Fault::Dies(0), new_is_attached);
    story(&begun, &but(rules::not_yet_is_no), within(1, 1, 12), GIVEN_UP_WHILE_SERVING);
}

#[test]
fn an_unknown_that_is_taken_for_none() {
    story(&serving(), &but(rules::unknown_is_none), within(1, 3, 8), ENDED_WHILE_SERVING);
}

#[test]
fn an_agent_that_is_lost_and_taken_for_none() {
    let is_launched = |world: &World| world.instances[1].cycle == Cycle::PendingWait;
    let begun = after(Fault::PersonRefreshes, is_launched).and(&[Move::Fault(Fault::LosesAgent(0))]);
    story(&begun, &but(rules::lost_is_none), within(1, 1, 12), BROKEN_BEFORE_MADE);
}

#[test]
fn a_newcomer_that_cannot_be_asked_and_is_taken_to_be_prepared() {
    story(&serving(), &but(rules::absent_is_yes), within(1, 2, 14), BROKEN_BEFORE_MADE);
}

#[test]
fn a_number_that_always_falls() {
    let mut begun = after(Fault::PersonAsksForTwo, |world| world.count(|it| it.guest.up) == 2);
    begun.first.group.min = 0;
    begun.world.group.min = 0;
    story(&begun, &but(rules::the_number_always_falls), within(2, 1, 14), NOBODY_WANTED);
}

/// The story of a history at whose end, however long one waits, nobody serves.
fn never(begun: &Begun, rules: &Rules) {
    let (End::Never(then) | End::RunsOut(then)) = fair::go_on(&begun.world, rules) else {
        panic!("the rule is needed")
    };
    let moves: Vec<Move> = begun.moves.iter().copied().chain(then.into_iter().take(24)).collect();
    println!("{}       => nobody serves, however long one waits", tell(&begun.first, &moves, rules));
    assert!(matches!(fair::go_on(&begun.world, &DURIN), End::Serves { .. }), "with the rule it serves");
}

#[test]
fn a_release_that_is_never_taken_back() {
    let begun = after(Fault::PersonRefreshes, has_let_go).and(&[Move::Fault(Fault::RefreshFails(1))]);
    never(&begun, &but(rules::a_release_is_never_taken_back));
}

#[test]
fn a_failure_that_is_taken_for_silence() {
    let is_begun = |world: &World| world.instances[0].guest.marker;
    let fails = [Fault::CommandFails(0), Fault::RefreshFails(1)].map(Move::Fault);
    never(&after(Fault::PersonRefreshes, is_begun).and(&fails), &but(rules::a_failure_is_taken_for_silence));
}

#[test]
fn an_earlier_release_that_is_forgotten() {
    let mut begun = serving();
    let holder = &mut begun.world.instances[0];
    (holder.guest.marker, holder.guest.mounted, holder.guest.serving) = (true, false, false);
    holder.commands.send(Document::Release);
    holder.commands.iter_mut().for_each(|it| it.outcome = Outcome::Success);
    holder.commands.begin_attachment();
    begun.first = begun.world.clone();
    never(&begun, &but(rules::an_earlier_release_is_forgotten));
}

#[test]
fn a_stuck_volume_that_is_waited_for() {
    let leaves = |world: &World| world.volume.held.is_some_and(|held| held.state == Place::Detaching);
    let begun = after(Fault::PersonRefreshes, leaves).and(&[Move::Fault(Fault::Sticks)]);
    never(&begun, &but(rules::a_stuck_volume_is_waited_for));
}

/// Its group ends a holder that has fifty tags, and there is no capacity for another. Each run ends after five minutes.
fn an_end_without_a_mark() -> Begun {
    let mut begun = serving();
    begun.world.instances[0].takes_no_mark = true;
    begun.world.group.no_capacity_for = 3600;
    begun.first = begun.world.clone();
    begun.and(&[Move::Fault(Fault::PersonEnds(0))])
}

#[test]
fn a_hold_that_is_as_long_without_a_mark() {
    never(&an_end_without_a_mark(), &Rules { unmarked: |risk, _| risk, ..DURIN });
}

/// The second release never reaches it, and it has let go by the first.
#[test]
fn a_holder_that_has_let_go_and_is_not_reached_again_serves_in_the_end() {
    let seconds = [10, 9, 1].map(Move::Passes);
    let fails = [Fault::Dawdles(10), Fault::Dawdles(30), Fault::RefreshFails(1)].map(Move::Fault);
    let begun = after(Fault::PersonRefreshes, has_let_go).and(&seconds).and(&[A_LOOK, Move::Arrives(1)]).and(&fails);
    let end = fair::go_on(&begun.world, &DURIN);
    println!("{}       => {end:?}", tell(&begun.first, &begun.moves, &DURIN));
    assert!(matches!(end, End::Serves { .. }));
}
