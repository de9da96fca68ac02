//! A person overrules publishing: pins, and roll-backs, which change nothing if they fail.

use durin::ami::pin;
use durin::ids::ParameterName;
use durin::tags::{FAMILY, PINNED};
use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::world::faults::FaultKind;
use durin_tests::Story;
use rstest::rstest;

use super::{WITHIN, image, nothing_is_broken, operator, packer, parameter, publish, until_named};

pub(super) fn pin_text(story: &Story) -> Option<String> {
    story.world(|world| world.ssm.parameters()[IMAGE_PARAMETER].tags.get(PINNED).cloned())
}

fn tag(story: &Story, key: &str, value: &str) {
    let tags = vec![(key.to_owned(), value.to_owned())];
    story.world(|world| world.tag_parameter(IMAGE_PARAMETER, tags, &[])).expect("tagged");
}

fn untag(story: &Story, key: &str) {
    story.world(|world| world.tag_parameter(IMAGE_PARAMETER, Vec::new(), &[key.to_owned()])).expect("untagged");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_to_a_pinned_parameter_until_it_is_unpinned() {
    let story = Story::of_one_node(1);
    let (aws, name, _) = operator(&story);
    let before = parameter(&story);
    pin::pin(&aws, &name, "the new kernel panics").await.expect("pinned");
    let image = packer(&story, "k3s-2");
    story.aws().pass(2 * WITHIN).await;
    assert_eq!(parameter(&story), before);
    pin::unpin(&aws, &name).await.expect("unpinned");
    until_named(&story, &image).await;
    nothing_is_broken(&story);
}

#[tokio::test(start_paused = true)]
async fn the_next_bake_does_not_undo_a_roll_back() {
    let story = Story::of_one_node(1);
    let first = parameter(&story);
    let second = packer(&story, "k3s-2");
    until_named(&story, &second).await;
    let (aws, name, deadline) = operator(&story);
    let rolled = pin::roll_back(&aws, &name, deadline).await.expect("rolled back");
    assert_eq!((rolled.from, rolled.to.to_string()), (second, first.clone()));
    let third = packer(&story, "k3s-3");
    story.aws().pass(2 * WITHIN).await;
    assert_eq!(parameter(&story), first);
    pin::unpin(&aws, &name).await.expect("unpinned");
    until_named(&story, &third).await;
    nothing_is_broken(&story);
}

/// The next launch would fail, and nobody would hear of it before.
#[tokio::test(start_paused = true)]
async fn a_pinned_image_that_cannot_be_launched_any_more_is_told_with_its_pin() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let (aws, name, _) = operator(&story);
    let first = parameter(&story);
    pin::pin(&aws, &name, "1.34 breaks").await.expect("pinned");
    image(&story, "k3s-2", 1);
    publish(&story).await.expect("pinned");
    story.world(|world| world.disable_image(&first)).expect("disabled");
    let error = publish(&story).await.expect_err("a person is needed");
    let says = [first.as_str(), "cannot be launched", "1.34 breaks", "just unpin"];
    assert!(says.iter().all(|word| error.message.contains(word)), "{error}");
    assert_eq!(parameter(&story), first);
    story.world(|world| world.enable_image(&first)).expect("enabled");
    publish(&story).await.expect("pinned");
    assert_eq!(parameter(&story), first);
}

#[tokio::test(start_paused = true)]
async fn a_pin_keeps_its_reason_until_there_is_another() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let (aws, name, _) = operator(&story);
    let failure = pin::pin(&aws, &name, " (#?) ").await.expect_err("no reason");
    assert!(failure.to_string().contains("why is"), "{failure}");
    assert_eq!(pin_text(&story), None);

    let first = pin::pin(&aws, &name, "1.34 breaks").await.expect("pinned");
    let text = pin_text(&story);
    assert_eq!((first.why.as_str(), first.since.is_some()), ("1.34 breaks", true));
    assert_eq!(pin::pin(&aws, &name, "").await.expect("still pinned"), first);
    assert_eq!(pin_text(&story), text);
    assert_eq!(pin::pin(&aws, &name, "1.35 too").await.expect("pinned").why, "1.35 too");
}

#[tokio::test(start_paused = true)]
async fn every_pin_is_listed_with_its_reason() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let (aws, name, _) = operator(&story);
    assert_eq!(pin::pins(&aws).await.expect("read"), []);
    let pinned = pin::pin(&aws, &name, "1.34 breaks").await.expect("pinned");
    assert_eq!(pin::pins(&aws).await.expect("read"), [pinned]);
    tag(&story, PINNED, "by hand");
    let [by_hand] = pin::pins(&aws).await.expect("read").try_into().expect("one pin");
    assert_eq!((by_hand.parameter, by_hand.since, by_hand.why.as_str()), (name, None, "by hand"));
}

#[tokio::test(start_paused = true)]
async fn only_a_parameter_that_is_published_to_can_be_pinned() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    untag(&story, FAMILY);
    let (aws, name, _) = operator(&story);
    let failure = pin::pin(&aws, &name, "1.34 breaks").await.expect_err("nothing to pin");
    assert!(failure.to_string().contains("nothing is ever published to"), "{failure}");
    let nowhere = ParameterName::new("/nowhere").expect("a name");
    let failure = pin::pin(&aws, &nowhere, "1.34 breaks").await.expect_err("nothing to pin");
    assert!(failure.to_string().contains("no parameter /nowhere"), "{failure}");
    assert_eq!(pin_text(&story), None);
}

/// What cannot be launched any more is nothing to go back to.
#[rstest]
#[case::not_pinned(None)]
#[case::pinned(Some("my own reason"))]
#[tokio::test(start_paused = true)]
async fn a_roll_back_without_an_image_to_go_to_changes_nothing(#[case] pinned: Option<&str>) {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let (first, second) = (parameter(&story), image(&story, "k3s-2", 1));
    publish(&story).await.expect("published");
    story.world(|world| world.disable_image(&first)).expect("disabled");
    if let Some(text) = pinned {
        tag(&story, PINNED, text);
    }
    let (aws, name, deadline) = operator(&story);
    let failure = pin::roll_back(&aws, &name, deadline).await.expect_err("nothing to go back to");
    assert!(failure.to_string().contains(&second), "{failure}");
    assert_eq!((parameter(&story), pin_text(&story)), (second, pinned.map(str::to_owned)));
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_keeps_the_reason_of_an_earlier_pin() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let first = parameter(&story);
    image(&story, "k3s-2", 1);
    publish(&story).await.expect("published");
    tag(&story, PINNED, "my own reason");
    let (aws, name, deadline) = operator(&story);
    pin::roll_back(&aws, &name, deadline).await.expect("rolled back");
    assert_eq!((parameter(&story), pin_text(&story)), (first, Some("my own reason".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_of_a_parameter_that_is_never_published_to_needs_no_pin() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let first = parameter(&story);
    image(&story, "k3s-2", 1);
    publish(&story).await.expect("published");
    untag(&story, FAMILY);
    let (aws, name, deadline) = operator(&story);
    let rolled = pin::roll_back(&aws, &name, deadline).await.expect("rolled back");
    assert_eq!((parameter(&story), rolled.pin, pin_text(&story)), (first, None, None));
}

/// The write may still come, so it stays pinned, and the error says so.
#[rstest]
#[case::lost(FaultKind::ResponseLost)]
#[case::failed_inside(FaultKind::InternalError)]
#[tokio::test(start_paused = true)]
async fn a_roll_back_without_an_answer_says_that_it_may_still_come(#[case] kind: FaultKind) {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    image(&story, "k3s-2", 1);
    publish(&story).await.expect("published");
    story.world(|world| world.faults.plan("ssm:PutParameter", kind, u32::MAX));
    let (aws, name, deadline) = operator(&story);
    let failure = pin::roll_back(&aws, &name, deadline).await.expect_err("no answer").chain();
    assert!(failure.contains("stays pinned"), "{failure}");
    assert!(pin_text(&story).is_some_and(|text| text.ends_with("rolled back")));
}
