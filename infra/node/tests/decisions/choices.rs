//! The node's name, the last moment before an interruption, and the fitness of an image.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durin_node::decide::fitness::{self, Image};
use durin_node::decide::node_name::choose;
use durin_node::decide::notice::{Notice, gone, last_moment};
use rstest::rstest;

#[rstest]
#[case::name(&[Some("home"), Some("home.durin.internal")], Some("home"))]
#[case::no_name(&[None, Some("home.durin.internal")], Some("home.durin.internal"))]
#[case::capitals_and_underscores(&[Some("My_Home 2")], Some("my-home-2"))]
#[case::not_acceptable(&[Some("home!"), Some("-home"), Some("a..b"), Some(""), Some("ok")], Some("ok"))]
#[case::too_long(&[Some("a234567890123456789012345678901234567890123456789012345678901234")], None)]
#[case::nothing(&[None, None], None)]
fn a_node_is_named_by_what_kubernetes_accepts(#[case] candidates: &[Option<&str>], #[case] name: Option<&str>) {
    assert_eq!(choose(candidates).as_deref(), name);
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

/// A notice was first seen at 0, it is 5 now.
#[rstest]
#[case::in_two_minutes(humantime::format_rfc3339(at(120)).to_string(), 90)]
#[case::seen_late(humantime::format_rfc3339(at(50)).to_string(), 20)]
#[case::a_clock_that_is_slow(humantime::format_rfc3339(at(4_000)).to_string(), 90)]
#[case::a_clock_that_is_fast(humantime::format_rfc3339(UNIX_EPOCH).to_string(), 90)]
#[case::as_long_past_as_a_notice(humantime::format_rfc3339(at(5) - Duration::from_secs(120)).to_string(), 0)]
#[case::just_past(humantime::format_rfc3339(at(2)).to_string(), 0)]
#[case::no_time("soon".to_owned(), 90)]
fn the_volume_goes_half_a_minute_before_the_end(#[case] time: String, #[case] seconds: u64) {
    let notice = Notice { action: "terminate".to_owned(), time };
    let moment = last_moment(&notice, at(5), at(0));
    // What is past is now.
    assert_eq!(moment.max(at(0)), at(seconds));
}

/// It is watched for as long as a notice is early, and once more.
#[test]
fn who_is_still_there_two_minutes_after_the_end_goes_on() {
    assert_eq!(gone(at(90)), at(240));
}

/// All in order.
fn fit() -> Image {
    Image { has_k3s_unit: true, k3s_honours_the_marker: true, has_unpacked_k3s: true, ..Image::default() }
}

#[rstest]
#[case::fit(fit(), &[])]
#[case::missing(Image { missing: vec!["k3s".into(), "blkid".into()], ..fit() }, &["lacks k3s, blkid"])]
#[case::no_unit(Image { has_k3s_unit: false, ..fit() }, &["no k3s.service"])]
#[case::starts_at_boot(Image { starts_k3s_at_boot: true, ..fit() }, &["systemctl disable k3s"])]
#[case::no_drop_in(Image { k3s_honours_the_marker: false, ..fit() }, &["after a release"])]
#[case::on_the_volume(Image { on_the_volume: vec!["/var/lib/cni".into()], ..fit() }, &["/var/lib/cni"])]
#[case::etcd(Image { wants_etcd: true, ..fit() }, &["use SQLite"])]
#[case::another_configuration(
    Image { settings_elsewhere: Some(("/etc/default/k3s".into(), "/etc/own.yaml".into())), ..fit() },
    &["/etc/default/k3s has k3s read /etc/own.yaml"]
)]
#[case::two(Image { wants_etcd: true, has_k3s_unit: false, ..fit() }, &["no k3s.service", "use SQLite"])]
fn an_image_is_fit_if_nothing_speaks_against_it(#[case] image: Image, #[case] reasons: &[&str]) {
    let unfit = fitness::unfit(&image);
    assert_eq!(unfit.len(), reasons.len(), "{unfit:?}");
    assert!(unfit.iter().zip(reasons).all(|(is, part)| is.contains(part)), "{unfit:?}");
    assert!(fitness::warnings(&image).is_empty());
}

#[rstest]
#[case::has_run(Image { has_run_k3s: true, ..fit() }, "remove /var/lib/rancher/k3s/server")]
#[case::provisioned_at_boot(Image { is_provisioned_at_boot: true, ..fit() }, "for trying out")]
#[case::not_unpacked(Image { has_unpacked_k3s: false, ..fit() }, "unpacks itself")]
fn a_mere_delay_is_a_warning(#[case] image: Image, #[case] part: &str) {
    let warnings = fitness::warnings(&image);
    assert!(warnings.len() == 1 && warnings[0].contains(part), "{warnings:?}");
    assert!(fitness::unfit(&image).is_empty());
}
