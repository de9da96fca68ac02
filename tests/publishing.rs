//! Replays of bakes: whatever becomes of images, tags, events and parameters, the parameter names the newest good
//! image.

mod pins;
mod validation;

use std::time::Duration;

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::ids::ParameterName;
use durin::tags::FAMILY;
use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::bakes::{Bake, Course, Pipeline};
use durin_harness::world::ec2::{Image, ImageSpec, ImageState, SpotAction};
use durin_harness::world::eventbridge::DisorderKind;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::invariants::check_always;
use durin_harness::world::latency::Range;
use durin_tests::{Story, broken, schedule, seeds};
use rstest::rstest;
use serde_json::Value;

const STATE_CHANGE: &str = "EC2 AMI State Change";
const BUILT: &str = "EC2 Image Builder Image State Change";
const FINISHED: &str = "Durin Bake Finished";

/// The schedule is hourly; a bake takes some minutes.
const WITHIN: Duration = Duration::from_secs(80 * 60);

fn named(world: &World) -> &str {
    &world.ssm.parameters()[IMAGE_PARAMETER].versions.last().expect("a version").value
}

fn parameter(story: &Story) -> String {
    story.world(|world| named(world).to_owned())
}

fn versions(story: &Story) -> usize {
    story.world(|world| world.ssm.parameters()[IMAGE_PARAMETER].versions.len())
}

/// A bake from the node's instance begins: the id of its first image.
fn bake(story: &Story, name: &str, pipeline: Pipeline, course: Course) -> String {
    let tags = [(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())].into();
    let from = story.holder();
    let bake = Bake { pipeline, name: name.to_owned(), tags, course };
    story.world(|world| world.begin_bake(bake, &from)).expect("a bake")
}

fn packer(story: &Story, name: &str) -> String {
    bake(story, name, Pipeline::Packer, Course::Finished)
}

/// An image that is simply there, this many hours younger than now.
fn image(story: &Story, name: &str, hours_ago: i64) -> String {
    story.world(|world| {
        let created = Time(world.now().0 - hours_ago * 3_600_000);
        world.add_image(ImageSpec::named(name).tagged(FAMILY, IMAGE_PARAMETER).created(created))
    })
}

async fn until_named(story: &Story, image: &str) {
    let published = story.aws().until(WITHIN, |world| named(world) == image).await;
    assert!(published, "{image} was not published\n{}", story.told());
}

fn nothing_is_broken(story: &Story) {
    let violations = story.world(|world| check_always(world).into_iter().chain(broken(world)).collect::<Vec<_>>());
    assert!(violations.is_empty(), "{violations:#?}\n{}", story.told());
}

async fn publish(story: &Story) -> Result<Value, durin_harness::FunctionError> {
    story.invoke("durin-ami-publish", schedule()).await.outcome
}

fn operator(story: &Story) -> (Aws, ParameterName, Deadline) {
    let aws = Aws::new(&story.aws().sdk_config("operator"));
    let deadline = Deadline::before(aws.clock.now() + Duration::from_secs(300));
    (aws, ParameterName::new(IMAGE_PARAMETER).expect("a name"), deadline)
}

/// Whichever event comes, and if none does: the schedule.
#[rstest]
#[case::all_events(Pipeline::Packer, &[])]
#[case::only_the_one_before_the_tags(Pipeline::Packer, &[FINISHED])]
#[case::only_the_pipelines_own(Pipeline::Packer, &[STATE_CHANGE])]
#[case::none(Pipeline::Packer, &[STATE_CHANGE, FINISHED])]
#[case::image_builder(Pipeline::ImageBuilder, &[STATE_CHANGE])]
#[case::image_builder_without_events(Pipeline::ImageBuilder, &[STATE_CHANGE, BUILT])]
#[tokio::test(start_paused = true)]
async fn a_bake_is_published(#[case] pipeline: Pipeline, #[case] lost: &[&str]) {
    let story = Story::of_one_node(1);
    story.lose(lost);
    let image = bake(&story, "k3s-2", pipeline, Course::Finished);
    until_named(&story, &image).await;
    story.ends_well().await;
    assert_eq!((parameter(&story), versions(&story)), (image, 2), "{}", story.told());
    nothing_is_broken(&story);
}

#[tokio::test(start_paused = true)]
async fn the_next_replacement_boots_from_the_published_image() {
    let story = Story::of_one_node(1);
    let image = packer(&story, "k3s-2");
    until_named(&story, &image).await;
    let old = story.holder();
    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
    story.until("the old instance is gone", |world| world.ec2.instances()[&old].state.name() == "terminated").await;
    story.ends_well().await;
    let holder = story.holder();
    assert_eq!(story.world(|world| world.ec2.instances()[&holder].image_id.clone()), image);
    nothing_is_broken(&story);
}

#[tokio::test(start_paused = true)]
async fn an_image_whose_tags_never_come_is_never_published() {
    let story = Story::of_one_node(1);
    let (before, _) = (parameter(&story), bake(&story, "k3s-2", Pipeline::Packer, Course::NeverTagged));
    story.aws().pass(2 * WITHIN).await;
    assert_eq!((parameter(&story), versions(&story)), (before, 1));
    nothing_is_broken(&story);
}

/// The one that was begun first is the older one, although it is ready last.
#[tokio::test(start_paused = true)]
async fn of_two_bakes_that_finish_out_of_order_the_newer_stays() {
    let story = Story::of_one_node(1);
    let takes = |minutes| story.world(|world| world.latency.image_creation = Range::exactly(minutes));
    takes(Duration::from_secs(20 * 60));
    let slow = packer(&story, "k3s-2");
    story.aws().pass(Duration::from_secs(60)).await;
    takes(Duration::from_secs(3 * 60));
    let quick = packer(&story, "k3s-3");
    until_named(&story, &quick).await;
    story.until("the slow one", |world| world.ec2.images()[&slow].tags.contains_key(FAMILY)).await;
    story.aws().pass(WITHIN).await;
    assert_eq!((parameter(&story), versions(&story)), (quick, 2), "{}", story.told());
    nothing_is_broken(&story);
}

/// Each of these is younger than what the parameter names, and none of them may be launched from.
#[rstest]
#[case::disabled(|world: &mut World, id: &str| world.disable_image(id).expect("disabled"))]
#[case::deprecated(|world: &mut World, id: &str| {
    let now = world.now();
    world.ec2.tamper_with_image(id, |image| image.deprecated_from = Some(now));
})]
#[case::failed(|world: &mut World, id: &str| world.ec2.tamper_with_image(id, |image| image.state = ImageState::Failed))]
#[case::foreign(|world: &mut World, id: &str| {
    world.ec2.tamper_with_image(id, |image| image.owner = "111122223333".to_owned());
})]
#[case::untagged(|world: &mut World, id: &str| world.ec2.tamper_with_image(id, |image| drop(image.tags.remove(FAMILY))))]
#[tokio::test(start_paused = true)]
async fn what_should_not_be_launched_is_not_published(#[case] change: fn(&mut World, &str)) {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let id = image(&story, "k3s-2", 1);
    story.world(|world| change(world, &id));
    let before = parameter(&story);
    publish(&story).await.expect("nothing to do");
    assert_eq!((parameter(&story), versions(&story)), (before, 1));
}

/// A copy of an old image looks new, and an image that is enabled again has an event.
#[tokio::test(start_paused = true)]
async fn a_copy_and_an_image_that_is_enabled_again_are_not_published() {
    let story = Story::of_one_node(1);
    let (current, older) = (parameter(&story), image(&story, "k3s-0", 24 * 30));
    bake(&story, "k3s-2", Pipeline::Packer, Course::ThroughTemporaryImage);
    story.world(|world| world.disable_image(&older)).expect("disabled");
    story.world(|world| world.enable_image(&older)).expect("enabled");
    story.aws().pass(2 * WITHIN).await;
    let copies = |world: &World| world.ec2.images().values().filter(|it| it.name == "k3s-2").count();
    assert_eq!(story.world(|world| copies(world)), 1, "the copy has to be there");
    assert_eq!((parameter(&story), versions(&story)), (current, 1));
    nothing_is_broken(&story);
}

#[tokio::test(start_paused = true)]
async fn another_architecture_is_reported_and_not_published() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let id = image(&story, "k3s-arm", 1);
    story.world(|world| world.ec2.tamper_with_image(&id, |image| image.architecture = "arm64".to_owned()));
    let before = parameter(&story);
    let error = publish(&story).await.expect_err("a mistake");
    assert!(error.message.contains(&id) && error.message.contains("arm64"), "{error}");
    assert_eq!(parameter(&story), before);
}

/// It is disabled after the write and before Parameter Store looks at it.
#[tokio::test(start_paused = true)]
async fn a_value_that_parameter_store_refuses_is_an_error_that_names_the_image() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    validation_takes(&story, 5);
    let (before, id) = (parameter(&story), image(&story, "k3s-2", 1));
    let spoil = async {
        story.until("the write", |world| world.ssm.is_validating(IMAGE_PARAMETER)).await;
        story.world(|world| world.disable_image(&id)).expect("disabled");
    };
    let (outcome, ()) = tokio::join!(publish(&story), spoil);
    let error = outcome.expect_err("refused");
    assert!(error.message.contains(&id) && error.message.contains("has not accepted"), "{error}");
    assert_eq!((parameter(&story), versions(&story)), (before, 1));
    nothing_is_broken(&story);
}

fn validation_takes(story: &Story, seconds: u64) {
    story.world(|world| world.latency.parameter_validation = Range::exactly(Duration::from_secs(seconds)));
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_was_deleted_is_reported_and_not_made_anew() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    story.world(|world| world.delete_parameter(IMAGE_PARAMETER)).expect("deleted");
    let error = publish(&story).await.expect_err("a mistake");
    assert!(error.message.contains(IMAGE_PARAMETER) && error.message.contains("no such parameter"), "{error}");
    assert!(story.world(|world| !world.ssm.parameters().contains_key(IMAGE_PARAMETER)));
}

/// A parameter that nobody has declared is neither read nor written, whatever an image's tag says.
#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_not_for_images_is_left_alone() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    story.world(|world| world.tag_parameter(IMAGE_PARAMETER, Vec::new(), &[FAMILY.to_owned()])).expect("untagged");
    image(&story, "k3s-2", 1);
    let invoked = story.invoke("durin-ami-publish", schedule()).await;
    let error = invoked.outcome.expect_err("a mistake");
    assert!(error.message.contains("is not tagged"), "{error}");
    assert!(!invoked.calls.iter().any(|call| call.contains("ssm:GetParameter")), "{:?}", invoked.calls);
    assert_eq!(versions(&story), 1);
}

/// Parameter Store takes the slash off a name that has no other, so both families have one parameter.
#[tokio::test(start_paused = true)]
async fn two_families_with_one_parameter_are_reported_and_left_alone() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let tagged = |name: &str| ImageSpec::named(&name.replace('/', "-")).tagged(FAMILY, name);
    let [one, other] = ["/k3s", "k3s"].map(|name| story.world(|world| world.add_image(tagged(name))));
    let good = image(&story, "k3s-2", 1);
    let invoked = story.invoke("durin-ami-publish", schedule()).await;
    let error = invoked.outcome.as_ref().expect_err("a dispute").message.clone();
    for named in [&one, &other, "/k3s: the images", "k3s: the images", "the same parameter"] {
        assert!(error.contains(named), "{named} in {error}");
    }
    assert_eq!(invoked.writes(), ["ssm:PutParameter"], "only what nobody disputes is published");
    assert_eq!(parameter(&story), good);
}

#[tokio::test(start_paused = true)]
async fn the_same_event_again_writes_nothing() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let id = image(&story, "k3s-2", 1);
    publish(&story).await.expect("published");
    let again = story.invoke("durin-ami-publish", schedule()).await;
    assert_eq!(again.writes(), Vec::<&String>::new());
    assert_eq!((parameter(&story), versions(&story)), (id, 2));
}

/// Two invocations at once: the second finds the parameter taken, or the work done.
#[rstest]
#[tokio::test(start_paused = true)]
async fn concurrent_writers_agree(#[values(0, 200, 900, 3_000)] apart_ms: u64) {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let id = image(&story, "k3s-2", 1);
    let later = async {
        story.aws().pass(Duration::from_millis(apart_ms)).await;
        publish(&story).await
    };
    let (one, other) = tokio::join!(publish(&story), later);
    one.expect("published");
    other.expect("published");
    assert_eq!(parameter(&story), id);
    nothing_is_broken(&story);
}

/// All events come twice, and every service is throttled for a while.
#[tokio::test(start_paused = true)]
async fn doubled_events_and_throttling_are_survived() {
    let story = Story::of_one_node(1);
    for event in [STATE_CHANGE, FINISHED] {
        story.disorder(event, DisorderKind::Doubled(Duration::from_secs(1)), 10);
    }
    for operation in ["ec2:DescribeImages", "ssm:GetParameter", "ssm:PutParameter", "ssm:ListTagsForResource"] {
        story.fault(operation, FaultKind::Throttled, 3);
    }
    story.fault("ssm:PutParameter", FaultKind::ResponseLost, 1);
    let image = packer(&story, "k3s-2");
    until_named(&story, &image).await;
    story.ends_well().await;
    nothing_is_broken(&story);
}

/// The function dies after any of its calls; Lambda's retries or the schedule go on.
#[rstest]
#[tokio::test(start_paused = true)]
async fn killed_after_any_call_it_is_done_all_the_same(#[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)] calls: u32) {
    let story = Story::of_one_node(1);
    story.kill("durin-ami-publish", calls);
    let image = packer(&story, "k3s-2");
    until_named(&story, &image).await;
    nothing_is_broken(&story);
}

/// The next launch would fail, so anything that can be launched is better.
#[tokio::test(start_paused = true)]
async fn a_parameter_whose_image_was_disabled_is_healed() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let (bad, good) = (parameter(&story), image(&story, "k3s-0", 24 * 30));
    story.world(|world| world.disable_image(&bad)).expect("disabled");
    publish(&story).await.expect("healed");
    assert_eq!(parameter(&story), good);
}

/// Any number of bakes, of any course, around each other, with events and calls going wrong: the newest good image is
/// what the parameter names in the end, and it has never gone back.
#[test]
fn whatever_goes_wrong_the_newest_good_image_is_published() {
    seeds::play("whatever_goes_wrong_the_newest_good_image_is_published", 0..=39, random_bakes);
}

async fn random_bakes(seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let story = Story::of_one_node(seed);
    for number in 0..dice.u32(2..6) {
        let later = Duration::from_secs(dice.u64(1..900));
        for event in [STATE_CHANGE, BUILT, FINISHED] {
            let kinds = [DisorderKind::Lost, DisorderKind::Doubled(later), DisorderKind::Late(later)];
            if dice.bool() {
                story.disorder(event, kinds[dice.usize(..kinds.len())], dice.u32(1..3));
            }
        }
        for operation in ["ec2:DescribeImages", "ssm:GetParameter", "ssm:PutParameter", "ssm:ListTagsForResource"] {
            if dice.u8(0..3) == 0 {
                story.fault(operation, FaultKind::ALL[dice.usize(..FaultKind::ALL.len())], dice.u32(1..8));
            }
        }
        if dice.bool() {
            story.kill("durin-ami-publish", dice.u32(1..12));
        }
        let courses =
            [Course::Finished, Course::Finished, Course::ThroughTemporaryImage, Course::NeverTagged, Course::Failed];
        let pipeline = if dice.bool() { Pipeline::Packer } else { Pipeline::ImageBuilder };
        bake(&story, &format!("k3s-{}", number + 2), pipeline, courses[dice.usize(..courses.len())].clone());
        story.aws().pass(Duration::from_secs(dice.u64(0..1_200))).await;
    }
    story.world(|world| {
        world.events.end_disorders();
        world.faults.end();
    });
    // The slowest bake, and a schedule that nothing disturbs.
    story.aws().pass(2 * WITHIN).await;
    let newest = story.world(|world| {
        let good = |image: &&Image| {
            image.state == ImageState::Available
                && image.tags.contains_key(FAMILY)
                && (image.source_instance_id.is_some() || image.source_image.is_none())
        };
        world.ec2.images().values().filter(good).max_by_key(|image| image.created).map(|image| image.id.clone())
    });
    assert_eq!(Some(parameter(&story)), newest, "seed {seed}\n{}", story.told());
    nothing_is_broken(&story);
}
