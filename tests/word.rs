//! Newcomers are asked whether they can take over, and whether they serve. What they say counts; what they do not say holds
//! nobody up.

use std::time::Duration;

use durin::tags::FAMILY;
use durin_harness::seed::{IMAGE_PARAMETER, NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::ec2::{ImageSpec, SpotAction};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::{AgentMode, Boot};
use durin_harness::world::history::Fact;
use durin_harness::world::ssm::{Command, InvocationStatus, PutParameter};
use durin_tests::{LAUNCH, Story};
use rstest::rstest;

/// A story in which the group launches a replacement beside a holder that nothing hurries.
fn replaced(seed: u64, prepare: impl FnOnce(&mut World)) -> (Story, String) {
    let story = Story::with_rebalancing(seed);
    let old = story.holder();
    story.world(|world| {
        prepare(world);
        world.recommend_rebalance(&old);
    });
    (story, old)
}

fn failures(story: &Story) -> Vec<String> {
    story.world(|world| world.history().iter().filter_map(|entry| entry.fact.failure().map(str::to_owned)).collect())
}

fn sent(story: &Story, document: &str) -> usize {
    let is_it = |fact: &Fact| {
        matches!(fact, Fact::Called { operation, parameters, error: None, .. }
        if operation == "ssm:SendCommand" && parameters["DocumentName"] == document)
    };
    story.world(|world| world.history().iter().filter(|entry| is_it(&entry.fact)).count())
}

fn results(story: &Story) -> Vec<String> {
    let story = story.told();
    story
        .lines()
        .filter(|line| line.contains("lifecycle action of") && line.contains("completed"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_that_is_not_fit_is_known_before_the_holder_lets_go() {
    let (story, old) = replaced(1, |world| world.guest_ways.boot_next(Boot::Unfit, 1));
    let volume = story.node().volume.clone();
    story.aws().pass(Duration::from_secs(8 * 60)).await;
    assert_eq!(story.world(|world| world.serving(&volume).map(str::to_owned)).as_ref(), Some(&old), "{}", story.told());
    assert_eq!(sent(&story, "durin-release"), 0);
    let told = failures(&story);
    assert!(told.iter().any(|it| it.contains("is not fit for it (there is no k3s.service")), "{told:?}");
    // It is given up, and the next one is fit.
    story.ends_elsewhere(&old).await;
    assert_eq!((sent(&story, "durin-release"), story.unclean_mounts()), (1, 0));
}

/// k3s knows no way back: it would take the volume, and let go of it again.
#[rstest]
#[case::of_an_earlier_minor_version("v1.35.9+k3s1", false)]
#[case::of_an_earlier_patch("v1.36.3+k3s1", true)]
#[case::of_a_later_minor_version("v1.37.0+k3s1", true)]
#[case::that_does_not_say_which("", true)]
#[tokio::test(start_paused = true)]
async fn a_newcomer_with_an_older_k3s_is_known_before_the_holder_lets_go(#[case] k3s: &str, #[case] moves: bool) {
    let story = Story::with_rebalancing(1);
    let old = story.holder();
    story.world(|world| {
        let value = world.add_image(ImageSpec::named("k3s-next").tagged(FAMILY, IMAGE_PARAMETER));
        world.guest_ways.have_k3s(&value, k3s);
        let name = IMAGE_PARAMETER.to_owned();
        let put = PutParameter { name, value, overwrite: true, ..PutParameter::default() };
        world.put_parameter(put).expect("published");
    });
    let volume = story.node().volume.clone();
    // Until EC2 has taken the image, and the schedule has asked the holder.
    story.aws().pass(Duration::from_secs(8 * 60)).await;
    story.world(|world| world.recommend_rebalance(&old));
    story.aws().pass(Duration::from_secs(8 * 60)).await;
    let serves = story.world(|world| world.serving(&volume).map(str::to_owned));
    assert_eq!(serves.is_some_and(|it| it != old), moves, "{}", story.told());
    assert_eq!(sent(&story, "durin-release"), usize::from(moves));
    let told = failures(&story);
    let is_told = told.iter().any(|it| it.contains("k3s v1.36.4+k3s1 has served from the volume, and this image has"));
    assert_eq!(is_told, !moves, "{told:?}");
}

/// EC2 takes the holder's capacity in two minutes: a newcomer that says no is better than none.
#[tokio::test(start_paused = true)]
async fn with_a_deadline_the_volume_goes_to_one_that_is_not_fit() {
    let story = Story::of_one_node(2);
    story.world(|world| world.guest_ways.boot_next(Boot::Unfit, 1));
    let old = story.interrupt();
    let volume = story.node().volume.clone();
    story.until("another has mounted it", |world| world.mounted_on(&volume).is_some_and(|it| it != old)).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

#[rstest]
#[case::its_k3s_never_answers(Boot::WithoutApi)]
#[case::it_does_not_mount(Boot::WithoutK3s)]
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_never_serves_is_kept_and_told_of(#[case] boot: Boot) {
    let (story, old) = replaced(3, |world| world.guest_ways.boot_next(boot, 1));
    story.until_member_is("Terminating:Wait").await;
    story.aws().pass(Duration::from_secs(5 * 60)).await;
    assert_ne!(story.holder(), old);
    let completed = results(&story);
    assert!(!completed.iter().any(|it| it.contains("ABANDON")), "{completed:?}");
    let told = failures(&story);
    assert!(told.iter().any(|it| it.contains("does not serve")), "{told:?}\n{}", story.told());
}

/// The node moves as well as ever, whatever is missing where the questions are asked.
#[rstest]
#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_holds_nobody_up(
    #[values(AgentMode::Failing, AgentMode::Outdated, AgentMode::Behind)] newcomers: AgentMode,
    #[values("interrupted", "recommended")] how: &str,
) {
    let story = Story::new(4, how == "recommended");
    let old = story.holder();
    story.world(|world| {
        world.ec2.launch_with_agents(newcomers);
        match how {
            "interrupted" => world.interrupt(&old, SpotAction::Terminate),
            _ => world.recommend_rebalance(&old),
        }
    });
    story.ends_elsewhere(&old).await;
    // Only a version behind is close enough.
    assert_eq!(newcomers == AgentMode::Behind, story.world(|world| has_said_that_it_serves(world)), "{}", story.told());
}

/// Its agent has registered, and then it hangs: nobody knows whether it could take over.
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_falls_silent_replaces_no_healthy_holder() {
    let (story, old) = replaced(9, |world| world.ec2.launch_with_agents(AgentMode::Gone));
    let volume = story.node().volume.clone();
    story.aws().pass(Duration::from_secs(9 * 60)).await;
    assert_eq!(story.world(|world| world.serving(&volume).map(str::to_owned)).as_ref(), Some(&old), "{}", story.told());
    assert_eq!(sent(&story, "durin-release"), 0);
    // It is given up, and the next one answers.
    story.world(|world| world.ec2.launch_with_agents(AgentMode::Online));
    story.ends_elsewhere(&old).await;
}

/// With the volume it goes into service all the same, and its owner is told.
#[rstest]
#[case::its_agent_falls_silent(AgentMode::Gone)]
#[case::its_agent_does_not_come(AgentMode::Offline)]
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_had_to_take_over_and_is_silent_is_told_of(#[case] newcomers: AgentMode) {
    let story = Story::of_one_node(10);
    story.world(|world| world.ec2.launch_with_agents(newcomers));
    let old = story.interrupt();
    story.aws().pass(Duration::from_secs(10 * 60)).await;
    assert_ne!(story.holder(), old);
    let told = failures(&story);
    assert!(told.iter().any(|it| it.contains("Durin.DoesNotServe")), "{told:?}\n{}", story.told());
}

/// Systems Manager takes no question for as long as the launch action waits.
#[tokio::test(start_paused = true)]
async fn a_question_that_is_throttled_does_not_keep_a_successor_out() {
    let story = Story::of_one_node(11);
    let old = story.interrupt();
    story
        .until("the volume is there", |world| {
            world.ec2.volumes().values().any(|it| it.attachment.as_ref().is_some_and(|it| it.instance_id != old))
        })
        .await;
    story.world(|world| world.faults.plan("ssm:SendCommand", FaultKind::Throttled, 100_000));
    story.aws().pass(Duration::from_secs(8 * 60)).await;
    let told = failures(&story);
    assert!(told.iter().any(|it| it.contains("Durin.DoesNotServe")), "{told:?}\n{}", story.told());
    story.ends_well().await;
}

fn has_said_that_it_serves(world: &World) -> bool {
    let succeeded = |command: &Command| command.invocations.iter().any(|it| it.status == InvocationStatus::Success);
    world.visible_commands().any(|command| command.document == "durin-serves" && succeeded(command))
}

/// Without a deadline, a newcomer without an agent never replaces a holder that has one. With one, it has to do.
#[tokio::test(start_paused = true)]
async fn a_newcomer_without_an_agent_holds_nobody_up_whose_time_is_short() {
    let story = Story::of_one_node(8);
    story.world(|world| world.ec2.launch_with_agents(AgentMode::Offline));
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

/// The functions are a release ahead of the stack with the documents.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_document_that_is_missing_holds_nobody_up(
    #[values("durin-prepared", "durin-serves")] document: &str,
    #[values("interrupted", "recommended")] how: &str,
) {
    let story = Story::new(5, how == "recommended");
    let old = story.holder();
    story.world(|world| {
        world.ssm.delete_document(document).expect("deleted");
        match how {
            "interrupted" => world.interrupt(&old, SpotAction::Terminate),
            _ => world.recommend_rebalance(&old),
        }
    });
    story.ends_elsewhere(&old).await;
}

/// The holder has an older program: it lets go by the protocol that both know.
#[rstest]
#[case::a_version_behind(AgentMode::Behind, true)]
#[case::too_old(AgentMode::Outdated, false)]
#[tokio::test(start_paused = true)]
async fn versions_that_are_one_apart_work_together(#[case] mode: AgentMode, #[case] lets_go: bool) {
    let story = Story::of_one_node(6);
    let old = story.interrupt();
    story.world(|world| world.set_agent_mode(&old, mode));
    story.ends_elsewhere(&old).await;
    let has_let_go = |command: &Command| command.invocations.iter().any(|it| it.status == InvocationStatus::Success);
    let released = |world: &World| {
        let mut releases = world.visible_commands().filter(|command| command.document == "durin-release");
        releases.any(has_let_go)
    };
    assert_eq!(story.world(|world| released(world)), lets_go, "{}", story.told());
}

/// The event of the launch is lost, and the schedule completes its action: on the newcomer's word.
#[tokio::test(start_paused = true)]
async fn the_schedule_asks_where_the_run_of_the_launch_is_missing() {
    let story = Story::of_one_node(7);
    story.lose(&[LAUNCH]);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    assert!(sent(&story, "durin-serves") >= 1, "{}", story.told());
}

/// Of nodes that were handed over long ago.
mod roll_call {
    use durin_tests::schedule;

    use super::*;

    /// What two ticks of the schedule come to, five minutes apart: the first asks, the second reads the answers.
    async fn two_ticks(story: &Story) -> [Result<(), String>; 2] {
        let first = story.invoke("durin-node-resync", schedule()).await.outcome;
        story.aws().pass(Duration::from_secs(300)).await;
        let second = story.invoke("durin-node-resync", schedule()).await.outcome;
        [first, second].map(|outcome| outcome.map(drop).map_err(|error| error.to_string()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_that_serves_is_asked_at_each_tick() {
        let story = Story::without_functions(&Seed::one_node());
        assert_eq!(two_ticks(&story).await, [Ok(()), Ok(())]);
        assert_eq!(sent(&story, "durin-serves"), 2);
        // A retry of a failed tick asks nobody again.
        story.aws().pass(Duration::from_secs(60)).await;
        story.invoke("durin-node-resync", schedule()).await.outcome.expect("it serves");
        assert_eq!(sent(&story, "durin-serves"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_owner_of_a_holder_that_does_not_serve_is_told_and_nothing_is_done() {
        let story = Story::without_functions(&Seed::one_node());
        let holder = story.holder();
        story.world(|world| world.break_k3s(&holder));
        let [first, second] = two_ticks(&story).await;
        assert_eq!(first, Ok(()));
        let told = second.expect_err("it does not serve");
        assert!(told.contains(&holder) && told.contains("k3s does not answer"), "{told}");
        assert_eq!((story.holder(), sent(&story, "durin-release")), (holder, 0));
    }

    /// It may serve; but nobody would hear that it does not, and it could not let go in order.
    #[tokio::test(start_paused = true)]
    async fn the_owner_of_a_holder_whose_agent_is_lost_is_told_and_nothing_is_done() {
        let story = Story::without_functions(&Seed::one_node());
        let holder = story.holder();
        story.world(|world| world.set_agent_mode(&holder, AgentMode::Gone));
        assert_eq!(two_ticks(&story).await, [Ok(()), Ok(())], "one may be lost");
        story.aws().pass(Duration::from_secs(300)).await;
        let [_, last] = two_ticks(&story).await;
        let told = last.expect_err("its agent is lost");
        assert!(told.contains("agent has gone silent"), "{told}");
        assert_eq!((story.holder(), sent(&story, "durin-release")), (holder, 0));
    }

    /// They have no program, or an old one, or none that answers.
    #[rstest]
    #[tokio::test(start_paused = true)]
    async fn silence_is_nothing_to_tell_of(
        #[values(AgentMode::Gone, AgentMode::Failing, AgentMode::Outdated)] agent: AgentMode,
    ) {
        let story = Story::without_functions(&Seed::one_node());
        let holder = story.holder();
        story.world(|world| world.set_agent_mode(&holder, agent));
        assert_eq!(two_ticks(&story).await, [Ok(()), Ok(())]);
    }

    /// Nobody knows whether it has booted.
    #[tokio::test(start_paused = true)]
    async fn the_owner_of_a_holder_that_was_never_heard_of_is_told_once_an_hour() {
        let story = Story::without_functions(&Seed::one_node());
        let holder = story.holder();
        story.world(|world| world.set_agent_mode(&holder, AgentMode::Offline));
        let mut told = Vec::new();
        for _ in 0..12 {
            let outcome = story.invoke("durin-node-resync", schedule()).await.outcome;
            told.extend(outcome.map(drop).map_err(|error| error.to_string()).err());
            story.aws().pass(Duration::from_secs(300)).await;
        }
        assert!((1..=2).contains(&told.len()), "{told:?}");
        assert!(told.iter().all(|it| it.contains(&holder) && it.contains("is not known to serve")), "{told:?}");
        assert_eq!((story.holder(), sent(&story, "durin-release")), (holder, 0));
    }

    /// Systems Manager refuses a command for all of its instances if it does not know one.
    #[tokio::test(start_paused = true)]
    async fn one_without_an_agent_keeps_no_other_from_being_asked() {
        let node = |name: &str| NodeSeed {
            name: name.to_owned(),
            record_name: format!("{name}.durin.internal"),
            ..NodeSeed::default()
        };
        let story = Story::without_functions(&Seed { nodes: vec![node("a"), node("b")], ..Seed::default() });
        let holder = story.holder();
        story.world(|world| world.set_agent_mode(&holder, AgentMode::Offline));
        drop(two_ticks(&story).await);
        // Systems Manager does not list a command at once.
        story.aws().pass(Duration::from_secs(5)).await;
        let asked =
            story.world(|world| world.visible_commands().map(|command| command.invocations.len()).collect::<Vec<_>>());
        assert_eq!(asked, [1, 1]);
    }
}
