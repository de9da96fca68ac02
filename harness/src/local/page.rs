//! The page of a world that is served: what there is, what happens, and buttons for what can happen. It looks twice a second
//! with `GET /durin/state?from=N`, and its buttons are the requests of [`super::by_hand`].

mod origin;
mod state;
#[cfg(test)]
mod tests;

use aws_smithy_types::base64;
use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response};
use sha2::{Digest, Sha256};

use super::{LocalAws, story};
use crate::seed::Seed;
use crate::time::Time;
use crate::world::history::Entry;
pub(super) use origin::{is_for_another_host, is_foreign};

const PAGE: &str = include_str!("page/page.html");

/// Where the page looks.
const STATE: &str = "/durin/state";
/// The world file that somebody else can play.
const STORY: &str = "/durin/story";

/// The page of a world.
pub struct Page {
    pub tell: Tell,
    /// What the world began as.
    pub seed: Seed,
    /// Since when it is served.
    pub begun: Time,
}

/// A fact in words.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is: `event`, `call`, `aws`, …
    pub kind: &'static str,
    pub text: String,
    /// Whether another fact says it better.
    pub is_noise: bool,
    /// Whether somebody should look.
    pub is_failure: bool,
}

/// Puts a fact into words: those who read the terminal and those who read the page read the same.
pub type Tell = fn(&Entry) -> Told;

/// Answers what the page and its script ask for; `None` if it is something else.
pub(super) fn answer(aws: &LocalAws, page: &Page, parts: &Parts) -> Option<Response<String>> {
    if parts.method != Method::GET {
        return None;
    }
    if is_for_another_host(&parts.headers) {
        return None;
    }
    if is_asked_for(parts) {
        return Some(response("text/html; charset=utf-8", PAGE.to_owned(), &policy()));
    }
    match parts.uri.path() {
        STATE => Some(state(aws, page, parts)),
        STORY => Some(story(aws, page)),
        _ => None,
    }
}

fn story(aws: &LocalAws, page: &Page) -> Response<String> {
    let story = aws.world(|world| story::of(world, &page.seed, page.begun));
    let file = serde_json::to_string_pretty(&story).unwrap_or_default();
    response("application/json", file + "\n", "default-src 'none'")
}

fn state(aws: &LocalAws, page: &Page, parts: &Parts) -> Response<String> {
    let query = parts.uri.query().unwrap_or_default();
    let mut from = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "from");
    let from = from.next().and_then(|(_, number)| number.parse().ok()).unwrap_or_default();
    let speed = aws.clock().speed();
    let state = aws.world(|world| state::of(world, speed, from, page.tell));
    response("application/json", state.to_string(), "default-src 'none'")
}

/// A browser asks for `/` with `Accept: text/html`; AWS's clients sign, and ask in a query or a body.
fn is_asked_for(parts: &Parts) -> bool {
    let accepts = parts.headers.get(ACCEPT).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("text/html"));
    parts.uri.path() == "/" && parts.uri.query().is_none() && accepts && !parts.headers.contains_key(AUTHORIZATION)
}

fn response(content_type: &'static str, body: String, policy: &str) -> Response<String> {
    let mut response = Response::new(body);
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Only the page's own script and style, and only this world to talk to.
fn policy() -> String {
    let hash = |element| base64::encode(Sha256::digest(content_of(element).as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
}

/// The text of the only such element of the page.
fn content_of(element: &str) -> &'static str {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    let rest = PAGE.split_once(&begin).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once(&end)).map_or("", |(content, _)| content)
}
