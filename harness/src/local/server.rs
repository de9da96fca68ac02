//! The same world on a socket, for the AWS CLI, boto3, and functions in processes of their own.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::page::{self, Page};
use super::{LocalAws, by_hand};

/// AWS takes no request in these protocols that is longer than this many bytes.
const LONGEST_REQUEST: usize = 1 << 20;

/// The most connections served at once.
const MOST_CONNECTIONS: usize = 256;

impl LocalAws {
    /// Serves API calls to all clients, until the runtime ends.
    ///
    /// # Errors
    /// When connections cannot be accepted.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        self.serve_at(listener, None).await
    }

    /// Serves a page to browsers, too.
    ///
    /// # Errors
    /// When connections cannot be accepted.
    pub async fn serve_with_page(self, listener: TcpListener, page: Page) -> std::io::Result<()> {
        self.serve_at(listener, Some(Arc::new(page))).await
    }

    async fn serve_at(self, listener: TcpListener, page: Option<Arc<Page>>) -> std::io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= MOST_CONNECTIONS {
                connections.join_next().await;
            }
            let (stream, _) = listener.accept().await?;
            let (aws, page) = (self.clone(), page.clone());
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let (aws, page) = (aws.clone(), page.clone());
                    async move { Ok::<_, Infallible>(aws.exchange(request, page.as_deref()).await) }
                });
                // A connection that breaks is the client's affair.
                drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    }

    async fn exchange(self, request: Request<Incoming>, page: Option<&Page>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if page::is_foreign(&parts.headers) {
            return plain(403, "only this world's own page may ask, and this request is from another one");
        }
        if let Some(answer) = page.and_then(|page| page::answer(&self, page, &parts)) {
            return answer.map(|body| Full::new(Bytes::from(body)));
        }
        if parts.uri.path().starts_with(by_hand::PREFIX) {
            if page::is_for_another_host(&parts.headers) {
                return plain(403, "the Host header has to name this machine: 127.0.0.1, localhost or [::1]");
            }
            let done = self.by_hand(&parts.method, parts.uri.path(), parts.uri.query().unwrap_or_default()).await;
            return match done {
                Ok(text) => plain(200, &text),
                Err(refusal) => plain(refusal.status.as_u16(), &refusal.text),
            };
        }
        let body = match Limited::new(body, LONGEST_REQUEST).collect().await {
            Ok(body) => body.to_bytes().to_vec(),
            Err(error) => return plain(413, &format!("the request could not be read: {error}")),
        };
        match self.call(Request::from_parts(parts, body)).await {
            Ok(response) => response.map(|body| Full::new(Bytes::from(body))),
            Err(lost) => plain(502, &lost.to_string()),
        }
    }
}

fn plain(status: u16, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    response
}
