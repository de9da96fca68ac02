//! When a command ended: what an instance's clock says is believed as far as it can be true.

use std::time::Duration;

use durin_decisions::node::{
    LONGEST_ANSWER, LONGEST_RELEASE, LONGEST_RESUME, ReleaseState, Step, command_ended, next_step,
};
use rstest::rstest;

use crate::situation::*;

/// It was asked 60 s ago.
#[rstest]
#[case::its_clock_is_right(Some(57), Some(48), 48)]
#[case::its_clock_is_a_little_ahead(Some(55), Some(46), 46)]
#[case::its_clock_is_ahead(Some(7), Some(0), 48)]
#[case::its_clock_is_behind(Some(3_600), Some(3_591), 60)]
#[case::it_began_late(Some(40), Some(31), 46)]
#[case::it_took_too_long(Some(57), Some(0), 0)]
#[case::it_cannot_have_taken_so_long(Some(100), Some(10), 60)]
#[case::it_ended_before_it_began(Some(48), Some(57), 60)]
#[case::it_does_not_say_when_it_began(None, Some(48), 60)]
#[case::it_does_not_say_when_it_ended(Some(57), None, 60)]
fn an_instances_clock_is_believed_as_far_as_it_can_be_true(
    #[case] began: Option<u64>,
    #[case] ended: Option<u64>,
    #[case] expected: u64,
) {
    assert_eq!(command_ended(ago(60), began.map(ago), ended.map(ago), LONGEST_RELEASE), ago(expected));
}

/// A resume may wait for a check of the file system: believed to have ended when it was asked for, it is asked again at once.
#[rstest]
#[case::a_release(LONGEST_RELEASE, 170)]
#[case::a_resume(LONGEST_RESUME, 3)]
#[case::an_answer(LONGEST_ANSWER, 3)]
fn a_command_may_take_as_long_as_its_document(#[case] longest: Duration, #[case] expected: u64) {
    assert_eq!(command_ended(ago(170), Some(ago(168)), Some(ago(3)), longest), ago(expected));
}

/// It let go half a minute ago, and has been rebooted since perhaps. By its clock, it was just now.
#[test]
fn a_clock_that_is_ahead_keeps_no_release_fresh() {
    let ahead = command_ended(ago(40), Some(in_s(12)), Some(in_s(20)), LONGEST_RELEASE);
    assert_eq!(ahead, ago(27));
    let step = next_step(&rebalanced().release(&[OLD, NEW], ReleaseState::Released { at: ahead }).seen(), now());
    assert_eq!(step, Step::Release { holder: id(OLD) });
}
