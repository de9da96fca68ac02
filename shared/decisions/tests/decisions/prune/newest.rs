//! The newest images of a family stay as fallbacks: those that could be published, and no others.

use super::*;

/// Older than all that is kept for its age; a lower number is older.
fn aged(number: u32) -> Image {
    Image { created: Some(now() - (60 - number) * DAY), ..stale(number) }
}

/// Which of these stay as the newest, if two do.
fn fallbacks(images: &[Image]) -> Vec<u32> {
    let mut account = Account { images: images.to_vec(), snapshots: Vec::new(), references: References::default() };
    account.references.examined.extend(images.iter().map(|image| image.id.clone()));
    account.references.texts_read = true;
    let plan = plan(&account, &Policy { keep_newest: 2, ..POLICY }, now());
    let is_kept = |verdict: &ImageVerdict| {
        matches!(verdict, ImageVerdict::Keep(Keep::Newest) | ImageVerdict::Enable(Keep::Newest))
    };
    let kept = plan.images.iter().filter(|entry| is_kept(&entry.verdict));
    let mut kept: Vec<u32> = kept.filter_map(|entry| entry.image.name.strip_prefix("k3s-")?.parse().ok()).collect();
    kept.sort_unstable();
    kept
}

#[rstest]
#[case::as_it_is(aged(3), true)]
#[case::withdrawn(Image { deprecated: Some(now() - DAY), ..aged(3) }, false)]
#[case::withdrawn_at_this_moment(Image { deprecated: Some(now()), ..aged(3) }, false)]
#[case::to_be_withdrawn(Image { deprecated: Some(now() + SECOND), ..aged(3) }, true)]
#[case::a_copy(Image { copy_of: Some("ami-1".to_owned()), ..aged(3) }, false)]
#[case::disabled_by_us(off(aged(3), None), true)]
#[case::disabled_and_deprecated_by_us(off(aged(3), Some(60)), true)]
#[case::deprecated_an_hour_after_its_mark(off(aged(3), Some(3_600)), true)]
#[case::withdrawn_after_we_disabled_it(off(aged(3), Some(3_601)), false)]
#[case::withdrawn_before_we_disabled_it(Image { deprecated: Some(now() - 3 * DAY), ..off(aged(3), None) }, false)]
#[case::pending(Image { state: ImageState::Pending, ..aged(3) }, false)]
fn a_fallback_can_be_published(#[case] third: Image, #[case] counts: bool) {
    let kept = fallbacks(&[aged(1), aged(2), third]);
    assert_eq!(kept, if counts { [2, 3] } else { [1, 2] });
}

/// Disabled by us a day ago, and deprecated so many seconds after its mark.
fn off(image: Image, deprecated_after: Option<u64>) -> Image {
    let since = now() - DAY;
    let deprecated = deprecated_after.map(|seconds| since + Duration::from_secs(seconds));
    let image = Image { state: ImageState::Disabled, deprecated, ..image };
    marked(image, STALE_SINCE, &timestamp(since))
}

#[rstest]
#[case::with_our_mark(off(aged(1), Some(60)), true)]
#[case::at_the_second_of_our_mark(off(aged(1), Some(0)), true)]
#[case::not_at_all(off(aged(1), None), false)]
#[case::before_our_mark(Image { deprecated: Some(now() - 2 * DAY), ..off(aged(1), None) }, false)]
#[case::without_our_mark(Image { deprecated: Some(now() - DAY), ..aged(1) }, false)]
fn a_persons_deprecation_is_not_ours(#[case] image: Image, #[case] ours: bool) {
    assert_eq!(image.is_deprecated_by_us(), ours);
}
