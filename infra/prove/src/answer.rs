//! What AWS answers, as far as a probe cares: taken, or refused with a code and a text.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;

/// What came of a call whose refusal is an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    Taken(T),
    Refused(Refusal),
}

/// A refusal, as AWS sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub text: String,
    /// HTTP's.
    pub status: u16,
}

/// What keeps a probe from its answer.
#[derive(Debug)]
pub enum Trouble {
    /// The credentials lack a permission. It says nothing about AWS.
    NotAllowed(Refusal),
    /// AWS has refused what the probe needs first.
    Refused(Refusal),
    /// Nobody has answered, or the question could not be put.
    Unanswered(String),
    /// The account lacks what the probe needs.
    Lacking(String),
}

/// Refusals that are about the credentials.
const NOT_ALLOWED: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Refusals that are about how many calls there are.
const OF_THE_MOMENT: [&str; 5] = [
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// The answer of a call that AWS may refuse.
///
/// # Errors
/// When the refusal is about the credentials, or nobody has answered.
pub fn answer<T, E>(sent: Result<T, SdkError<E, HttpResponse>>) -> Result<Answer<T>, Trouble>
where
    E: Error + ProvideErrorMetadata + 'static,
{
    match sent.map_err(Trouble::from) {
        Ok(taken) => Ok(Answer::Taken(taken)),
        Err(Trouble::Refused(refusal)) => Ok(Answer::Refused(refusal)),
        Err(trouble) => Err(trouble),
    }
}

impl<T> Answer<T> {
    /// Whether it is a refusal with this code.
    pub fn is_refusal(&self, code: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == code)
    }

    /// The same answer about a part of what was taken.
    pub fn map<U>(self, part: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Answer::Taken(taken) => Answer::Taken(part(taken)),
            Answer::Refused(refusal) => Answer::Refused(refusal),
        }
    }

    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Answer::Taken(_) => None,
            Answer::Refused(refusal) => Some(refusal),
        }
    }
}

impl<T> fmt::Display for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Taken(_) => f.write_str("AWS did it"),
            Answer::Refused(refusal) => write!(f, "AWS refused with {refusal}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { code, text, status } = self;
        write!(f, "{} (HTTP {status}): {text}", if code.is_empty() { "no code" } else { code })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::NotAllowed(refusal) => write!(f, "these credentials may not ask: {refusal}"),
            Trouble::Refused(refusal) => write!(f, "not asked, because AWS refused what comes before: {refusal}"),
            Trouble::Unanswered(what) => write!(f, "nobody answered: {what}"),
            Trouble::Lacking(what) => f.write_str(what),
        }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Trouble
where
    E: Error + ProvideErrorMetadata + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Trouble {
        let SdkError::ServiceError(refused) = &error else { return Trouble::Unanswered(chain(&error)) };
        let refusal = Refusal {
            code: refused.err().code().unwrap_or_default().to_owned(),
            text: refused.err().message().unwrap_or("(no text)").to_owned(),
            status: refused.raw().status().as_u16(),
        };
        let code = refusal.code.as_str();
        if NOT_ALLOWED.contains(&code) {
            Trouble::NotAllowed(refusal)
        } else if refusal.status >= 500 || OF_THE_MOMENT.contains(&code) {
            Trouble::Unanswered(refusal.to_string())
        } else {
            Trouble::Refused(refusal)
        }
    }
}

impl From<BuildError> for Trouble {
    fn from(error: BuildError) -> Trouble {
        Trouble::Unanswered(chain(&error))
    }
}

fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}
