//! The way between the probes and the local AWS, on which answers can be falsified and the asker can die.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use durin_harness::LocalAws;
use durin_harness::world::history::Fact;
use tokio::sync::Notify;

/// Clones are the same way.
#[derive(Clone)]
pub struct Way {
    aws: LocalAws,
    state: Arc<Mutex<State>>,
    dies: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// The operations that were answered, in order: `ec2:AttachVolume`.
    answered: Vec<String>,
    lies: Vec<Lie>,
    dies_after: Option<usize>,
}

/// An answer of AWS that is another than the world's.
#[derive(Clone, Debug)]
struct Lie {
    /// `ec2:AttachVolume`
    operation: &'static str,
    kind: LieKind,
}

#[derive(Clone, Debug)]
enum LieKind {
    /// The same with this text instead of that one.
    Says { instead_of: String, text: String },
    /// Another one, with HTTP's status.
    Answers(u16, String),
}

impl Way {
    pub(super) fn to(aws: &LocalAws) -> Way {
        Way { aws: aws.clone(), state: Arc::default(), dies: Arc::default() }
    }

    /// For whoever may do everything.
    pub fn config(&self, aws: &LocalAws) -> SdkConfig {
        self.between(aws.sdk_config("prove"))
    }

    /// For whoever may hardly do anything.
    pub(super) fn limited_config(&self, aws: &LocalAws) -> SdkConfig {
        self.between(aws.sdk_config(super::LIMITED))
    }

    fn between(&self, config: SdkConfig) -> SdkConfig {
        let Some(inner) = config.http_client() else { return config };
        config.to_builder().http_client(Between { inner, way: self.clone() }).build()
    }

    /// From now on the operation's answers have another text.
    pub fn replace(&self, operation: &'static str, instead_of: &str, text: &str) {
        let kind = LieKind::Says { instead_of: instead_of.to_owned(), text: text.to_owned() };
        self.state().lies.push(Lie { operation, kind });
    }

    /// From now on the operation is answered so, whatever it has done.
    pub fn answer(&self, operation: &'static str, status: u16, body: &str) {
        self.state().lies.push(Lie { operation, kind: LieKind::Answers(status, body.to_owned()) });
    }

    /// The asker never learns what the call with this number, from 1, has come to. [`Way::death`] is then.
    pub fn die_after(&self, calls: usize) {
        self.state().dies_after = Some(calls);
    }

    /// Returns when the asker has to die.
    pub async fn death(&self) {
        self.dies.notified().await;
    }

    /// The operations that were answered so far.
    pub fn answered(&self) -> Vec<String> {
        self.state().answered.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operation that the world has answered last: the probes make one call at a time.
    fn last_operation(&self) -> String {
        self.aws.world(|world| {
            let mut facts = world.history().iter().rev().map(|entry| &entry.fact);
            facts.find_map(Fact::operation).unwrap_or_default().to_owned()
        })
    }

    async fn pass_on(self, answer: HttpConnectorFuture) -> Result<HttpResponse, ConnectorError> {
        let answer = answer.await?;
        let operation = self.last_operation();
        let (lies, dies) = {
            let mut state = self.state();
            state.answered.push(operation.clone());
            let lies: Vec<_> = state.lies.iter().filter(|lie| lie.operation == operation).cloned().collect();
            (lies, state.dies_after == Some(state.answered.len()))
        };
        if dies {
            self.dies.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(lies.iter().fold(answer, |answer, lie| lie.told(answer)))
    }
}

impl Lie {
    fn told(&self, mut answer: HttpResponse) -> HttpResponse {
        let body = answer.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let body = match &self.kind {
            LieKind::Says { instead_of, text } => body.replace(instead_of, text),
            LieKind::Answers(status, body) => {
                if let Ok(status) = StatusCode::try_from(*status) {
                    *answer.status_mut() = status;
                }
                body.clone()
            }
        };
        answer.headers_mut().remove("content-length");
        *answer.body_mut() = SdkBody::from(body);
        answer
    }
}

/// An HTTP client on the way to another.
struct Between {
    inner: SharedHttpClient,
    way: Way,
}

/// The connector on the way to another.
struct Listening {
    inner: SharedHttpConnector,
    way: Way,
}

impl HttpClient for Between {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Listening { inner, way: self.way.clone() })
    }
}

impl HttpConnector for Listening {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.way.clone().pass_on(self.inner.call(request)))
    }
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Between").finish_non_exhaustive()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").finish_non_exhaustive()
    }
}
