//! Who may ask. Any page on the Web can have its reader's browser send requests to a loopback port; none but this world's own
//! may press buttons, or read.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;

/// Whether a browser sends it on behalf of another page. A browser says with each POST which page that is, and AWS's
/// clients never say.
pub(in crate::local) fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let own = host(headers).filter(|host| is_loopback(host)).map(|host| format!("http://{host}"));
    own.is_none() || origin.to_str().ok() != own.as_deref()
}

/// Whether it names another host than this one. A name of somebody else's that points here would make their page this
/// world's own to a browser (DNS rebinding).
pub(in crate::local) fn is_for_another_host(headers: &HeaderMap) -> bool {
    !host(headers).is_some_and(is_loopback)
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

fn is_loopback(host: &str) -> bool {
    let authority = host.parse::<Authority>();
    authority.is_ok_and(|authority| ["127.0.0.1", "localhost", "[::1]"].contains(&authority.host()))
}
