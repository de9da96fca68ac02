//! Random disorder: interruptions, recommendations, terminations, refreshes, retirements, changed subnets; lost, doubled
//! and late events; faults of every service, deaths between calls, agents that fail. Every history ends well.

use durin_cli::deployment::{Deployment, Infra};
use durin_cli::simulate::{Faults, Shape, history, play};
use durin_tests::seeds;

#[test]
fn every_history_ends_well() {
    seeds::play("every_history_ends_well", 1..=60, async |seed| {
        let shape = Shape { is_traced: true, ..Shape::default() };
        let deployment = Deployment::shipped().expect("a deployment");
        let played = play(deployment, seed, shape).await.expect("a stage");
        assert!(played.is_well(), "{:#?}\n{}", played.complaints, played.trace.join("\n"));
    });
}

#[test]
fn episodes_follow_one_another_for_as_long_as_they_are_asked_to() {
    let shape = Shape { hours: Some(2), ..Shape::default() };
    let played = history(Deployment::shipped().expect("a deployment"), 2, shape).expect("a stage");
    let episodes = played.deeds.iter().filter(|line| line.ends_with("nothing goes wrong")).count();
    assert!(played.is_well(), "{:#?}", played.complaints);
    assert!(episodes > 2 && played.lasted.as_secs() >= 2 * 3600, "{episodes} in {:?}", played.lasted);
}

/// With fewer faults the same things happen to the same node.
#[test]
fn a_profile_leaves_out_faults_and_nothing_else() {
    let deeds = |faults| {
        let shape = Shape { faults, ..Shape::default() };
        let played = history(Deployment::shipped().expect("a deployment"), 5, shape).expect("a stage");
        let words = |line: &String| line.split_once("====").map(|(_, words)| words.trim().to_owned());
        played.deeds.iter().filter_map(words).collect::<Vec<_>>()
    };
    let (all, none) = (deeds(Faults::All), deeds(Faults::None));
    assert!(none.len() < all.len(), "{all:#?}");
    assert_eq!(none.first(), all.first());
}

/// A function may no longer attach volumes.
#[test]
fn a_history_that_does_not_end_well_is_noticed() {
    let roles = Infra::default().roles.replace("ec2:AttachVolume", "ec2:DetachVolume");
    let deployment = Deployment::read(&Infra { roles: roles.into(), ..Infra::default() }).expect("a deployment");
    let shape = Shape { faults: Faults::None, ..Shape::default() };
    let played = history(&deployment, 1, shape).expect("a stage");
    assert!(played.complaints.iter().any(|it| it.contains("ec2:AttachVolume")), "{:#?}", played.complaints);
}
