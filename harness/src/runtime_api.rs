//! The Lambda Runtime API, for a function's real binary: it asks for an event, gets the one there is, and answers.
//! (Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".)

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::world::{ACCOUNT, REGION};

/// Lambda takes answers of at most 6 MB.
const LONGEST_ANSWER: usize = 6 << 20;

/// The one invocation that a function's binary is started for.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's name.
    pub function: String,
    /// The payload, as it is: it need not even be JSON.
    pub payload: Vec<u8>,
    /// How long the function may take.
    pub timeout: Duration,
}

/// A function's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Its answer, as JSON.
    Answer(String),
    /// Its error, as JSON with `errorType` and `errorMessage`.
    Error(String),
    /// It failed before it asked for an event.
    InitError(String),
}

struct Session {
    invocation: Mutex<Option<Invocation>>,
    said: mpsc::UnboundedSender<Said>,
}

/// Serves one invocation to the binary that connects, and returns what it said. Cancel it when the time is up.
///
/// # Errors
/// When connections cannot be accepted.
pub async fn serve_once(listener: TcpListener, invocation: Invocation) -> std::io::Result<Said> {
    let (said, mut heard) = mpsc::unbounded_channel();
    let session = Arc::new(Session { invocation: Mutex::new(Some(invocation)), said });
    loop {
        let stream = tokio::select! {
            biased;
            Some(said) = heard.recv() => return Ok(said),
            accepted = listener.accept() => accepted?.0,
        };
        let session = Arc::clone(&session);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let session = Arc::clone(&session);
                async move { Ok::<_, Infallible>(session.exchange(request).await) }
            });
            // A connection that breaks is the binary's affair.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

impl Session {
    async fn exchange(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().trim_start_matches("/2018-06-01/runtime").to_owned();
        if request.method() == Method::GET && path == "/invocation/next" {
            return self.next().await;
        }
        let body = match Limited::new(request.into_body(), LONGEST_ANSWER).collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(error) => return plain(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
        };
        let said = match path.rsplit('/').next() {
            Some("response") => Said::Answer(body),
            Some("error") if path.starts_with("/init") => Said::InitError(body),
            Some("error") => Said::Error(body),
            _ => return plain(StatusCode::NOT_FOUND, "the local Lambda Runtime API has no such path"),
        };
        // After the first answer there is no receiver any more.
        drop(self.said.send(said));
        plain(StatusCode::ACCEPTED, "")
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let Some(invocation) = self.invocation.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            // Lambda freezes a function that has nothing to do; so do we, until its process is stopped.
            return std::future::pending().await;
        };
        let deadline = SystemTime::now() + invocation.timeout;
        let deadline_ms = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", invocation.function);
        Response::builder()
            .header("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000001")
            .header("lambda-runtime-deadline-ms", deadline_ms.to_string())
            .header("lambda-runtime-invoked-function-arn", arn)
            .body(Full::new(Bytes::from(invocation.payload)))
            .unwrap_or_else(|error| plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = status;
    response
}
