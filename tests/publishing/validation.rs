//! Parameter Store takes its time to check an image: it is waited for, and nobody puts again into a validation.

use std::time::Duration;

use durin::ami::pin;
use durin::tags::PINNED;
use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::ssm::PutParameter;
use durin_tests::{Story, schedule};
use rstest::rstest;

use super::pins::pin_text;
use super::{image, nothing_is_broken, operator, parameter, publish, validation_takes, versions};

/// Somebody else, or a run that has died since, puts an image's id; the validation begins.
fn put(story: &Story, image: &str) {
    let (name, value) = (IMAGE_PARAMETER.to_owned(), image.to_owned());
    let request = PutParameter { name, value, overwrite: true, ..PutParameter::default() };
    story.world(|world| world.put_parameter(request)).expect("put");
}

/// Eagerly at first, and then every five seconds.
#[tokio::test(start_paused = true)]
async fn a_validation_of_three_minutes_is_awaited_with_few_looks() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    validation_takes(&story, 180);
    let id = image(&story, "k3s-2", 1);
    let invoked = story.invoke("durin-ami-publish", schedule()).await;
    invoked.outcome.as_ref().expect("published");
    assert_eq!((parameter(&story), versions(&story)), (id, 2));
    let looks = invoked.calls.iter().filter(|call| *call == "ssm:GetParameter").count();
    assert!(looks <= 50, "{looks} looks");
    nothing_is_broken(&story);
}

/// The run that has put it is dead, or has run out of time: the next one does not put again and again.
#[tokio::test(start_paused = true)]
async fn an_earlier_write_that_is_still_validated_is_awaited() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    validation_takes(&story, 170);
    let id = image(&story, "k3s-2", 1);
    put(&story, &id);
    let invoked = story.invoke("durin-ami-publish", schedule()).await;
    invoked.outcome.as_ref().expect("published");
    assert_eq!(invoked.writes(), ["ssm:PutParameter"]);
    assert_eq!((parameter(&story), versions(&story)), (id, 2));
    nothing_is_broken(&story);
}

/// It may have been refused or be checked still; only an event would say which.
#[rstest]
#[case::not_pinned(None)]
#[case::pinned(Some("my own reason"))]
#[tokio::test(start_paused = true)]
async fn a_roll_back_that_is_not_accepted_in_time_stays_pinned(#[case] pinned: Option<&str>) {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let (first, second) = (parameter(&story), image(&story, "k3s-2", 1));
    publish(&story).await.expect("published");
    if let Some(text) = pinned {
        let pin = vec![(PINNED.to_owned(), text.to_owned())];
        story.world(|world| world.tag_parameter(IMAGE_PARAMETER, pin, &[])).expect("pinned");
    }
    validation_takes(&story, 5);
    let (aws, name, deadline) = operator(&story);
    let spoil = async {
        story.until("the write", |world| world.ssm.is_validating(IMAGE_PARAMETER)).await;
        story.world(|world| world.disable_image(&first)).expect("disabled");
    };
    let (outcome, ()) = tokio::join!(pin::roll_back(&aws, &name, deadline), spoil);
    let failure = outcome.expect_err("not accepted").chain();
    let says = ["has not accepted", first.as_str(), "stays pinned until"];
    assert!(says.iter().all(|word| failure.contains(word)), "{failure}");
    assert_eq!(parameter(&story), second);
    assert!(pin_text(&story).is_some_and(|text| text.ends_with(pinned.unwrap_or("rolled back"))));
}

/// The value arrives after the command has given up, and the next schedule does not put the bad image back.
#[tokio::test(start_paused = true)]
async fn a_roll_back_that_comes_late_is_not_undone_by_the_next_publish() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let first = parameter(&story);
    image(&story, "k3s-2", 1);
    publish(&story).await.expect("published");
    validation_takes(&story, 290);
    let (aws, name, deadline) = operator(&story);
    let failure = pin::roll_back(&aws, &name, deadline).await.expect_err("not in time").chain();
    assert!(failure.contains("may still get"), "{failure}");
    story.aws().pass(Duration::from_secs(3600)).await;
    assert_eq!(parameter(&story), first);
    publish(&story).await.expect("pinned");
    assert_eq!(parameter(&story), first);
    assert!(pin_text(&story).is_some_and(|text| text.ends_with("rolled back")));
}

#[rstest]
#[case::not_pinned(None, "is not pinned")]
#[case::pinned(Some("my own reason"), "is pinned as it was")]
#[tokio::test(start_paused = true)]
async fn a_roll_back_that_is_refused_leaves_pin_and_value_as_they_were(
    #[case] pinned: Option<&str>,
    #[case] says: &str,
) {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let second = image(&story, "k3s-2", 1);
    publish(&story).await.expect("published");
    if let Some(text) = pinned {
        let pin = vec![(PINNED.to_owned(), text.to_owned())];
        story.world(|world| world.tag_parameter(IMAGE_PARAMETER, pin, &[])).expect("pinned");
    }
    story.world(|world| world.faults.plan("ssm:PutParameter", FaultKind::Throttled, u32::MAX));
    let (aws, name, deadline) = operator(&story);
    let failure = pin::roll_back(&aws, &name, deadline).await.expect_err("refused").chain();
    assert!(failure.contains(says), "{failure}");
    assert_eq!((parameter(&story), pin_text(&story)), (second, pinned.map(str::to_owned)));
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_waits_for_a_write_that_is_still_validated() {
    let story = Story::without_functions(&durin_harness::seed::Seed::one_node());
    let second = image(&story, "k3s-2", 2);
    publish(&story).await.expect("published");
    let third = image(&story, "k3s-3", 1);
    validation_takes(&story, 60);
    put(&story, &third);
    let (aws, name, deadline) = operator(&story);
    let rolled = pin::roll_back(&aws, &name, deadline).await.expect("rolled back");
    assert_eq!((rolled.from, rolled.to.to_string()), (third, second.clone()));
    assert_eq!(parameter(&story), second);
    assert!(pin_text(&story).is_some_and(|text| text.ends_with("rolled back")));
}
