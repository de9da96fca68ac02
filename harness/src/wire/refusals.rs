//! How each service refuses a call before any of its operations runs.

use super::service::Service;
use crate::account::REGION;
use crate::iam::Denial;
use crate::world::error::ApiError;

pub(super) fn no_such_operation(service: Service, name: &str) -> ApiError {
    match service {
        Service::Ec2 => {
            let text = format!(
                "The action {name} is not valid for this web service. The local AWS does not have this operation."
            );
            ApiError::new("InvalidAction", text)
        }
        Service::AutoScaling => {
            let text =
                format!("Could not find operation {name} for version 2011-01-01: the local AWS does not have it.");
            ApiError::new("InvalidAction", text)
        }
        Service::Route53 => {
            let text = format!("The local AWS does not have this operation: {name}");
            ApiError::new("UnknownOperationException", text).with_status(404)
        }
        Service::Sts => {
            let text =
                format!("Could not find operation {name} for version 2011-06-15: the local AWS does not have it.");
            ApiError::new("InvalidAction", text)
        }
        Service::Ssm | Service::Kms | Service::Events => {
            let text = format!("The local AWS does not have the operation {name}.");
            ApiError::new("UnknownOperationException", text)
        }
    }
}

pub(super) fn not_signed() -> ApiError {
    let text = "The request must contain an Authorization header with a Signature Version 4 credential scope.";
    ApiError::new("MissingAuthenticationToken", text).with_status(403)
}

pub(super) fn signed_for_another(service: Service) -> ApiError {
    let text = format!("Credential should be scoped to correct service: '{}'.", service.signing_name());
    ApiError::new("SignatureDoesNotMatch", text).with_status(403)
}

pub(super) fn signed_for_elsewhere(region: &str) -> ApiError {
    let text = format!(
        "Credential should be scoped to a valid region, not '{region}'. The local AWS has one region: {REGION}."
    );
    ApiError::new("SignatureDoesNotMatch", text).with_status(403)
}

pub(super) fn throttled(service: Service) -> ApiError {
    match service {
        Service::Ec2 => ApiError::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
        Service::AutoScaling | Service::Route53 | Service::Sts => ApiError::new("Throttling", "Rate exceeded"),
        Service::Ssm | Service::Kms | Service::Events => ApiError::new("ThrottlingException", "Rate exceeded"),
    }
}

pub(super) fn denied(service: Service, denial: &Denial) -> ApiError {
    let message = &denial.message;
    match service {
        Service::Ec2 => {
            let text = format!("You are not authorized to perform this operation. {message}");
            ApiError::new("UnauthorizedOperation", text).with_status(403)
        }
        Service::AutoScaling | Service::Route53 | Service::Sts => {
            ApiError::new("AccessDenied", message).with_status(403)
        }
        Service::Ssm | Service::Kms | Service::Events => ApiError::new("AccessDeniedException", message),
    }
}

pub(super) fn internal_error(service: Service) -> ApiError {
    let (code, text) = match service {
        Service::Ec2 => ("InternalError", "An internal error has occurred"),
        Service::AutoScaling | Service::Sts => ("InternalFailure", "An internal error has occurred"),
        Service::Route53 => ("InternalFailure", "We encountered an internal error. Please try again."),
        Service::Ssm => ("InternalServerError", "An error occurred on the server side."),
        Service::Events => ("InternalException", "This exception occurs due to unexpected causes."),
        Service::Kms => ("KMSInternalException", "The request was rejected because an internal exception occurred."),
    };
    ApiError::new(code, text).with_status(500)
}
