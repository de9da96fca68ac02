//! The AWS clients, built once a cold start, and the facts that we need about AWS's errors.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use futures_util::future::{Either, select};

use crate::clock::Clock;
use crate::failure::Failure;
use crate::node::DocumentVersions;

/// One client for each service, and the clock that they were configured with.
#[derive(Clone, Debug)]
pub struct Aws {
    pub autoscaling: aws_sdk_autoscaling::Client,
    pub ec2: aws_sdk_ec2::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
    pub kms: aws_sdk_kms::Client,
    pub route53: aws_sdk_route53::Client,
    pub ssm: aws_sdk_ssm::Client,
    pub clock: Clock,
    /// Which of their versions is sent to instances.
    pub documents: DocumentVersions,
}

/// The SDK tries 3 times by default. Route 53 allows an account 5 requests a second and answers
/// `PriorRequestNotComplete` while a zone's earlier change is under way, so a hand-off needs more patience than that.
const ATTEMPTS: u32 = 6;

/// An attempt that has had no answer for so long is lost; the SDK has no limit of its own.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

impl Aws {
    /// Clients from a configuration, with our own retries and timeouts.
    pub fn new(config: &SdkConfig) -> Aws {
        let config = config
            .to_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
            .build();
        Aws {
            autoscaling: aws_sdk_autoscaling::Client::new(&config),
            ec2: aws_sdk_ec2::Client::new(&config),
            eventbridge: aws_sdk_eventbridge::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            route53: aws_sdk_route53::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            clock: Clock::of(&config),
            documents: DocumentVersions::default(),
        }
    }

    /// Clients as Lambda's environment has them: credentials and region from its variables and nowhere else, because
    /// the SDK's whole chain costs a cold start as much as everything else together. `AWS_ENDPOINT_URL` is honoured.
    pub async fn from_lambda_environment() -> Aws {
        let https =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .credentials_provider(EnvironmentVariableCredentialsProvider::new())
            .region(EnvironmentVariableRegionProvider::new())
            .http_client(https)
            .load()
            .await;
        Aws::new(&config)
    }
}

/// An error's code as AWS sent it. EC2 models no errors at all and Auto Scaling not the ones that matter, so we have
/// only codes to go by.
pub(crate) fn code<E: ProvideErrorMetadata>(error: &E) -> &str {
    error.code().unwrap_or_default()
}

/// AWS's text about an error, for people: not every error has a message.
pub(crate) fn words<E: ProvideErrorMetadata>(error: &E) -> String {
    error.message().filter(|message| !message.is_empty()).unwrap_or(code(error)).to_owned()
}

/// A call that failed for good.
pub(crate) fn failed<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Failure
where
    E: Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    move |error| {
        let code = error.code().map(str::to_owned);
        let text = match &code {
            Some(code) => format!("{code}: {}", error.message().unwrap_or("(no message)")),
            None => crate::failure::chain_of(&error),
        };
        Failure::Aws { operation, code, problem: text.into() }
    }
}

/// Whether a call has failed of the moment: it was throttled, AWS has had a failure, or nobody has answered.
pub(crate) fn is_of_the_moment<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    const THROTTLES: [&str; 4] =
        ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"];
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(answer) => {
            answer.raw().status().is_server_error() || THROTTLES.contains(&answer.err().code().unwrap_or_default())
        }
        _ => false,
    }
}

/// Whether nobody knows if AWS has done what it was asked for: its answer was lost, or it has failed on the way.
pub(crate) fn is_unanswered<E>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(answer) => answer.raw().status().is_server_error(),
        _ => false,
    }
}

/// A time-out for a whole call, the SDK's own retries included.
pub(crate) fn within(timeout: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(timeout).operation_attempt_timeout(ATTEMPT_TIMEOUT.min(timeout)).build()
}

/// How long a run waits for what it can do without: one answer may be lost, and the next be slow.
const CAN_DO_WITHOUT: Duration = Duration::from_secs(8);

/// A read that a run can do without. The SDK's attempts and the pauses between them take a minute, and a holder may have less.
///
/// # Errors
/// When the read fails, or has no answer after eight seconds.
pub(crate) async fn if_soon<T>(
    clock: &Clock,
    operation: &'static str,
    read: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match select(pin!(read), pin!(clock.sleep(CAN_DO_WITHOUT))).await {
        Either::Left((read, _)) => read,
        Either::Right(_) => {
            let problem = format!("no answer within {} s", CAN_DO_WITHOUT.as_secs()).into();
            Err(Failure::Aws { operation, code: None, problem })
        }
    }
}

/// For what cannot be given back: a second attempt would be made half a minute later on the strength of the first look. The
/// loop looks again instead, and decides anew.
pub(crate) fn once() -> RetryConfig {
    RetryConfig::disabled()
}

/// A call that lacks what it needs, so that it cannot even be sent.
pub(crate) fn incomplete(operation: &'static str) -> impl Fn(BuildError) -> Failure {
    move |error| Failure::Aws { operation, code: None, problem: error.into() }
}

/// The items of all pages: one may be short, even empty, and still have a next one.
pub(crate) async fn all<T, E, R>(
    pages: PaginationStream<Result<T, SdkError<E, R>>>,
    operation: &'static str,
) -> Result<Vec<T>, Failure>
where
    E: Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    pages.collect::<Result<Vec<_>, _>>().await.map_err(failed(operation))
}
