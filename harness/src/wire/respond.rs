//! Answers and errors in the shape of each protocol.

use http::header::{CONTENT_TYPE, LOCATION, SERVER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::service::Service;
use super::xml::{self, Lists};
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

/// AWS's id of a request in its answer.
pub(super) struct RequestId(pub(super) String);

impl RequestId {
    /// Counted rather than drawn: a read must not change the next throw of the world's dice.
    pub(super) fn next(world: &World) -> RequestId {
        RequestId(format!("00000000-0000-4000-8000-{:012x}", world.history().len() as u64 + 1))
    }
}

pub(super) fn respond(call: &Call, result: ApiResult<Answer>, request_id: &RequestId) -> Response<Vec<u8>> {
    match result {
        Ok(answer) => success(call, answer, request_id),
        Err(error) => self::error(call.service, &error, request_id),
    }
}

/// The same, but a refused change batch has the body that it had for years: neither code nor message are where clients look
/// for them. (aws/aws-sdk-go-v2#792, awslabs/aws-sdk-kotlin#961.)
pub(super) fn respond_in_old_form(call: &Call, result: ApiResult<Answer>, request_id: &RequestId) -> Response<Vec<u8>> {
    match result {
        Err(error) if error.code == "InvalidChangeBatch" => {
            let RequestId(id) = request_id;
            let message = error.message.trim_start_matches('[').trim_end_matches(']');
            let content = json!({"Messages": {"Message": message}, "RequestId": id});
            let body = xml::document(&error.code, call.service.namespace(), &content, Lists::Repeated);
            response(call.service, StatusCode::BAD_REQUEST, body, request_id)
        }
        result => respond(call, result, request_id),
    }
}

fn success(call: &Call, answer: Answer, request_id: &RequestId) -> Response<Vec<u8>> {
    let RequestId(id) = request_id;
    let Call { service, name, .. } = call;
    let document = |content| xml::document(&format!("{name}Response"), service.namespace(), content, service.lists());
    let body = match service {
        Service::Ec2 => document(&with_first("requestId", json!(id), answer.body)),
        Service::AutoScaling | Service::Sts => {
            let mut content = json!({});
            content[format!("{name}Result")] = answer.body;
            content["ResponseMetadata"] = json!({"RequestId": id});
            document(&content)
        }
        Service::Route53 => document(&answer.body),
        Service::Ssm | Service::Kms | Service::Events => answer.body.to_string().into_bytes(),
    };
    let mut response = response(*service, answer.status, body, request_id);
    if let Some(location) = answer.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn error(service: Service, error: &ApiError, request_id: &RequestId) -> Response<Vec<u8>> {
    let RequestId(id) = request_id;
    let ApiError { code, message, .. } = error;
    let body = match service {
        Service::Ec2 => {
            let content = json!({"Errors": {"Error": {"Code": code, "Message": message}}, "RequestID": id});
            xml::document("Response", None, &content, service.lists())
        }
        Service::AutoScaling | Service::Route53 | Service::Sts => error_document(error, id, service.namespace()),
        // Some of SSM's errors have no message at all, and clients must live with it.
        Service::Ssm | Service::Kms | Service::Events if message.is_empty() => {
            json!({"__type": code}).to_string().into_bytes()
        }
        Service::Ssm | Service::Kms | Service::Events => {
            json!({"__type": code, "message": message}).to_string().into_bytes()
        }
    };
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(service, status, body, request_id)
}

pub(super) fn error_document(error: &ApiError, request_id: &str, namespace: Option<&str>) -> Vec<u8> {
    // ResourceContention is a 500 that is nevertheless called the sender's fault.
    let fault = if error.status < 500 || error.code == "ResourceContention" { "Sender" } else { "Receiver" };
    let content = json!({
        "Error": {"Type": fault, "Code": error.code, "Message": error.message},
        "RequestId": request_id,
    });
    xml::document("ErrorResponse", namespace, &content, Lists::Repeated)
}

fn response(service: Service, status: StatusCode, body: Vec<u8>, RequestId(id): &RequestId) -> Response<Vec<u8>> {
    let content_type = match service {
        Service::Ec2 => "text/xml;charset=UTF-8",
        Service::AutoScaling | Service::Route53 | Service::Sts => "text/xml",
        Service::Ssm | Service::Kms | Service::Events => "application/x-amz-json-1.1",
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-amzn-requestid", id);
    }
    if service == Service::Ec2 {
        headers.insert(SERVER, HeaderValue::from_static("AmazonEC2"));
    }
    response
}

fn with_first(name: &str, value: Value, object: Value) -> Value {
    let mut content = json!({});
    content[name] = value;
    if let (Value::Object(content), Value::Object(rest)) = (&mut content, object) {
        content.extend(rest);
    }
    content
}
