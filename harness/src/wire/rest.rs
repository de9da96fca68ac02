//! The requests of Route 53: a path, a query, and a document.

use std::collections::BTreeMap;
use std::str::FromStr;

use http::Request;
use serde_json::Value;

use super::element::{self, Element, invalid_input};
use super::service::ROUTE53_PATH_PREFIX;
use crate::world::error::ApiResult;

pub(super) struct RestRequest {
    /// The zone, change or tagged resource that the path names; empty if it names none.
    pub(super) id: String,
    query: BTreeMap<String, String>,
    /// An element without children if there is no body.
    pub(super) body: Element,
}

/// The placeholder of the id in a route.
const ID: &str = "{Id}";

impl RestRequest {
    /// Reads a request that [`fits`] the route.
    pub(super) fn read(route: &str, request: &Request<Vec<u8>>) -> ApiResult<RestRequest> {
        let path = request.uri().path().strip_prefix(ROUTE53_PATH_PREFIX).unwrap_or_default();
        let (_, template) = route.split_once(' ').unwrap_or_default();
        let mut in_both = segments(template).zip(segments(path));
        let id = in_both.find(|(wanted, _)| *wanted == ID).map_or("", |(_, id)| id);
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        Ok(RestRequest {
            id: id.to_owned(),
            query: query.into_owned().collect(),
            body: element::parse(request.body())?,
        })
    }

    /// The names in its path, its query and its document.
    pub(super) fn to_json(&self) -> Value {
        let mut members = self.body.to_json();
        members.extend(self.query.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
        if !self.id.is_empty() {
            members.insert("Id".to_owned(), self.id.as_str().into());
        }
        Value::Object(members)
    }

    /// The names in its query.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.query.keys().map(String::as_str)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// How many items a page has.
    pub(super) fn max_items(&self, most: usize) -> ApiResult<usize> {
        match self.text("maxitems").map(usize::from_str) {
            None => Ok(most),
            Some(Ok(count)) if count > 0 => Ok(count.min(most)),
            Some(_) => Err(invalid_input("MaxItems must be a positive number.")),
        }
    }
}

/// Whether `route`, for example `GET hostedzone/{Id}`, means this method and this path behind the version.
pub(super) fn fits(route: &str, method: &str, path: &str) -> bool {
    let Some((wanted_method, template)) = route.split_once(' ') else { return false };
    let (wanted, given): (Vec<_>, Vec<_>) = (segments(template).collect(), segments(path).collect());
    wanted_method == method
        && wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| *wanted == ID || *wanted == given)
}

/// With or without a slash at the end.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_means_a_method_and_a_path() {
        for (method, path, expected) in [
            ("POST", "hostedzone/Z1/rrset", true),
            ("POST", "hostedzone/Z1/rrset/", true),
            ("GET", "hostedzone/Z1/rrset", false),
            ("POST", "hostedzone/Z1", false),
            ("POST", "change/Z1/rrset", false),
        ] {
            assert_eq!(fits("POST hostedzone/{Id}/rrset", method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_id_is_where_the_route_has_it() {
        let request = |path: &str| Request::get(path).body(Vec::new()).expect("a request");
        let id = |route: &str, path: &str| RestRequest::read(route, &request(path)).expect("a request").id;
        assert_eq!(id("GET tags/hostedzone/{Id}", "/2013-04-01/tags/hostedzone/Z1"), "Z1");
        assert_eq!(id("GET hostedzone/{Id}/rrset", "/2013-04-01/hostedzone/Z2/rrset/"), "Z2");
        assert_eq!(id("GET hostedzone", "/2013-04-01/hostedzone"), "");
    }
}
