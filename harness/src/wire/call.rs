//! A call: a request, read once.

use http::header::AUTHORIZATION;
use http::{Method, Request};
use serde_json::{Value, json};

use super::answer::Answer;
use super::element::invalid_input;
use super::fields::{self, Fields};
use super::operation::{Functions, Kind, Operation, Protocol};
use super::query::Params;
use super::rest::RestRequest;
use super::service::{ROUTE53_PATH_PREFIX, Service};
use super::{catalogue, refusals};
use crate::account::REGION;
use crate::iam::{Caller, Check, Iam};
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

pub(crate) struct Call {
    pub(crate) service: Service,
    /// As the request spells it.
    pub(super) name: String,
    pub(super) caller: Caller,
    /// `AKIA…/20260105/eu-central-1/ec2/aws4_request`; `None` if it is not signed.
    scope: Option<String>,
    asked: ApiResult<Asked>,
}

/// The operation that a call asks for, if the local AWS has it and can read the call.
pub(super) struct Asked {
    pub(super) operation: &'static Operation,
    pub(super) input: Input,
}

/// A request as its protocol has it, with the handler of such requests.
pub(super) enum Input {
    Form(&'static Functions<Params>, Params),
    Json(&'static Functions<Fields>, Fields),
    Rest(&'static Functions<RestRequest>, RestRequest),
}

/// The names and values of a form.
type Form = Vec<(String, String)>;

impl Call {
    /// Reads a request; `None` if it does not look like one to AWS. The access key of its signature identifies the
    /// caller.
    pub(crate) fn read(iam: &Iam, request: &Request<Vec<u8>>) -> Option<Call> {
        let (service, name, form) = named(request)?;
        let asked = match catalogue::find(service, &name) {
            None => Err(refusals::no_such_operation(service, &name)),
            Some(operation) => Input::read(operation, form, request).map(|input| Asked { operation, input }),
        };
        let scope = header(request, AUTHORIZATION.as_str()).map(credential_scope);
        let access_key = scope.and_then(|scope| scope.split('/').next()).unwrap_or_default();
        Some(Call { service, name, caller: iam.caller(access_key), scope: scope.map(str::to_owned), asked })
    }

    /// Whether it changes anything; `None` if the local AWS cannot tell.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.asked.as_ref().ok().map(|asked| asked.operation.kind)
    }

    /// Refuses a call that is not signed, or is signed for another service or region. The signature itself is not verified: there
    /// are no secrets here.
    pub(super) fn authenticate(&self) -> ApiResult<()> {
        let scope = self.scope.as_deref().ok_or_else(refusals::not_signed)?;
        let mut parts = scope.rsplit('/').skip(1);
        match (parts.next(), parts.next()) {
            (Some(service), _) if service != self.service.signing_name() => {
                Err(refusals::signed_for_another(self.service))
            }
            // Route 53 is in no region.
            (Some(_), Some(region)) if region != REGION && self.service != Service::Route53 => {
                Err(refusals::signed_for_elsewhere(region))
            }
            (Some(_), Some(_)) => Ok(()),
            (None, _) | (_, None) => Err(refusals::signed_for_another(self.service)),
        }
    }

    /// As its protocol has them; nothing of a request that cannot be read.
    pub(super) fn parameters(&self) -> Value {
        match &self.asked {
            Ok(Asked { input: Input::Form(_, params), .. }) => params.to_json(),
            Ok(Asked { input: Input::Json(_, fields), .. }) => fields.to_json(),
            Ok(Asked { input: Input::Rest(_, request), .. }) => request.to_json(),
            Err(_) => json!({}),
        }
    }

    pub(super) fn asked(&self) -> ApiResult<&Asked> {
        self.asked.as_ref().map_err(ApiError::clone)
    }
}

impl Asked {
    pub(super) fn run(&self, world: &mut World, caller: &Caller) -> ApiResult<Answer> {
        if let Some(unknown) = self.names().find(|name| !self.operation.understands(name)) {
            return Err(self.input.not_understood(unknown));
        }
        match &self.input {
            Input::Form(_, params) if params.flag("DryRun")? == Some(true) => {
                // The status is from memory. Probe: dry-run-is-a-refusal.
                let text = "Request would have succeeded, but DryRun flag is set.";
                Err(ApiError::new("DryRunOperation", text).with_status(412))
            }
            Input::Form(functions, params) => functions.run(world, caller, params),
            Input::Json(functions, fields) => functions.run(world, caller, fields),
            Input::Rest(functions, request) => functions.run(world, caller, request),
        }
    }

    /// The checks that IAM makes for it.
    pub(super) fn checks(&self, world: &World) -> Vec<Check> {
        let action = self.operation.action();
        match &self.input {
            Input::Form(functions, params) => functions.checks(world, params, &action),
            Input::Json(functions, fields) => functions.checks(world, fields, &action),
            Input::Rest(functions, request) => functions.checks(world, request, &action),
        }
    }

    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match &self.input {
            Input::Form(_, params) => Box::new(params.names()),
            Input::Json(_, fields) => Box::new(fields.names()),
            Input::Rest(_, request) => Box::new(request.names()),
        }
    }
}

impl Input {
    fn read(operation: &'static Operation, form: Form, request: &Request<Vec<u8>>) -> ApiResult<Input> {
        match &operation.protocol {
            Protocol::Form(dialect, functions) => Ok(Input::Form(functions, Params::new(*dialect, form))),
            Protocol::Json(functions) => Ok(Input::Json(functions, Fields::parse(request.body())?)),
            Protocol::Rest(route, functions) => Ok(Input::Rest(functions, RestRequest::read(route, request)?)),
        }
    }

    /// Whether it asks for everything at once, with neither a filter nor pages.
    pub(super) fn is_unfiltered(&self) -> bool {
        match self {
            Input::Form(_, params) => params.names().all(|name| name != "MaxResults" && name != "Filter"),
            Input::Json(..) | Input::Rest(..) => false,
        }
    }

    fn not_understood(&self, name: &str) -> ApiError {
        match self {
            Input::Form(_, params) => params.unknown(name),
            Input::Json(..) => fields::unknown(name),
            Input::Rest(..) => invalid_input(format!("The local AWS does not have the parameter '{name}'.")),
        }
    }
}

/// The service and the operation that a request names, and the form in which it does.
fn named(request: &Request<Vec<u8>>) -> Option<(Service, String, Form)> {
    if let Some(path) = request.uri().path().strip_prefix(ROUTE53_PATH_PREFIX) {
        let method = request.method().as_str();
        // Paths of no operation are their own name.
        let name = catalogue::routed(method, path).map_or_else(|| format!("{method} {path}"), |it| it.name.to_owned());
        return Some((Service::Route53, name, Form::new()));
    }
    if let Some(target) = header(request, "x-amz-target") {
        let (prefix, name) = target.split_once('.')?;
        return Some((Service::of_target(prefix)?, name.to_owned(), Form::new()));
    }
    if request.method() != Method::POST {
        return None;
    }
    let form: Form = form_urlencoded::parse(request.body()).into_owned().collect();
    let last = |wanted: &str| form.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let (service, name) = (Service::of_version(last("Version")?)?, last("Action")?.clone());
    Some((service, name, form))
}

/// Of an authorization header; nothing of one that has none.
pub(super) fn credential_scope(authorization: &str) -> &str {
    let (_, rest) = authorization.split_once("Credential=").unwrap_or_default();
    rest.split([',', ' ']).next().unwrap_or_default()
}

pub(super) fn header<'a>(request: &'a Request<Vec<u8>>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}
