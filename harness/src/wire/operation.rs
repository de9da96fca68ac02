//! Which operation of which service a request means, and whether it is signed for it.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{Method, Request};

use super::service::{ROUTE53_PATH_PREFIX, Service};
use super::{autoscaling, ec2, route53, ssm};
use crate::world::error::{ApiError, ApiResult};

/// An operation as a request names it. The local AWS need not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Of which service.
    pub service: Service,
    /// For example `AttachVolume`.
    pub name: String,
}

/// What `request` asks for, if it looks like an AWS request at all.
pub fn operation(request: &Request<Vec<u8>>) -> Option<Operation> {
    if let Some(path) = request.uri().path().strip_prefix(ROUTE53_PATH_PREFIX) {
        let name = route53::operation_name(request.method(), path);
        return Some(Operation { service: Service::Route53, name });
    }
    if let Some(target) = header(request, "x-amz-target") {
        let name = target.strip_prefix("AmazonSSM.")?.to_owned();
        return Some(Operation { service: Service::Ssm, name });
    }
    if request.method() != Method::POST {
        return None;
    }
    let mut name = None;
    let mut service = None;
    for (key, value) in form_urlencoded::parse(request.body()) {
        match key.as_ref() {
            "Action" => name = Some(value.into_owned()),
            "Version" => service = Service::of_version(&value),
            _ => {}
        }
    }
    Some(Operation { service: service?, name: name? })
}

/// Refuses what is not signed, or signed for another service. The signature itself is not verified: there are no
/// secrets here.
pub(super) fn check_signature(request: &Request<Vec<u8>>, service: Service) -> ApiResult<()> {
    let Some(authorization) = header(request, AUTHORIZATION.as_str()) else {
        let text = "The request must contain an Authorization header with a Signature Version 4 credential scope.";
        return Err(ApiError::new("MissingAuthenticationToken", text).with_status(403));
    };
    let expected = service.signing_name();
    if credential_scope(authorization).and_then(|scope| scope.rsplit('/').nth(1)) == Some(expected) {
        return Ok(());
    }
    let text = format!("Credential should be scoped to correct service: '{expected}'.");
    Err(ApiError::new("SignatureDoesNotMatch", text).with_status(403))
}

/// `AKIA…/20260105/eu-central-1/ec2/aws4_request`
fn credential_scope(authorization: &str) -> Option<&str> {
    let (_, rest) = authorization.split_once("Credential=")?;
    rest.split([',', ' ']).next()
}

fn header<'a>(request: &'a Request<Vec<u8>>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

impl Operation {
    /// Whether it changes anything; `None` if the local AWS does not have it.
    pub fn is_write(&self) -> Option<bool> {
        match self.service {
            Service::Ec2 => ec2::is_write(&self.name),
            Service::AutoScaling => autoscaling::is_write(&self.name),
            Service::Route53 => route53::is_write(&self.name),
            Service::Ssm => ssm::is_write(&self.name),
        }
    }
}

impl fmt::Display for Operation {
    /// As IAM writes it: `ec2:AttachVolume`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.signing_name(), self.name)
    }
}
