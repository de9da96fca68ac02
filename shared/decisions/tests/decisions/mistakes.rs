//! Mistakes in the set-up: what each one stops, and what a person reads of it.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, Blocked, Claim, Done, InstanceState, KeyProblem, Lifecycle, Question, Record, RecordProblem,
    ReleaseState, Step, VolumeState, WaitFor, Word, next_step,
};
use durin_decisions::risk::RiskReason;
use rstest::rstest;

use crate::situation::*;

#[rstest]
#[case::three_wanted(rebalanced().desired(3), "set it to 1")]
#[case::the_volume_does_not_exist(healthy().no_volume(), "durin:volume-id")]
#[case::the_volume_is_being_deleted(healthy().volume_state(VolumeState::Unusable("deleting".into())), "deleting")]
#[case::attached_twice(healthy().also_held_by(NEW), "Multi-Attach")]
#[case::a_foreign_record(healthy().record(Record::Foreign("an alias".into())), "durin:record-name")]
#[case::no_address(healthy().no_address(OLD), "subnets with IPv4")]
#[case::another_node_has_its_record(
    healthy().record_names(NEW).claim(Claim::Absent).record_shared(), "k3s and twin both declare the record")]
#[case::another_node_declares_its_record(healthy().record_shared(), "k3s and twin both declare the record")]
#[case::another_node_has_its_volume(healthy().volume_shared(), "k3s and twin both declare the volume")]
#[case::held_and_another_node_has_its_volume(rebalanced().volume_of(None).volume_shared(), "k3s and twin both")]
#[case::free_and_another_node_has_its_volume(
    replaced().without(OLD).free().volume_of(None).volume_shared(), "durin:node")]
#[case::no_such_zone(
    healthy().record(Record::Unavailable(RecordProblem::NoSuchZone)), "durin:hosted-zone-id")]
#[case::a_zone_that_the_roles_do_not_name(
    healthy().record(Record::Unavailable(RecordProblem::ZoneNotAllowed)), "just deploy --hosted-zone Z")]
#[case::a_record_that_is_refused(
    healthy().record(Record::Unavailable(RecordProblem::Refused("not permitted in zone".into()))), "durin:record-name")]
#[case::the_successor_has_something_else_there(rebalanced().device_taken(NEW), "remove that device")]
#[case::free_and_the_successor_has_something_else_there(replaced().without(OLD).free().device_taken(NEW), "/dev/sdf")]
#[case::the_successor_has_no_tag(rebalanced().undeclared(NEW), "PropagateAtLaunch=true")]
#[case::free_and_the_successor_has_no_tag(
    replaced().without(OLD).free().undeclared(NEW), "Key=durin:volume-id,Value=vol-0123456789abcdef0")]
#[case::its_group_propagates_no_tag(healthy().not_propagated().undeclared(OLD), "durin:volume-id to the instances")]
#[case::its_group_may_launch_elsewhere(
    healthy().launches_in("eu-central-1b"), "subnets in eu-central-1a")]
#[case::its_key_is_disabled(rebalanced().key(KeyProblem::Disabled), "arn:aws:kms:key is disabled: enable it")]
#[case::its_key_is_going_to_be_deleted(rebalanced().key(KeyProblem::PendingDeletion), "aws kms cancel-key-deletion")]
#[case::free_and_its_key_is_gone(replaced().without(OLD).free().key(KeyProblem::Unavailable), "under another key")]
#[case::free_but_in_another_zone(replaced().without(OLD).free().zone(NEW, "eu-central-1b"), "subnets in eu-central-1a")]
#[case::held_but_the_successor_is_in_another_zone(rebalanced().zone(NEW, "eu-central-1b"), "subnets in eu-central-1a")]
#[case::dead_but_the_successor_is_in_another_zone(replaced().lifecycle(OLD, TERMINATING).zone(NEW, "eu-central-1b"), "subnets in eu-central-1a")]
#[case::not_tagged_as_data(healthy().not_data(), "--tags Key=durin:volume,Value=data")]
#[case::replaced_and_not_tagged_as_data(rebalanced().not_data(), "is not tagged durin:volume=data")]
#[case::retired_and_not_tagged_as_data(retired().not_data(), "is not tagged durin:volume=data")]
#[case::stopped_and_not_tagged_as_data(
    replaced().state(OLD, InstanceState::Stopped).not_data(), "is not tagged durin:volume=data")]
#[case::free_and_not_tagged_as_data(replaced().without(OLD).free().not_data(), "is not tagged durin:volume=data")]
#[case::free_and_just_had_and_not_tagged_as_data(
    replaced().without(OLD).free().not_data().volume_of(None).has_held(), "is not tagged durin:volume=data")]
#[case::let_go_and_not_tagged_as_data(
    interrupted(30).rebalancing().release(&[OLD], let_go_ago(2)).not_data(), "is not tagged durin:volume=data")]
#[case::free_and_untagged(replaced().without(OLD).free().volume_of(None), "--tags 'Key=durin:node,Value=k3s'")]
#[case::free_and_another_nodes(
    replaced().without(OLD).free().volume_of(Some("other")), "is tagged durin:node=other")]
#[case::free_and_another_nodes_though_the_group_has_just_had_it(
    replaced().without(OLD).free().volume_of(Some("other")).has_held(), "is tagged durin:node=other")]
#[case::replaced_and_another_nodes(rebalanced().volume_of(Some("other")), "is tagged durin:node=other")]
#[case::stopped_and_another_nodes(
    replaced().state(OLD, InstanceState::Stopped).volume_of(Some("other")), "is tagged durin:node=other")]
#[case::retired_and_another_nodes(retired().volume_of(Some("other")), "is tagged durin:node=other")]
#[case::a_stranger_has_ours(healthy().not_a_member(OLD).stranger(OLD).volume_shared(), "detach it there")]
#[case::a_stranger_has_nobodys(healthy().not_a_member(OLD).stranger(OLD).volume_of(None), "detach it there")]
#[case::a_stranger_has_another_nodes(
    healthy().not_a_member(OLD).stranger(OLD).volume_of(Some("other")), "is tagged durin:node=other: correct")]
#[case::a_stranger_has_a_twins(
    healthy().not_a_member(OLD).stranger(OLD).volume_of(Some("twin")).volume_shared(), "k3s and twin both declare the volume")]
#[case::let_go_in_vain_and_another_nodes(
    healthy().volume_of(Some("other")).release(&[], let_go_ago(60)), "is tagged durin:node=other")]
fn a_mistake_in_the_set_up_stops_everything_and_says_what_to_do(#[case] situation: Situation, #[case] advice: &str) {
    let Step::Blocked(blocked) = next_step(&situation.seen(), now()) else {
        panic!("{:?}", next_step(&situation.seen(), now()))
    };
    assert!(blocked.to_string().contains(advice), "{blocked}");
}

/// Three are wanted. None is ended for that, none makes way that may stay, and a person is asked to set the number right;
/// but one of them is the node.
fn crowded(situation: Situation) -> Situation {
    situation.desired(3).instance(NEWEST, PENDING_WAIT, InstanceState::Pending)
}

#[rstest]
#[case::the_volume_is_free(crowded(replaced().without(OLD).free()), Step::Attach { successor: id(NEW) })]
#[case::it_is_free_and_they_are_in_service(
    crowded(replaced().without(OLD).free().lifecycle(NEW, Lifecycle::InService)).not_a_member(NEWEST),
    Step::Attach { successor: id(NEW) })]
#[case::its_holder_is_dead(crowded(replaced().lifecycle(OLD, TERMINATING)), Step::Wait(WaitFor::HolderGone { holder: id(OLD) }))]
#[case::its_holder_is_stopped(crowded(replaced().state(OLD, InstanceState::Stopped)), Step::Detach { holder: id(OLD) })]
#[case::its_holder_has_let_go_and_has_to_go(
    crowded(interrupted(30)).release(&[OLD], let_go_just_now()), Step::Detach { holder: id(OLD) })]
#[case::its_holder_lets_go(
    crowded(interrupted(30)).release(&[OLD], ReleaseState::Running { since: ago(2) }),
    Step::Wait(WaitFor::Released { holder: id(OLD) }))]
#[case::its_holder_is_interrupted_and_alone(interrupted(100).desired(3), Step::Replace { holder: id(OLD) })]
#[case::it_has_arrived(crowded(taken_over()),
    Step::PointRecord { from: Some(a_record(OLD)), to: a_record(NEW) })]
#[case::and_its_holder_serves(crowded(taken_over().record_names(NEW)),
    Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Continue })]
#[case::its_holder_let_go_for_nothing(
    crowded(healthy()).release(&[OLD], let_go_ago(60)), Step::Resume { holder: id(OLD) })]
fn a_node_of_three_serves_from_one(#[case] situation: Situation, #[case] expected: Step) {
    assert_eq!(next_step(&situation.seen(), now()), expected);
}

#[rstest]
#[case::it_serves(crowded(healthy()))]
#[case::it_has_come_into_service_just_now(crowded(taken_over().record_names(NEW).completed(NEW, Transition::Launching)))]
#[case::two_are_in_service(crowded(healthy().instance(NEW, Lifecycle::InService, InstanceState::Running)))]
#[case::its_host_retires(crowded(retired()))]
#[case::its_host_retires_and_another_is_in_service(
    crowded(retired().instance(NEW, Lifecycle::InService, InstanceState::Running)).release(&[OLD, NEW], ReleaseState::NotStarted))]
#[case::ec2_recommends_to_leave_it(crowded(rebalanced().at_risk(OLD, RiskReason::Rebalance, None)))]
#[case::its_newcomer_is_not_fit(crowded(
    rebalanced().at_risk(OLD, RiskReason::Rebalance, None).launched_ago(NEW, 601)
        .says(NEW, Question::Prepared, Word::No { why: "there is no k3s".to_owned() })))]
#[case::nobody_is_there(healthy().without(OLD).free().desired(3))]
#[case::nobody_else_is_there(interrupted(20).free().replacement_asked_ago(1).desired(3))]
fn a_node_of_three_is_reported_and_left_alone(#[case] situation: Situation) {
    let step = next_step(&situation.seen(), now());
    assert!(matches!(step, Step::Blocked(Blocked::DesiredCapacity { desired: 3, .. })), "{step:?}");
}

/// A launch template may tag the instances, and then the group need not.
#[rstest]
#[case::its_holder_has_the_tag(healthy(), false)]
#[case::its_holder_has_none(healthy().undeclared(OLD), true)]
#[case::another_in_service_has_none(healthy().instance(NEW, Lifecycle::Standby, InstanceState::Running).undeclared(NEW), true)]
#[case::one_that_is_gone_had_none(
    healthy().instance(NEW, TERMINATING_WAIT, InstanceState::Dead).completed(NEW, Transition::Terminating).undeclared(NEW),
    false
)]
#[case::its_group_has_nobody(healthy().without(OLD).free().desired(0), true)]
fn a_group_need_not_propagate_what_its_instances_have(#[case] situation: Situation, #[case] is_reported: bool) {
    let step = next_step(&situation.not_propagated().seen(), now());
    let reported = matches!(step, Step::Blocked(Blocked::Tags(_)));
    assert!(reported == is_reported && (reported || matches!(step, Step::Done(_))), "{step:?}");
}

#[test]
fn a_record_that_cannot_be_read_is_nobodys_mistake() {
    let seen = healthy().record(Record::Unavailable(RecordProblem::Unanswered("Throttling".into()))).seen();
    let Step::Done(done @ Done::ServesWithoutRecord { .. }) = next_step(&seen, now()) else {
        panic!("{:?}", next_step(&seen, now()))
    };
    let text = done.to_string();
    assert!(text.contains("(Throttling): the next run tries again"), "{text}");
}

/// EC2 ends it anyway: then at least the volume is clean, for when a person has tagged it.
#[test]
fn a_holder_that_is_taken_lets_go_of_a_volume_that_cannot_be_moved() {
    let due = interrupted(30).rebalancing().release(&[OLD], ReleaseState::NotStarted).not_data();
    assert_eq!(next_step(&due.seen(), now()), Step::Release { holder: id(OLD) });
}

/// EC2 lists the node's own volume among the devices of its holder.
#[test]
fn the_nodes_own_volume_is_in_nobodys_way() {
    let mut seen = rebalanced().device_taken(NEW).seen();
    seen.forget_own_device();
    let other = seen.instances[&id(NEW)].device_taken_by.clone();
    assert!(other.as_ref().is_some_and(|other| *other != seen.declaration.volume), "another's stays");
    let own = seen.declaration.volume.clone();
    seen.instances.values_mut().for_each(|instance| instance.device_taken_by = Some(own.clone()));
    seen.forget_own_device();
    assert!(seen.instances.values().all(|instance| instance.device_taken_by.is_none()));
}

/// The next launch fails, but not what runs.
#[rstest]
#[case::the_node_serves(healthy(), None)]
#[case::nobody_is_left(replaced().without(OLD).without(NEW).free(), None)]
#[case::the_newcomer_was_launched_before(
    replaced().without(OLD).free(), Some(Step::Attach { successor: id(NEW) }))]
#[case::its_record_is_stale(
    healthy().record(Record::Absent), Some(Step::PointRecord { from: None, to: a_record(OLD) }))]
#[case::tags_are_not_in_metadata(healthy().hides_tags(OLD), Some(Step::Done(Done::Serves { holder: id(OLD) })))]
fn a_tag_that_keeps_instances_from_launching_is_reported_last(
    #[case] situation: Situation,
    #[case] instead: Option<Step>,
) {
    match (next_step(&situation.tag_refused().seen(), now()), instead) {
        (Step::Blocked(blocked), None) => {
            let text = blocked.to_string();
            assert!(text.contains("\"kubernetes.io/cluster/k3s\"") && text.contains("rename the tag"), "{text}");
        }
        (step, instead) => assert_eq!(Some(step), instead),
    }
}

/// A suspended Launch process is reported by what it keeps from happening, and not as a holder that has to go.
#[rstest]
#[case::a_holder_that_has_to_go(retired(), "cannot launch a successor for i-00000000000000001, which has to go")]
#[case::a_holder_that_waits_for_its_successor(
    retired().desired(2), "cannot launch a successor for i-00000000000000001, which has to go")]
#[case::a_spare(
    healthy().desired(2).instance(NEW, Lifecycle::InService, InstanceState::Running),
    "of which i-00000000000000001 is the node")]
#[case::the_volume_is_free(healthy().without(OLD).free(), "no instance that could be the node")]
#[case::the_holder_is_dead(healthy().state(OLD, InstanceState::Dead), "no instance that could be the node")]
#[case::the_holder_is_gone(healthy().without(OLD), "no instance that could be the node")]
#[case::the_holder_was_interrupted_and_has_let_go(interrupted(20).free(), "no instance that could be the node")]
fn a_suspended_process_is_reported_by_what_it_prevents(#[case] situation: Situation, #[case] says: &str) {
    let step = next_step(&situation.launch_suspended().seen(), now());
    let Step::Blocked(blocked) = &step else { panic!("{step:?}") };
    let text = blocked.to_string();
    assert!(text.contains(says) && text.contains("aws autoscaling resume-processes"), "{text}");
    assert_eq!(text.contains("has to go"), says.contains("has to go"), "{text}");
}

/// A person may suspend what they like while nothing depends on it.
#[rstest]
#[case::it_serves(healthy())]
#[case::it_is_set_aside_and_serves(healthy().lifecycle(OLD, Lifecycle::Standby))]
#[case::it_is_at_rest(healthy().without(OLD).free().desired(0))]
#[case::a_successor_is_there_already(replaced().without(OLD).free())]
fn a_suspended_process_that_prevents_nothing_is_no_mistake(#[case] situation: Situation) {
    let step = next_step(&situation.launch_suspended().seen(), now());
    assert!(!matches!(step, Step::Blocked(_)), "{step:?}");
}
