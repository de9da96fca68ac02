//! EC2's lasting refusals about one image or snapshot: a lock, a backup, a protection, fifty tags. They page nobody; a
//! person who reads the answer finds there how to change it.

use crate::failure::Failure;

/// Whether EC2 has answered, and its answer is about the one thing that we asked for. A problem that passes is not, and
/// neither is one that concerns everything alike: a missing permission, credentials, a malformed call.
/// Probe: a-snapshot-in-use-stays.
pub(super) fn is_of_one_thing(failure: &Failure) -> bool {
    match failure {
        Failure::Aws { code: Some(code), .. } => !passes(code) && !concerns_all(code),
        _ => false,
    }
}

/// The reason, and what to do.
pub(super) fn refused(failure: &Failure) -> String {
    format!(
        "{}; Durin tries again every day: remove the obstacle that EC2 names, or tag it {} if it should stay",
        failure.chain(),
        crate::tags::KEEP
    )
}

/// Whether an error passes. One without a code never reached EC2, or its answer never reached us.
pub(super) fn passes(code: &str) -> bool {
    matches!(
        code,
        "" | "RequestLimitExceeded"
            | "InternalError"
            | "InternalFailure"
            | "ServiceUnavailable"
            | "Unavailable"
            | "ConcurrentTagAccess"
    )
}

/// Whether an error is about our role, our credentials or our code. (EC2 API Reference, "Error codes".)
fn concerns_all(code: &str) -> bool {
    matches!(
        code,
        "AccessDeniedException"
            | "AuthFailure"
            | "Blocked"
            | "ExpiredToken"
            | "InvalidAction"
            | "InvalidClientTokenId"
            | "InvalidParameterCombination"
            | "MissingParameter"
            | "OptInRequired"
            | "PendingVerification"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnauthorizedOperation"
            | "UnknownParameter"
            | "UnrecognizedClientException"
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::locked(Some("OperationNotPermitted"), true)]
    #[case::in_use(Some("InvalidSnapshot.InUse"), true)]
    #[case::managed(Some("InvalidParameterValue"), true)]
    #[case::full(Some("TagLimitExceeded"), true)]
    #[case::not_known_to_us(Some("SomethingNew"), true)]
    #[case::throttled(Some("RequestLimitExceeded"), false)]
    #[case::not_allowed(Some("UnauthorizedOperation"), false)]
    #[case::lost(None, false)]
    fn what_is_about_one_thing(#[case] code: Option<&str>, #[case] expected: bool) {
        let code = code.map(str::to_owned);
        let failure = Failure::Aws { operation: "ec2:DeleteSnapshot", code, problem: "no".into() };
        assert_eq!(is_of_one_thing(&failure), expected);
    }
}
