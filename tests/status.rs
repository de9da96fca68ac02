//! `just status`: how a node is, in words that its owner understands. Each state is made as it comes about in the world.

use std::time::Duration;

use durin::aws::Aws;
use durin::ids::GroupName;
use durin_harness::iam::policy::Owner;
use durin_harness::iam::{Policy, Role};
use durin_harness::world::kms::KeyState;
use durin_harness::world::latency::Range;
use durin_operator::status::{self, Report, State};
use durin_tests::Story;

#[path = "status/moving.rs"]
mod moving;
#[path = "status/wrong.rs"]
mod wrong;

/// Whoever looks may do what the document says, and no more.
const ROLE: &str = "status";

/// What a person sees who has these permissions.
async fn report(story: &Story) -> Report {
    report_of(story, None).await
}

async fn report_of(story: &Story, only: Option<&GroupName>) -> Report {
    story.world(|world| {
        let document = serde_json::from_str(include_str!("../docs/status-policy.json")).expect("JSON");
        let policy = Policy::parse(ROLE, &document, Owner::Role).expect("a policy");
        if !world.iam.caller(ROLE).is_function() {
            world.iam.assume(ROLE, Role { name: ROLE.to_owned(), policies: vec![policy] });
        }
    });
    let aws = Aws::new(&story.aws().sdk_config(ROLE));
    let report = status::report(&aws, "eu-central-1", only).await.expect("a report");
    assert_eq!(story.world(|world| world.iam.denials.clone()), [], "it calls what it may not");
    report
}

/// The screen, of which no line is wider than 80 columns but a command, or what is one word.
fn screen(report: &Report) -> String {
    let lines = status::lines(report);
    let is_command =
        |line: &str| ["aws ", "just "].iter().any(|it| line.get(12..).is_some_and(|text| text.starts_with(it)));
    let is_word = |line: &str| line.split_whitespace().count() == 1;
    for line in &lines {
        assert!(
            line.chars().count() <= 80 || is_command(line) || is_word(line),
            "{} columns: {line}",
            line.chars().count()
        );
    }
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_healthy_node_is_on_one_screen_and_nothing_is_wrong() {
    let story = Story::of_one_node(81);
    story.aws().pass(Duration::from_secs(900)).await;
    let report = report(&story).await;
    let screen = screen(&report);
    println!("{screen}");
    assert!(report.well, "{screen}");
    assert!(screen.lines().count() <= 24, "{screen}");
    let [node] = &report.nodes[..] else { panic!("{screen}") };
    let holder = node.holder.as_ref().expect("a holder");
    assert_eq!((node.state, &holder.instance), (State::Serves, &story.holder()), "{screen}");
    assert!(holder.says.starts_with("says that it serves"), "{screen}");
    assert_eq!(node.unknown, Vec::<String>::new(), "{screen}");
}

#[tokio::test(start_paused = true)]
async fn a_move_is_told_with_its_seconds_and_its_reason() {
    let story = Story::of_one_node(82);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    let report = report(&story).await;
    let screen = screen(&report);
    println!("{screen}");
    assert!(report.well, "{screen}");
    let last = report.nodes[0].last_hand_off.as_ref().expect("it has moved");
    assert_eq!(last.from.as_deref(), Some(old.as_str()), "{screen}");
    assert!(last.seconds.is_some_and(|seconds| (15..60).contains(&seconds)), "{screen}");
    assert_eq!(last.why.as_deref(), Some("EC2 took the spot capacity back"), "{screen}");
    assert_eq!(report.nodes[0].moves_in_30_days, Some(1), "{screen}");
    // The document shows such a screen, with other ids and times.
    let labels =
        |text: &str| text.lines().filter_map(|line| Some(line.get(2..12)?.trim().to_owned())).collect::<Vec<_>>();
    let shown = include_str!("../docs/status.md").split("```").nth(1).expect("a screen");
    assert_eq!(labels(shown).split_off(1), labels(&screen).split_off(1), "{screen}");
}

#[tokio::test(start_paused = true)]
async fn the_json_says_what_the_screen_says() {
    let story = Story::of_one_node(83);
    story.aws().pass(Duration::from_secs(900)).await;
    let report = report(&story).await;
    let json: serde_json::Value = serde_json::to_value(&report).expect("JSON");
    let node = &json["nodes"][0];
    assert_eq!((json["well"].as_bool(), node["state"].as_str()), (Some(true), Some("serves")));
    assert_eq!(node["holder"]["instance"].as_str(), Some(story.holder().as_str()));
    assert_eq!(node["volume"]["id"].as_str(), Some(story.node().volume.as_str()));
}

#[tokio::test(start_paused = true)]
async fn one_node_is_shown_alone() {
    let story = Story::of_one_node(84);
    let other = GroupName::new("nobody").expect("a name");
    assert!(report_of(&story, Some(&other)).await.nodes.is_empty());
    let node = GroupName::new(&story.node().group).expect("a name");
    assert_eq!(report_of(&story, Some(&node)).await.nodes.len(), 1);
}

/// No permission is missing, by each test here, and none is too much.
#[tokio::test(start_paused = true)]
async fn every_permission_that_is_asked_for_is_needed() {
    let story = Story::of_one_node(85);
    let (old, volume) = (story.holder(), story.node().volume.clone());
    story.world(|world| {
        let key = world.create_key();
        world.ec2.tamper_with_volume(&volume, |volume| volume.key = Some(key.clone()));
        world.change_key(&key, |key| key.state = KeyState::Disabled);
        world.latency.retirement = Range::exactly(Duration::from_secs(5 * 24 * 3_600));
        world.schedule_retirement(&old);
    });
    let subnet = story.world(|world| world.ec2.instances()[&old].subnet_id.clone());
    story.update_group(|group| group.subnets = Some(vec![subnet]));
    story.aws().pass(Duration::from_secs(900)).await;
    let report = report(&story).await;
    println!("{}", screen(&report));
    let unused = story.world(|world| world.iam.unused());
    let unused: Vec<_> = unused.into_iter().filter(|grant| grant.role == ROLE).map(|it| it.to_string()).collect();
    assert!(unused.is_empty(), "{unused:#?}\n{}", screen(&report));
}
