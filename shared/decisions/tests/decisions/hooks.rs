//! Whether a group's hooks are reported that leave no time for a hand-off.

use std::time::Duration;

use durin_decisions::ids::GroupName;
use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{ActionResult, Blocked, Hook, HookFlaw, hook_problem};
use rstest::rstest;

const LEAST: Duration = Duration::from_secs(900);

fn hooks() -> [Hook; 2] {
    let hook = |transition: Transition, result| Hook {
        name: transition.hook().to_owned(),
        transition: Some(transition),
        default_result: Some(result),
        heartbeat: Some(LEAST),
    };
    [hook(Transition::Launching, ActionResult::Abandon), hook(Transition::Terminating, ActionResult::Continue)]
}

#[test]
fn two_hooks_as_they_are_documented_do() {
    assert_eq!(hook_problem(&hooks()), None);
}

#[test]
fn hooks_of_others_do_not_matter() {
    let mut all = hooks().to_vec();
    all.insert(0, Hook { name: "drain".into(), heartbeat: Some(Duration::from_secs(30)), ..all[1].clone() });
    assert_eq!(hook_problem(&all), None);
}

#[rstest]
#[case::another_name(|hook: &mut Hook| hook.name = "durin".into(), HookFlaw::Missing)]
#[case::no_transition(|hook: &mut Hook| hook.transition = None, HookFlaw::Missing)]
#[case::no_result(|hook: &mut Hook| hook.default_result = None, HookFlaw::DefaultResult(ActionResult::Abandon))]
#[case::too_short(|hook: &mut Hook| hook.heartbeat = Some(LEAST - Duration::from_secs(1)), HookFlaw::Heartbeat(LEAST))]
#[case::no_time(|hook: &mut Hook| hook.heartbeat = None, HookFlaw::Heartbeat(LEAST))]
fn a_launch_hook_that_does_not_do_is_found(#[case] spoil: fn(&mut Hook), #[case] expected: HookFlaw) {
    let mut hooks = hooks();
    spoil(&mut hooks[0]);
    let problem = hook_problem(&hooks).expect("it does not do");
    assert_eq!((problem.transition, problem.flaw), (Transition::Launching, expected));
}

#[rstest]
#[case::at_the_wrong_transition(|hook: &mut Hook| hook.transition = Some(Transition::Launching), HookFlaw::Missing)]
#[case::another_result(
    |hook: &mut Hook| hook.default_result = Some(ActionResult::Abandon), HookFlaw::DefaultResult(ActionResult::Continue))]
#[case::too_short(|hook: &mut Hook| hook.heartbeat = Some(Duration::from_secs(300)), HookFlaw::Heartbeat(LEAST))]
fn a_terminate_hook_that_does_not_do_is_found(#[case] spoil: fn(&mut Hook), #[case] expected: HookFlaw) {
    let mut hooks = hooks();
    spoil(&mut hooks[1]);
    let problem = hook_problem(&hooks).expect("it does not do");
    assert_eq!((problem.transition, problem.flaw), (Transition::Terminating, expected));
}

#[rstest]
#[case::launch(
    0,
    "hook durin-launch of the Auto Scaling group no. 2 is not what a node needs (it does not exist): aws \
    autoscaling put-lifecycle-hook --auto-scaling-group-name 'no. 2' --lifecycle-hook-name durin-launch \
    --lifecycle-transition autoscaling:EC2_INSTANCE_LAUNCHING --default-result ABANDON --heartbeat-timeout 900"
)]
#[case::terminate(
    1,
    "--lifecycle-hook-name durin-terminate --lifecycle-transition \
    autoscaling:EC2_INSTANCE_TERMINATING --default-result CONTINUE --heartbeat-timeout 900"
)]
fn the_report_ends_in_the_command_that_mends_the_hook(#[case] missing: usize, #[case] expected: &str) {
    let mut hooks = hooks().to_vec();
    hooks.remove(missing);
    let group = GroupName::new("no. 2").expect("a name");
    let text = Blocked::Hook { group, problem: hook_problem(&hooks).expect("one is missing") }.to_string();
    assert!(text.ends_with(expected), "{text}");
}
