//! An operation of the local AWS: one row, in the file that implements it. No other place knows its name.

use serde_json::Value;

use super::answer::Answer;
use super::fields::Fields;
use super::query::{Dialect, Params};
use super::rest::RestRequest;
use super::service::Service;
use crate::iam::{Caller, Check};
use crate::world::World;
use crate::world::ec2::throttles::Limit;
use crate::world::error::ApiResult;

pub struct Operation {
    pub service: Service,
    /// For example `AttachVolume`.
    pub name: &'static str,
    pub kind: Kind,
    /// Top-level parameters. Any other is refused: ignoring it could change what the call means.
    parameters: &'static [&'static str],
    /// Its own parameters, besides those that it shares with others.
    further_parameters: &'static [&'static str],
    limits: Limits,
    pub(super) protocol: Protocol,
}

/// The limit on the number of calls. (EC2 Developer Guide, request throttling.)
#[derive(Clone, Copy)]
struct Limits {
    /// None for the services whose limits are not part of this world.
    usual: Option<Limit>,
    /// A bucket of its own for calls that ask for everything at once, with neither a filter nor pages.
    unfiltered: Option<Limit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot change the world, by type.
    Read,
    Write,
}

/// How its requests are read, and then handled.
pub(super) enum Protocol {
    Form(Dialect, Functions<Params>),
    Json(Functions<Fields>),
    /// The method and the path behind the version: `GET hostedzone/{Id}`.
    Rest(&'static str, Functions<RestRequest>),
}

/// The handler of a request that is read as `I`.
pub(super) struct Functions<I: 'static> {
    run: Run<I>,
    resources: Option<Resources<I>>,
    location: Option<fn(&Value) -> String>,
}

/// The resources that IAM is asked about, given the action.
type Resources<I> = fn(&World, &I, &str) -> Vec<Check>;

enum Run<I: 'static> {
    Read(fn(&World, &I) -> ApiResult<Value>),
    Write(fn(&mut World, &I) -> ApiResult<Value>),
    ReadFor(fn(&World, &Caller, &I) -> ApiResult<Value>),
    WriteFor(fn(&mut World, &Caller, &I) -> ApiResult<Value>),
}

impl Operation {
    pub(super) const fn ec2(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Params>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::Ec2, name, kind, parameters, Protocol::Form(Dialect::Ec2, functions))
    }

    pub(super) const fn autoscaling(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Params>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::AutoScaling, name, kind, parameters, Protocol::Form(Dialect::AutoScaling, functions))
    }

    pub(super) const fn sts(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Params>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::Sts, name, kind, parameters, Protocol::Form(Dialect::AutoScaling, functions))
    }

    pub(super) const fn ssm(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Fields>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::Ssm, name, kind, parameters, Protocol::Json(functions))
    }

    pub(super) const fn kms(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Fields>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::Kms, name, kind, parameters, Protocol::Json(functions))
    }

    pub(super) const fn events(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Fields>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::Events, name, kind, parameters, Protocol::Json(functions))
    }

    /// `route`: `GET hostedzone/{Id}`; `parameters`: those in the query.
    pub(super) const fn route53(
        name: &'static str,
        route: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<RestRequest>,
    ) -> Operation {
        let kind = functions.kind();
        Operation::new(Service::Route53, name, kind, parameters, Protocol::Rest(route, functions))
    }

    const fn new(
        service: Service,
        name: &'static str,
        kind: Kind,
        parameters: &'static [&'static str],
        protocol: Protocol,
    ) -> Operation {
        let usual = match (service, kind) {
            (Service::Ec2, Kind::Read) => Some(Limit { burst: 100, rate: 20 }),
            (Service::Ec2, Kind::Write) => Some(Limit { burst: 50, rate: 5 }),
            // Route 53 Developer Guide (quotas): five requests a second and account.
            (Service::Route53, _) => Some(Limit { burst: 5, rate: 5 }),
            (Service::AutoScaling | Service::Ssm | Service::Kms | Service::Events | Service::Sts, _) => None,
        };
        let limits = Limits { usual, unfiltered: None };
        Operation { service, name, kind, parameters, further_parameters: &[], limits, protocol }
    }

    /// Has these parameters too.
    pub(super) const fn also(self, further_parameters: &'static [&'static str]) -> Operation {
        Operation { further_parameters, ..self }
    }

    /// Has a bucket of another size than most: this many calls at once, and this many a second.
    pub(super) const fn limited(self, burst: i64, rate: i64) -> Operation {
        let limits = Limits { usual: Some(Limit { burst, rate }), ..self.limits };
        Operation { limits, ..self }
    }

    /// Has a smaller bucket for calls with neither filters nor pages.
    pub(super) const fn heavy_unfiltered(self) -> Operation {
        let limits = Limits { unfiltered: Some(Limit { burst: 50, rate: 10 }), ..self.limits };
        Operation { limits, ..self }
    }

    /// As IAM writes it: `ec2:AttachVolume`.
    pub fn action(&self) -> String {
        self.service.action(self.name)
    }

    /// The bucket that a call takes from, and how big that is.
    pub(super) fn bucket(&self, is_unfiltered: bool) -> Option<(String, Limit)> {
        let Limits { usual, unfiltered } = self.limits;
        match unfiltered.filter(|_| is_unfiltered) {
            Some(limit) => Some((format!("{}, unfiltered", self.name), limit)),
            // All its operations share one bucket.
            None if self.service == Service::Route53 => usual.map(|limit| ("Route 53".to_owned(), limit)),
            None => usual.map(|limit| (self.name.to_owned(), limit)),
        }
    }

    /// EC2's operations all understand `DryRun`.
    pub(super) fn understands(&self, parameter: &str) -> bool {
        let mut known = self.parameters.iter().chain(self.further_parameters);
        known.any(|known| *known == parameter) || (self.service == Service::Ec2 && parameter == "DryRun")
    }
}

pub(super) const fn reads<I>(run: fn(&World, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::Read(run), resources: None, location: None }
}

pub(super) const fn writes<I>(run: fn(&mut World, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::Write(run), resources: None, location: None }
}

/// Its answer depends on its caller.
pub(super) const fn reads_for<I>(run: fn(&World, &Caller, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::ReadFor(run), resources: None, location: None }
}

/// Does more or less, depending on its caller's other permissions.
pub(super) const fn writes_for<I>(run: fn(&mut World, &Caller, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::WriteFor(run), resources: None, location: None }
}

impl<I> Functions<I> {
    /// IAM is asked about these resources. Without, only a policy for `*` allows the call.
    pub(super) const fn on(self, resources: Resources<I>) -> Functions<I> {
        Functions { resources: Some(resources), ..self }
    }

    /// Something is created, and the answer gives its location.
    pub(super) const fn located(self, location: fn(&Value) -> String) -> Functions<I> {
        Functions { location: Some(location), ..self }
    }

    const fn kind(&self) -> Kind {
        match self.run {
            Run::Read(_) | Run::ReadFor(_) => Kind::Read,
            Run::Write(_) | Run::WriteFor(_) => Kind::Write,
        }
    }

    pub(super) fn checks(&self, world: &World, input: &I, action: &str) -> Vec<Check> {
        let checks = self.resources.map(|resources| resources(world, input, action)).unwrap_or_default();
        if checks.is_empty() { vec![Check::new(action, "*")] } else { checks }
    }

    pub(super) fn run(&self, world: &mut World, caller: &Caller, input: &I) -> ApiResult<Answer> {
        let body = match self.run {
            Run::Read(read) => read(world, input),
            Run::Write(write) => write(world, input),
            Run::ReadFor(read) => read(world, caller, input),
            Run::WriteFor(write) => write(world, caller, input),
        }?;
        Ok(match self.location {
            None => Answer::ok(body),
            Some(location) => Answer::created(location(&body), body),
        })
    }
}
