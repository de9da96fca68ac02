//! What a person can do about a call that AWS refuses. The scripts say the same (infra/common/calls.sh).

use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use durin::failure::Failure;

/// The failure with all its causes, and what to do about it.
pub(crate) fn advised(failure: &Failure) -> String {
    let told = failure.chain();
    // All others say what to do.
    let Failure::Aws { code, .. } = failure else { return told };
    format!("{}. {}", told.trim_end_matches('.'), remedy(code.as_deref()))
}

/// A call that AWS has refused, in one line.
pub(crate) fn refused<E: ProvideErrorMetadata + std::error::Error>(operation: &str, error: &E) -> String {
    match error.code() {
        Some(code) => format!("{operation}: {code}: {}", error.message().unwrap_or("(no message)")),
        None => format!("{operation}: {}", DisplayErrorContext(error)),
    }
}

/// Without a code, AWS has not answered.
fn remedy(code: Option<&str>) -> &'static str {
    match code {
        None if std::env::var_os("AWS_ENDPOINT_URL").is_some() => {
            "Look whether something listens there, because AWS_ENDPOINT_URL is set, or unset it"
        }
        None => "Look whether this machine has a network, and whether AWS_REGION is a region",
        Some(
            "AuthFailure"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken"
            | "UnrecognizedClientException",
        ) => "Set credentials that AWS accepts in this region: run aws configure or aws sso login, or set AWS_PROFILE",
        Some("InvalidSignatureException" | "RequestExpired" | "SignatureDoesNotMatch") => {
            "Is this machine's clock right, and the secret access key whole? Then run the same command again"
        }
        Some(code) if code.starts_with("AccessDenied") || code.starts_with("Unauthorized") => {
            "Your credentials may not do that: get the permission, or set others (AWS_PROFILE)"
        }
        Some(_) => "Once you have fixed that, run the same command again",
    }
}
