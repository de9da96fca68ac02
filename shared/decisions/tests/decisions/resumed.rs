//! How far a holder is that was asked to serve again.

use durin_decisions::node::{ReleaseState, Resume, Resumed, resume_state};
use rstest::rstest;

use crate::situation::*;

/// Asked so many seconds ago, and over so many seconds ago.
fn asked(requested: u64, ended: u64, outcome: Resumed) -> Resume {
    Resume { requested: ago(requested), ended: ago(ended), outcome }
}

fn failed(at: u64, times: usize) -> ReleaseState {
    ReleaseState::ResumeFailed { at: ago(at), times }
}

fn still(since: u64, at: u64) -> ReleaseState {
    ReleaseState::StillResuming { since: ago(since), at: ago(at) }
}

use Resumed::{Failed, InUse, Open, Serves, UnderWay};

#[rstest]
#[case::nothing(&[], ReleaseState::NotStarted)]
#[case::it_serves(&[asked(100, 90, Serves)], ReleaseState::NotStarted)]
#[case::it_is_on_its_way(&[asked(100, 100, Open)], ReleaseState::Resuming { since: ago(100) })]
#[case::it_does_not(&[asked(100, 90, Failed)], failed(90, 1))]
#[case::it_does_not_again(&[asked(300, 260, Failed), asked(100, 90, Failed)], failed(90, 2))]
#[case::it_serves_at_last(&[asked(300, 260, Failed), asked(100, 90, Serves)], ReleaseState::NotStarted)]
#[case::it_has_let_go_by_itself_since(&[asked(9_000, 8_990, Serves), asked(100, 90, Failed)], failed(90, 1))]
// Two runs have asked at once.
#[case::the_other_has_not_reached_it(&[asked(100, 90, Serves), asked(99, 60, Failed)], ReleaseState::NotStarted)]
#[case::the_other_was_first(&[asked(100, 60, Failed), asked(99, 90, Serves)], ReleaseState::NotStarted)]
#[case::the_other_is_not_over(
    &[asked(100, 100, Open), asked(99, 60, Failed)], ReleaseState::Resuming { since: ago(100) })]
#[case::it_has_been_on_its_way_for_longer_than_it_may(
    &[asked(1_000, 1_000, Open)], ReleaseState::Resuming { since: ago(1_000) })]
#[case::the_other_was_never_heard_of_again(&[asked(1_000, 1_000, Open), asked(100, 90, Failed)], failed(90, 2))]
// No failure, however often it says so.
#[case::it_is_being_checked(&[asked(300, 130, UnderWay)], still(130, 130))]
#[case::it_has_been_checked_for_hours(&[asked(9_000, 8_830, UnderWay), asked(300, 130, UnderWay)], still(8_830, 130))]
#[case::it_was_checked_and_does_not_mount(&[asked(600, 430, UnderWay), asked(300, 290, Failed)], failed(290, 1))]
#[case::it_did_not_mount_and_is_being_checked(&[asked(600, 590, Failed), asked(300, 130, UnderWay)], still(130, 130))]
// Nor is it one that somebody is at work on the volume, within an hour.
#[case::it_is_in_use(&[asked(100, 99, InUse)], still(99, 99))]
#[case::it_is_in_use_for_an_hour(&[asked(3_700, 3_699, InUse), asked(101, 100, InUse)], still(3_699, 100))]
#[case::it_is_in_use_for_longer(&[asked(3_700, 3_699, InUse), asked(100, 99, InUse)], failed(99, 1))]
#[case::it_is_in_use_for_so_long_again(
    &[asked(3_800, 3_799, InUse), asked(200, 199, InUse), asked(100, 99, InUse)], failed(99, 2))]
#[case::it_was_checked_for_hours_and_is_in_use(
    &[asked(9_000, 8_830, UnderWay), asked(100, 99, InUse)], failed(99, 1))]
#[case::it_was_in_use_for_long_and_is_being_checked(
    &[asked(3_800, 3_799, InUse), asked(200, 30, UnderWay)], still(3_799, 30))]
#[case::it_has_failed_in_between(
    &[asked(3_800, 3_799, InUse), asked(200, 199, Failed), asked(100, 99, InUse)], still(99, 99))]
fn a_holder_is_where_its_answers_say(#[case] resumes: &[Resume], #[case] expected: ReleaseState) {
    assert_eq!(resume_state(resumes), expected);
}
