//! Which k3s starts on a volume that another has served from.

use durin_decisions::k3s::Version;
use durin_node::decide::k3s::may_start;
use rstest::rstest;

fn version(text: &str) -> Option<Version> {
    let version = Version::read(text);
    assert_eq!(version.is_some(), !text.is_empty(), "{text}");
    version
}

#[rstest]
#[case::the_same("v1.36.4+k3s1", "v1.36.4+k3s1", None)]
#[case::a_later_build("v1.36.4+k3s1", "v1.36.4+k3s2", None)]
#[case::a_later_patch("v1.36.9+k3s1", "v1.36.10+k3s1", None)]
#[case::a_later_minor("v1.9.12+k3s1", "v1.36.0+k3s1", None)]
#[case::a_release_after_its_candidate("v1.36.0-rc3+k3s1", "v1.36.0+k3s1", None)]
#[case::an_earlier_build(
    "v1.36.4+k3s10",
    "v1.36.4+k3s9",
    Some("k3s v1.36.4+k3s10 has served from the volume, and the older")
)]
#[case::an_earlier_patch(
    "v1.36.10+k3s1",
    "v1.36.9+k3s1",
    Some("the older v1.36.9+k3s1 of the same minor version starts")
)]
#[case::a_candidate_after_its_release("v1.36.0+k3s1", "v1.36.0-rc3+k3s1", Some("the older v1.36.0-rc3+k3s1"))]
#[case::nobody_knows_which_has_served("", "v1.36.4+k3s1", Some("nothing says which k3s has served"))]
#[case::nobody_knows_which_starts("v1.36.4+k3s1", "", Some("does not say its version"))]
#[case::nobody_knows_anything("", "", Some("nothing says which k3s has served"))]
fn it_starts_and_this_is_said(#[case] served: &str, #[case] own: &str, #[case] says: Option<&str>) {
    let said = may_start(version(served).as_ref(), version(own).as_ref()).expect("it starts");
    assert_eq!(said.is_some(), says.is_some(), "{said:?}");
    assert!(said.unwrap_or_default().contains(says.unwrap_or_default()));
}

#[rstest]
#[case::by_one("v1.36.0+k3s1", "v1.35.9+k3s1", "v1.36 or newer", "that v1.35 or an older")]
#[case::by_many_as_numbers("v1.10.0+k3s1", "v1.9.9+k3s1", "v1.10 or newer", "that v1.9 or an older")]
#[case::a_candidate_has_changed_it("v1.36.0-rc1+k3s1", "v1.35.9+k3s2", "v1.36 or newer", "that v1.35 or an older")]
#[case::by_a_major_version("v2.0.0+k3s1", "v1.40.0+k3s1", "v2.0 or newer", "that v1.40 or an older")]
fn an_earlier_minor_version_does_not_start(
    #[case] served: &str,
    #[case] own: &str,
    #[case] at_least: &str,
    #[case] backup: &str,
) {
    let refusal = may_start(version(served).as_ref(), version(own).as_ref()).expect_err("it does not start");
    let sentence = refusal.to_string();
    for part in [served, own, at_least, backup, "durin/k3s-version"] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
    assert!(refusal.is_of_this_image() && !refusal.may_pass_with_a_reboot());
}

#[rstest]
#[case::nothing("")]
#[case::no_build("v1.36.4")]
#[case::no_letter("1.36.4+k3s1")]
#[case::two_numbers("v1.36+k3s1")]
#[case::four_numbers("v1.36.4.1+k3s1")]
#[case::a_sign("v1.+36.4+k3s1")]
#[case::an_empty_number("v1..4+k3s1")]
#[case::too_large("v1.99999999999.4+k3s1")]
#[case::two_lines("v1.36.4+k3s1\nv1.37.0+k3s1")]
#[case::garbage("\u{0}\u{fffd}")]
#[case::an_order_to_a_terminal("v1.36.4-\u{1b}[2J+k3s1")]
#[case::lines_in_a_candidate("v1.36.4-rc1\nmounted+k3s1")]
#[case::an_empty_candidate("v1.36.4-+k3s1")]
fn what_is_no_version_is_not_known(#[case] text: &str) {
    assert_eq!(Version::read(text), None);
}

#[test]
fn a_program_says_its_version_among_other_things() {
    let said = "k3s version v1.36.4+k3s1 (a1b2c3d4)\ngo version go1.25.1\n";
    assert_eq!(Version::of_program(said), Version::read("v1.36.4+k3s1"));
    assert_eq!(Version::of_program("go version go1.25.1\n"), None);
    assert_eq!(Version::of_program("k3s version "), None);
}
