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

/// One operation of one service.
pub struct Operation {
    /// Whose operation it is.
    pub service: Service,
    /// For example `AttachVolume`.
    pub name: &'static str,
    /// Whether it changes anything.
    pub kind: Kind,
    /// Top-level parameters. Any other is refused: ignoring it could change what the call means.
    pub(super) parameters: &'static [&'static str],
    /// How many calls there may be; none for the services whose limits are not part of this world.
    pub(super) limits: Option<Limits>,
    pub(super) protocol: Protocol,
}

/// EC2's, by operation. (EC2 Developer Guide, request throttling.)
#[derive(Clone, Copy)]
pub(super) struct Limits {
    usual: Limit,
    /// A bucket of its own for calls that ask for everything at once, with neither a filter nor pages.
    unfiltered: Option<Limit>,
}

/// Whether an operation changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot, by type.
    Read,
    /// It can.
    Write,
}

/// How its requests are read, and what is done with them then.
pub(super) enum Protocol {
    Form(Dialect, Functions<Params>),
    Json(Functions<Fields>),
    /// The method and the path behind the version: `GET hostedzone/{Id}`.
    Rest(&'static str, Functions<RestRequest>),
}

/// What is done with a request that is read as `I`.
pub(super) struct Functions<I: 'static> {
    run: Run<I>,
    resources: Option<Resources<I>>,
    location: Option<fn(&Value) -> String>,
}

/// Which resources IAM is asked about, given the action.
type Resources<I> = fn(&World, &I, &str) -> Vec<Check>;

enum Run<I: 'static> {
    Read(fn(&World, &I) -> ApiResult<Value>),
    Write(fn(&mut World, &I) -> ApiResult<Value>),
    WriteFor(fn(&mut World, &Caller, &I) -> ApiResult<Value>),
}

impl Operation {
    pub(super) const fn ec2(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Params>,
    ) -> Operation {
        let (service, kind) = (Service::Ec2, functions.kind());
        let usual = match kind {
            Kind::Read => Limit { burst: 100, rate: 20 },
            Kind::Write => Limit { burst: 50, rate: 5 },
        };
        let limits = Some(Limits { usual, unfiltered: None });
        Operation { service, name, kind, parameters, limits, protocol: Protocol::Form(Dialect::Ec2, functions) }
    }

    pub(super) const fn autoscaling(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Params>,
    ) -> Operation {
        let (service, kind) = (Service::AutoScaling, functions.kind());
        let protocol = Protocol::Form(Dialect::AutoScaling, functions);
        Operation { service, name, kind, parameters, limits: None, protocol }
    }

    pub(super) const fn ssm(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Fields>,
    ) -> Operation {
        let kind = functions.kind();
        let protocol = Protocol::Json(functions);
        Operation { service: Service::Ssm, name, kind, parameters, limits: None, protocol }
    }

    /// `route`: `GET hostedzone/{Id}`; `parameters`: those in the query.
    pub(super) const fn route53(
        name: &'static str,
        route: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<RestRequest>,
    ) -> Operation {
        let kind = functions.kind();
        let protocol = Protocol::Rest(route, functions);
        Operation { service: Service::Route53, name, kind, parameters, limits: None, protocol }
    }

    /// Has another bucket than most: so many calls at once, and so many a second.
    pub(super) const fn limited(self, burst: i64, rate: i64) -> Operation {
        let limits = Some(Limits { usual: Limit { burst, rate }, unfiltered: None });
        Operation { limits, ..self }
    }

    /// Has a smaller bucket for calls with neither filters nor pages.
    pub(super) const fn heavy_unfiltered(self) -> Operation {
        let limits = match self.limits {
            Some(Limits { usual, .. }) => Some(Limits { usual, unfiltered: Some(Limit { burst: 50, rate: 10 }) }),
            None => None,
        };
        Operation { limits, ..self }
    }

    /// As IAM writes it: `ec2:AttachVolume`.
    pub fn action(&self) -> String {
        self.service.action(self.name)
    }

    /// The bucket that a call takes from, if calls are counted.
    pub(super) fn bucket(&self, is_unfiltered: bool) -> Option<(String, Limit)> {
        let Limits { usual, unfiltered } = self.limits?;
        Some(match unfiltered.filter(|_| is_unfiltered) {
            Some(limit) => (format!("{}, unfiltered", self.name), limit),
            None => (self.name.to_owned(), usual),
        })
    }

    /// EC2's operations all understand `DryRun`.
    pub(super) fn understands(&self, parameter: &str) -> bool {
        self.parameters.contains(&parameter) || (self.service == Service::Ec2 && parameter == "DryRun")
    }
}

/// An operation that cannot change the world.
pub(super) const fn reads<I>(run: fn(&World, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::Read(run), resources: None, location: None }
}

/// One that can.
pub(super) const fn writes<I>(run: fn(&mut World, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::Write(run), resources: None, location: None }
}

/// One that does more or less, depending on what its caller may do besides.
pub(super) const fn writes_for<I>(run: fn(&mut World, &Caller, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::WriteFor(run), resources: None, location: None }
}

impl<I> Functions<I> {
    /// IAM is asked about these resources. Without, only a policy for `*` allows the call.
    pub(super) const fn on(self, resources: Resources<I>) -> Functions<I> {
        Functions { resources: Some(resources), ..self }
    }

    /// Something is created, and the answer says where it is.
    pub(super) const fn located(self, location: fn(&Value) -> String) -> Functions<I> {
        Functions { location: Some(location), ..self }
    }

    const fn kind(&self) -> Kind {
        match self.run {
            Run::Read(_) => Kind::Read,
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
            Run::WriteFor(write) => write(world, caller, input),
        }?;
        Ok(match self.location {
            None => Answer::ok(body),
            Some(location) => Answer::created(location(&body), body),
        })
    }
}
