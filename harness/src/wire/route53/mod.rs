//! Route 53: paths and XML in, XML out.

mod changes;
mod record_sets;
mod zones;

use std::collections::BTreeMap;
use std::str::FromStr;

use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::action::Action;
use super::answer::Answer;
use super::element::{self, Element};
use crate::iam::Caller;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};
use crate::world::route53::Change;

/// A request: what its path and query name, and the document in its body.
struct Input {
    /// The zone, change or tagged resource that the path names; empty if it names none.
    id: String,
    query: BTreeMap<String, String>,
    /// An element without children if there is no body.
    body: Element,
}

const ACTIONS: &[Action<Input>] = &[
    Action::write("ChangeResourceRecordSets", &[], changes::change),
    Action::write("CreateHostedZone", &[], zones::create),
    Action::write("DeleteHostedZone", &[], zones::delete),
    Action::read("GetChange", &[], changes::get),
    Action::read("GetHostedZone", &[], zones::get),
    Action::read("ListHostedZones", &["marker", "maxitems"], zones::list),
    Action::read("ListHostedZonesByName", &["dnsname", "hostedzoneid", "maxitems"], zones::list_by_name),
    Action::read("ListResourceRecordSets", &["identifier", "maxitems", "name", "type"], record_sets::list),
    Action::read("ListTagsForResource", &[], zones::list_tags),
];

pub(super) fn is_write(name: &str) -> Option<bool> {
    Action::find(ACTIONS, name).map(Action::is_write)
}

/// The operation that a method and a path (behind the version) mean. Paths of none are their own name.
pub(super) fn operation_name(method: &Method, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let name = match (method.as_str(), segments.as_slice()) {
        ("POST", ["hostedzone"]) => "CreateHostedZone",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("DELETE", ["hostedzone", _]) => "DeleteHostedZone",
        ("POST", ["hostedzone", _, "rrset"]) => "ChangeResourceRecordSets",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("GET", ["change", _]) => "GetChange",
        ("GET", ["tags", "hostedzone", _]) => "ListTagsForResource",
        _ => return format!("{method} {path}"),
    };
    name.to_owned()
}

pub(super) fn answer(
    world: &mut World,
    caller: &Caller,
    name: &str,
    request: &Request<Vec<u8>>,
) -> (String, ApiResult<Answer>) {
    match read(request) {
        Ok(input) => (input.about(), run(world, caller, name, &input)),
        Err(error) => (String::new(), Err(error)),
    }
}

fn run(world: &mut World, caller: &Caller, name: &str, input: &Input) -> ApiResult<Answer> {
    let action = Action::find(ACTIONS, name).ok_or_else(|| {
        let text = format!("The local AWS does not have this operation: {name}");
        ApiError::new("UnknownOperationException", text).with_status(404)
    })?;
    if let Some(unknown) = action.unknown_parameter(input.query.keys().map(String::as_str)) {
        return Err(invalid_input(format!("The local AWS does not have the parameter '{unknown}'.")));
    }
    let body = action.run(world, caller, input)?;
    if name != "CreateHostedZone" {
        return Ok(Answer::from(body));
    }
    let id = body["HostedZone"]["Id"].as_str().unwrap_or_default();
    let location = format!("https://route53.amazonaws.com/2013-04-01{id}");
    Ok(Answer { body, status: StatusCode::CREATED, location: Some(location) })
}

/// The zone, change or tagged resource that the path names; empty if it names none.
pub(super) fn resource_of(request: &Request<Vec<u8>>) -> &str {
    let mut segments = request.uri().path().split('/').filter(|segment| !segment.is_empty()).skip(1);
    let id = match segments.next() {
        Some("tags") => segments.nth(1),
        _ => segments.next(),
    };
    id.unwrap_or_default()
}

fn read(request: &Request<Vec<u8>>) -> ApiResult<Input> {
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    Ok(Input {
        id: resource_of(request).to_owned(),
        query: query.into_owned().collect(),
        body: element::parse(request.body())?,
    })
}

impl Input {
    /// What the request is about: the id in its path, and the record sets in its body.
    fn about(&self) -> String {
        let zone = (!self.id.is_empty()).then(|| self.id.clone());
        let name = self.body.text("Name").map(str::to_owned);
        zone.into_iter().chain(name).chain(changes::about(&self.body)).collect::<Vec<_>>().join(" ")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// How many items a page has.
    fn max_items(&self, most: usize) -> ApiResult<usize> {
        match self.text("maxitems").map(usize::from_str) {
            None => Ok(most),
            Some(Ok(count)) if count > 0 => Ok(count.min(most)),
            Some(_) => Err(invalid_input("MaxItems must be a positive number.")),
        }
    }
}

fn invalid_input(text: impl Into<String>) -> ApiError {
    ApiError::new("InvalidInput", text)
}

fn change_info(change: &Change) -> Value {
    json!({
        "Id": format!("/change/{}", change.id),
        "Status": if change.in_sync { "INSYNC" } else { "PENDING" },
        "SubmittedAt": change.submitted.iso_millis(),
        "Comment": change.comment,
    })
}
