use std::time::Duration;

use super::*;
use crate::seed::NodeSeed;
use crate::testing::settled;
use crate::world::ec2::VolumeState;
use crate::world::eventbridge::{Pattern, Rule, Trigger};
use crate::world::guest::Boot;
use crate::world::lambda::RetryPolicy;
use crate::world::steady::NodeNames;

fn served(node: NodeSeed) -> (LocalAws, NodeNames) {
    let (world, node) = settled(1, node);
    (LocalAws::new(world, 1.0), node)
}

async fn post(aws: &LocalAws, wanted: &str) -> Result<String, (u16, String)> {
    let (path, query) = wanted.split_once('?').unwrap_or((wanted, ""));
    let done = aws.by_hand(&Method::POST, &format!("{PREFIX}{path}"), query).await;
    done.map_err(|refusal| (refusal.status.as_u16(), refusal.text))
}

fn holder(aws: &LocalAws, node: &NodeNames) -> String {
    aws.world(|world| world.serving(&node.volume).unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_interruption_comes_once_and_takes_two_minutes() {
    let (aws, node) = served(NodeSeed::default());
    let holder = holder(&aws, &node);
    let text = post(&aws, "interrupt?node=k3s").await.unwrap();
    assert!(text.contains(&holder) && text.ends_with("in two minutes."), "{text}");
    let (status, text) = post(&aws, "interrupt?node=k3s").await.unwrap_err();
    assert_eq!(status, 409, "{text}");
    let state = || aws.world(|world| world.ec2.state_of(&holder));
    aws.pass(Duration::from_secs(119)).await;
    assert_eq!(state(), Some(InstanceState::Running));
    aws.pass(Duration::from_secs(2)).await;
    assert_ne!(state(), Some(InstanceState::Running));
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_comes_at_once_and_a_recommendation_changes_nothing() {
    let (aws, node) = served(NodeSeed::default());
    let holder = holder(&aws, &node);
    let state = || aws.world(|world| world.ec2.state_of(&holder));
    post(&aws, "recommend?node=k3s").await.unwrap();
    aws.pass(Duration::from_secs(200)).await;
    assert_eq!(state(), Some(InstanceState::Running));
    post(&aws, "reclaim?node=k3s").await.unwrap();
    assert_eq!(state(), Some(InstanceState::ShuttingDown));
}

#[tokio::test(start_paused = true)]
async fn without_capacity_nothing_is_launched_until_there_is_some_again() {
    let (aws, node) = served(NodeSeed::default());
    post(&aws, "no-capacity?state=on").await.unwrap();
    post(&aws, "reclaim?node=k3s").await.unwrap();
    let launched = |aws: &LocalAws| aws.world(|world| world.ec2.instances().len());
    aws.pass(Duration::from_secs(20 * 60)).await;
    assert_eq!(launched(&aws), 1);
    post(&aws, "no-capacity?state=off").await.unwrap();
    // Nobody completes the terminate hook, so it has to time out first.
    assert!(aws.until(Duration::from_secs(3600), |world| world.ec2.instances().len() > 1).await);
    assert!(node.group == "k3s");
}

#[tokio::test(start_paused = true)]
async fn a_bake_ends_with_a_tagged_image_and_without_its_builder() {
    let (aws, _) = served(NodeSeed::default());
    let text = post(&aws, "bake").await.unwrap();
    let image = text.split(' ').find(|word| word.starts_with("ami-")).unwrap().to_owned();
    let is_tagged = |world: &World| world.ec2.images()[&image].tags.contains_key(FAMILY_TAG);
    assert!(aws.until(LONGEST, is_tagged).await);
    let builder_ends = |world: &World| {
        let mut builders =
            world.ec2.instances().values().filter(|it| it.tags.get("Name").is_some_and(|it| it == "builder"));
        builders.all(|it| it.state != InstanceState::Running)
    };
    assert!(aws.until(LONGEST, builder_ends).await);
}

#[tokio::test(start_paused = true)]
async fn a_retirement_is_announced_once_and_hits_any_instance() {
    let (aws, node) = served(NodeSeed { spot: Some(false), ..NodeSeed::default() });
    let holder = holder(&aws, &node);
    post(&aws, "retire?node=k3s").await.unwrap();
    assert!(aws.world(|world| world.ec2.instance(&holder).unwrap().scheduled_event.is_some()));
    let (status, text) = post(&aws, "retire?node=k3s").await.unwrap_err();
    assert_eq!((status, text.ends_with("retires already")), (409, true), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_sticks_stays_in_detaching_until_its_instance_ends() {
    let (aws, node) = served(NodeSeed::default());
    let holder = holder(&aws, &node);
    post(&aws, "stick-volume?node=k3s").await.unwrap();
    aws.world(|world| world.release(&holder));
    aws.pass(Duration::from_secs(60)).await;
    aws.world(|world| world.detach_volume(&node.volume, None, None, false)).unwrap();
    aws.pass(Duration::from_secs(600)).await;
    let state = |aws: &LocalAws| aws.world(|world| world.ec2.volumes()[&node.volume].state);
    assert_eq!(state(&aws), VolumeState::InUse);
    post(&aws, "reclaim?node=k3s").await.unwrap();
    aws.pass(Duration::from_secs(600)).await;
    assert_eq!(state(&aws), VolumeState::Available);
}

#[tokio::test(start_paused = true)]
async fn k3s_does_not_come_up_from_a_bad_image_until_images_are_good_again() {
    let (aws, _) = served(NodeSeed::default());
    let image = aws.world(|world| world.ssm.parameter(IMAGE_PARAMETER).unwrap().versions[0].value.clone());
    let launched = |aws: &LocalAws| {
        let request = RunInstances { image_id: Some(image.clone()), ..RunInstances::default() };
        aws.world(|world| {
            let id = world.run_instances(request).unwrap().remove(0);
            world.ec2.instance(&id).unwrap().guest.boot
        })
    };
    post(&aws, "bad-image?state=on").await.unwrap();
    assert_eq!(launched(&aws), Boot::Unfit);
    post(&aws, "bad-image?state=off").await.unwrap();
    assert_eq!(launched(&aws), Boot::Whole);
}

#[tokio::test(start_paused = true)]
async fn only_an_event_that_somebody_waits_for_is_lost() {
    let (aws, node) = served(NodeSeed::default());
    let pattern = json!({"detail-type": ["EC2 Spot Instance Interruption Warning"]});
    let retry = RetryPolicy { max_age: Duration::from_secs(60), max_retries: 0 };
    aws.world(|world| {
        let trigger = Trigger::Event(Pattern::new(&pattern).unwrap());
        let (name, function) = ("warned".to_owned(), "f".to_owned());
        world.put_rule(Rule { name, trigger, function, retry, dead_letters: None });
    });
    let is_planned = |aws: &LocalAws| aws.world(|world| world.events.disorders().count()) == 1;
    post(&aws, "lose-event").await.unwrap();
    post(&aws, "recommend?node=k3s").await.unwrap();
    assert!(is_planned(&aws), "nobody waits for a recommendation here");
    post(&aws, "interrupt?node=k3s").await.unwrap();
    assert!(!is_planned(&aws) && !holder(&aws, &node).is_empty());
}

#[tokio::test(start_paused = true)]
async fn time_runs_at_another_speed_and_stands_still() {
    let (aws, _) = served(NodeSeed::default());
    let begun = aws.clock().time();
    assert_eq!(post(&aws, "speed?factor=20").await.unwrap(), "Time runs at 20 x.");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(aws.clock().time().since(begun).as_secs(), 200);
    assert_eq!(post(&aws, "speed?factor=0").await.unwrap(), "Time stands still.");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(aws.clock().time().since(begun).as_secs(), 200);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_refused_in_a_sentence() {
    let (aws, _) = served(NodeSeed { name: "home".to_owned(), spot: Some(false), ..NodeSeed::default() });
    for (wanted, status, says) in [
        ("interrupt?node=k3s", 404, "there is no node \"k3s\". There is one node: home."),
        ("interrupt?node=home", 409, "is an on-demand instance, which EC2 does not take back"),
        ("interrupt?node=", 400, "node is missing"),
        ("interrupt", 400, "node is missing"),
        ("interrupt?node=home&colour=red", 400, "there is no parameter \"colour\""),
        ("no-capacity?state=maybe", 400, "state is on or off, not \"maybe\""),
        ("stick-volume?node=k3s", 404, "there is no node"),
        ("bad-image?state=1", 400, "state is on or off, not \"1\""),
        ("lose-event?node=home", 400, "there is no parameter \"node\""),
        ("speed?factor=-1", 400, "factor is 0, or a number from 0.01 to 10000, not \"-1\""),
        ("speed?factor=NaN", 400, "factor is 0, or"),
        ("juggle?node=home", 400, "there is no \"juggle\"; there are POST /durin/interrupt"),
    ] {
        let (found, text) = post(&aws, wanted).await.unwrap_err();
        assert_eq!(found, status, "{wanted}: {text}");
        assert!(text.contains(says), "{wanted}: {text}");
    }
    let refusal = aws.by_hand(&Method::GET, "/durin/interrupt", "node=home").await.unwrap_err();
    assert_eq!(refusal.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(aws.by_hand(&Method::GET, "/durin/", "").await.unwrap_or_default().contains("There is one node: home."));
}
