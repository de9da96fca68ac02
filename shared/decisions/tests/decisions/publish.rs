//! Which image is published, and why not: the pure decision, case by case.

use std::time::{Duration, SystemTime};

use durin_decisions::ids::{ImageId, ParameterName};
use durin_decisions::images::publish::{Blocked, Current, Decision, Done, Family, Parameter, decide};
use durin_decisions::images::{Image, ImageState};
use durin_decisions::tags::FAMILY;
use durin_decisions::times::instant;
use rstest::rstest;

use crate::images::sample_image;

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> SystemTime {
    instant("2026-03-01T12:00:00Z").expect("a time")
}

fn id(number: u64) -> ImageId {
    ImageId::new(format!("ami-{number:017x}")).expect("an id")
}

/// An image that is as good as any, so many days old.
fn image(number: u64, days: u32) -> Image {
    Image {
        name: format!("k3s {number}"),
        created: Some(now() - DAY * days),
        tags: [(FAMILY.to_owned(), "/images/k3s".to_owned())].into(),
        ..sample_image(id(number))
    }
}

/// A family whose parameter names image 1, which is 14 days old.
fn family(others: Vec<Image>) -> Family {
    let current = image(1, 14);
    Family {
        name: ParameterName::new("/images/k3s").expect("a name"),
        images: others.into_iter().chain([current.clone()]).collect(),
        parameter: Parameter::Present(Box::new(Current {
            value: current.id.to_string(),
            data_type: "aws:ec2:image".to_owned(),
            written: Some(now() - DAY * 14),
            pinned: None,
            image: Some(current),
        })),
    }
}

fn with_parameter(mut family: Family, change: impl FnOnce(&mut Current)) -> Family {
    if let Parameter::Present(current) = &mut family.parameter {
        change(current);
    }
    family
}

fn published(family: &Family) -> Option<ImageId> {
    match decide(family, now()) {
        Decision::Publish { image, .. } => Some(image),
        Decision::Done(_) | Decision::Blocked(_) => None,
    }
}

#[test]
fn the_newest_is_published_and_then_nothing() {
    let bakes = vec![image(3, 1), image(2, 7)];
    assert_eq!(decide(&family(bakes.clone()), now()), Decision::Publish { image: id(3), heals: false });
    let after = with_parameter(family(bakes), |current| {
        current.value = id(3).to_string();
        current.image = Some(image(3, 1));
    });
    assert_eq!(decide(&after, now()), Decision::Done(Done::Newest(id(3).to_string())));
}

#[rstest]
#[case::older(image(2, 20))]
#[case::just_as_old(image(2, 14))]
#[case::pending(Image { state: ImageState::Pending, ..image(2, 1) })]
#[case::disabled(Image { state: ImageState::Disabled, ..image(2, 1) })]
#[case::failed(Image { state: ImageState::Other("failed".to_owned()), ..image(2, 1) })]
#[case::deprecated(Image { deprecated: Some(now() - DAY), ..image(2, 1) })]
#[case::a_copy(Image { copy_of: Some("ami-00000001".to_owned()), ..image(2, 1) })]
#[case::of_unknown_age(Image { created: None, ..image(2, 1) })]
fn never_published(#[case] candidate: Image) {
    let family = family(vec![candidate]);
    assert_eq!(decide(&family, now()), Decision::Done(Done::Newest(id(1).to_string())));
}

#[test]
fn one_that_will_be_deprecated_some_day_is_published() {
    assert_eq!(published(&family(vec![Image { deprecated: Some(now() + DAY), ..image(2, 1) }])), Some(id(2)));
}

#[test]
fn a_pin_keeps_everything_out() {
    let pinned = with_parameter(family(vec![image(2, 1)]), |current| current.pinned = Some("rolled back".to_owned()));
    assert_eq!(decide(&pinned, now()), Decision::Done(Done::Pinned("rolled back".to_owned())));
}

/// The next launch will fail, whoever has said that nothing is to be published.
#[rstest]
#[case::disabled(|current: &mut Current| current.image = Some(Image { state: ImageState::Disabled, ..image(1, 14) }), true)]
#[case::gone(|current: &mut Current| current.image = None, true)]
#[case::no_image_at_all(|current: &mut Current| (current.value, current.image) = ("none".to_owned(), None), true)]
#[case::deprecated(|current: &mut Current| current.image = Some(Image { deprecated: Some(now()), ..image(1, 14) }), false)]
// EC2 may be behind: a roll-back has put it there a moment ago.
#[case::put_a_moment_ago(|current: &mut Current| (current.written, current.image) = (Some(now()), None), false)]
fn a_pin_hides_no_image_that_cannot_be_launched(#[case] change: fn(&mut Current), #[case] is_told: bool) {
    let pinned = with_parameter(family(vec![image(2, 1)]), |current| {
        current.pinned = Some("1.34 breaks the ingress".to_owned());
        change(current);
    });
    let decision = decide(&pinned, now());
    assert_eq!(matches!(decision, Decision::Blocked(Blocked::PinnedToNothing { .. })), is_told, "{decision}");
    assert_eq!(decision == Decision::Done(Done::Pinned("1.34 breaks the ingress".to_owned())), !is_told, "{decision}");
    let text = decision.to_string();
    let says = ["/images/k3s", "cannot be launched", "1.34 breaks the ingress", "just unpin /images/k3s"];
    assert_eq!(says.iter().all(|word| text.contains(word)), is_told, "{text}");
}

#[test]
fn another_architecture_does_not_hold_up_the_right_one_and_is_then_reported() {
    let arm = Image { architecture: "arm64".to_owned(), ..image(3, 1) };
    assert_eq!(published(&family(vec![arm.clone(), image(2, 7)])), Some(id(2)));
    let decision = decide(&family(vec![arm]), now());
    assert!(
        matches!(&decision, Decision::Blocked(Blocked::OtherKind { image, .. }) if *image == id(3)),
        "{decision:?}"
    );
}

#[test]
fn what_a_person_has_to_mend_is_named() {
    let missing = Family { parameter: Parameter::Missing, ..family(vec![]) };
    let text = decide(&missing, now()).to_string();
    assert!(text.contains("/images/k3s") && text.contains(id(1).as_str()), "{text}");
    let undeclared = Family { parameter: Parameter::Undeclared, ..family(vec![image(2, 1)]) };
    assert!(matches!(decide(&undeclared, now()), Decision::Blocked(Blocked::NotDeclared { .. })));
    let secret = with_parameter(family(vec![image(2, 1)]), |current| current.data_type = "text".to_owned());
    assert!(matches!(decide(&secret, now()), Decision::Blocked(Blocked::NotAnImageParameter { .. })));
}

#[rstest]
#[case::disabled(Some(ImageState::Disabled), 14, Some(2))]
#[case::gone(None, 14, Some(2))]
// EC2 may be behind: what was published a moment ago is not gone because it is not listed.
#[case::published_a_moment_ago(None, 0, None)]
fn a_parameter_whose_image_cannot_be_launched_gets_the_newest_that_can(
    #[case] state: Option<ImageState>,
    #[case] written_days_ago: u32,
    #[case] expected: Option<u64>,
) {
    let broken = with_parameter(family(vec![image(2, 20)]), |current| {
        current.written = Some(now() - DAY * written_days_ago);
        current.image = state.map(|state| Image { state, ..image(1, 14) });
    });
    let broken = Family { images: vec![image(2, 20)], ..broken };
    assert_eq!(published(&broken), expected.map(id));
}

#[test]
fn instead_of_a_vanished_image_of_unknown_kind_nothing_ambiguous_is_published() {
    let arm = Image { architecture: "arm64".to_owned(), ..image(3, 1) };
    let gone = with_parameter(family(vec![]), |current| current.image = None);
    let ambiguous = Family { images: vec![arm, image(2, 20)], ..gone.clone() };
    assert!(matches!(decide(&ambiguous, now()), Decision::Blocked(Blocked::NothingToLaunch { .. })));
    let empty = Family { images: vec![], ..gone };
    assert!(matches!(decide(&empty, now()), Decision::Blocked(Blocked::NothingToLaunch { .. })));
}
