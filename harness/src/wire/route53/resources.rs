//! The zone is the resource, or the change.

use crate::iam::Check;
use crate::wire::rest::RestRequest;
use crate::world::World;

pub(super) fn zone(_: &World, request: &RestRequest, action: &str) -> Vec<Check> {
    vec![check("hostedzone", request, action)]
}

pub(super) fn change(_: &World, request: &RestRequest, action: &str) -> Vec<Check> {
    vec![check("change", request, action)]
}

/// A global service is asked in the region where its endpoint is. (IAM User Guide, `aws:RequestedRegion`.)
fn check(kind: &str, request: &RestRequest, action: &str) -> Check {
    Check { region: "us-east-1", ..Check::new(action, format!("arn:aws:route53:::{kind}/{}", request.id)) }
}
