//! Requests to services that the local AWS does not have, and others that it cannot read: refused in a sentence, in the
//! shape that the caller's own protocol has for errors.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::json;

use super::call::{credential_scope, header};
use super::respond::{self, RequestId};
use super::service::Service;
use super::xml::{self, Lists};
use crate::world::World;
use crate::world::error::ApiError;
use crate::world::history::Fact;

/// How AWS's services speak. (Smithy documentation, "AWS protocols".)
enum Protocol {
    /// `X-Amz-Target`, JSON.
    Json,
    /// A form with an `Action`, XML.
    Query,
    /// `Smithy-Protocol: rpc-v2-cbor`.
    Cbor,
    RestXml,
    RestJson,
}

/// A request to a service that is not here.
struct Stranger {
    protocol: Protocol,
    service: String,
    operation: String,
}

/// Services that answer in XML to paths. (botocore's models.)
const REST_XML: [&str; 4] = ["s3", "s3express", "cloudfront", "s3-outposts"];

const WHAT_THERE_IS: &str = "there are EC2, Auto Scaling, Route 53, Systems Manager (SSM), of EventBridge PutEvents, of KMS DescribeKey, and of STS GetCallerIdentity.";

pub(crate) fn refuse(world: &mut World, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let request_id = RequestId::next(world);
    let Some(stranger) = Stranger::read(request) else {
        let text = format!("The request names no operation of a service that the local AWS has: {WHAT_THERE_IS}\n");
        return plain(text);
    };
    let error = stranger.error();
    let access_key = scope(request).split('/').next().unwrap_or_default();
    world.note(Fact::Called {
        caller: world.iam.caller(access_key),
        operation: format!("{}:{}", stranger.service, stranger.operation),
        parameters: json!({}),
        error: Some(error.code.clone()),
    });
    stranger.answer(&error, &request_id)
}

impl Stranger {
    /// `None` if it does not look like a request to AWS at all.
    fn read(request: &Request<Vec<u8>>) -> Option<Stranger> {
        let signed_for = scope(request).rsplit('/').nth(1).unwrap_or_default();
        let named = |service: &str| if signed_for.is_empty() { service.to_owned() } else { signed_for.to_owned() };
        let path = request.uri().path();
        if header(request, "smithy-protocol") == Some("rpc-v2-cbor") {
            let operation = path.rsplit('/').next().unwrap_or_default().to_owned();
            return Some(Stranger { protocol: Protocol::Cbor, service: named("unknown"), operation });
        }
        if let Some((service, operation)) =
            header(request, "x-amz-target").map(|it| it.split_once('.').unwrap_or((it, "")))
        {
            return Some(Stranger {
                protocol: Protocol::Json,
                service: named(service),
                operation: operation.to_owned(),
            });
        }
        let action = form_urlencoded::parse(request.body()).find(|(name, _)| name == "Action");
        if let Some((_, action)) = action {
            let operation = action.into_owned();
            return Some(Stranger { protocol: Protocol::Query, service: named("unknown"), operation });
        }
        if signed_for.is_empty() {
            return None;
        }
        let protocol = if REST_XML.contains(&signed_for) { Protocol::RestXml } else { Protocol::RestJson };
        let operation = format!("{} {path}", request.method());
        Some(Stranger { protocol, service: signed_for.to_owned(), operation })
    }

    fn error(&self) -> ApiError {
        let Stranger { service, operation, .. } = self;
        let is_ours = Service::ALL.into_iter().any(|ours| ours.signing_name() == service);
        let text = match is_ours {
            true => format!("The local AWS does not understand {operation} of {service} in this version or form."),
            false => format!("The local AWS does not have {service}, and so not {operation}: {WHAT_THERE_IS}"),
        };
        match self.protocol {
            Protocol::Query => ApiError::new("InvalidAction", text),
            Protocol::RestXml => ApiError::new("NotImplemented", text),
            Protocol::Json | Protocol::Cbor | Protocol::RestJson => ApiError::new("UnknownOperationException", text),
        }
    }

    fn answer(&self, error: &ApiError, RequestId(id): &RequestId) -> Response<Vec<u8>> {
        let ApiError { code, message, .. } = error;
        let json = || json!({ "__type": code, "message": message }).to_string().into_bytes();
        let (body, content_type) = match self.protocol {
            Protocol::Json => (json(), "application/x-amz-json-1.1"),
            Protocol::RestJson => (json(), "application/json"),
            Protocol::Query => (respond::error_document(error, id, None), "text/xml"),
            Protocol::Cbor => (cbor(&[("__type", code), ("message", message)]), "application/cbor"),
            Protocol::RestXml if self.service == "cloudfront" => (respond::error_document(error, id, None), "text/xml"),
            Protocol::RestXml => {
                let content = json!({ "Code": code, "Message": message, "RequestId": id });
                (xml::document("Error", None, &content, Lists::Repeated), "application/xml")
            }
        };
        let mut response = refusal(body, content_type);
        let headers = response.headers_mut();
        for (name, value) in [("x-amzn-requestid", id), ("x-amzn-errortype", code)] {
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (http::HeaderName::from_static(name), value)));
        }
        if let Protocol::Cbor = self.protocol {
            headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        }
        response
    }
}

fn scope(request: &Request<Vec<u8>>) -> &str {
    header(request, AUTHORIZATION.as_str()).map_or("", credential_scope)
}

fn plain(text: String) -> Response<Vec<u8>> {
    refusal(text.into_bytes(), "text/plain; charset=utf-8")
}

fn refusal(body: Vec<u8>, content_type: &'static str) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A map of a few texts. (RFC 8949: a map is of major type 5, a text of 3.)
fn cbor(members: &[(&str, &String)]) -> Vec<u8> {
    let mut out = vec![0xa0 | u8::try_from(members.len()).unwrap_or_default()];
    for text in members.iter().flat_map(|(name, value)| [*name, value.as_str()]) {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        out.push(0x79);
        out.extend(length.to_be_bytes());
        out.extend(text.bytes().take(usize::from(length)));
    }
    out
}
