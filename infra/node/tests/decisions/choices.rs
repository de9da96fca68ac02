//! The node's name, and the last moment before an interruption.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durin_node::decide::node_name::choose;
use durin_node::decide::notice::{Notice, last_moment};
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
#[case::just_past(humantime::format_rfc3339(at(2)).to_string(), 0)]
#[case::no_time("soon".to_owned(), 90)]
fn the_volume_goes_half_a_minute_before_the_end(#[case] time: String, #[case] seconds: u64) {
    let notice = Notice { action: "terminate".to_owned(), time };
    let moment = last_moment(&notice, at(5), at(0));
    // What is past is now.
    assert_eq!(moment.max(at(0)), at(seconds));
}
