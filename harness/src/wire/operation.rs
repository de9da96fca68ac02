//! An operation of the local AWS: one row, in the file that implements it. No other place knows its name.

use serde_json::Value;

use super::answer::Answer;
use super::fields::Fields;
use super::query::{Dialect, Params};
use super::rest::RestRequest;
use super::service::Service;
use crate::iam::Caller;
use crate::world::World;
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
    pub(super) protocol: Protocol,
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
    location: Option<fn(&Value) -> String>,
}

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
        let kind = functions.kind();
        Operation { service: Service::Ec2, name, kind, parameters, protocol: Protocol::Form(Dialect::Ec2, functions) }
    }

    pub(super) const fn autoscaling(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Params>,
    ) -> Operation {
        let (service, kind) = (Service::AutoScaling, functions.kind());
        Operation { service, name, kind, parameters, protocol: Protocol::Form(Dialect::AutoScaling, functions) }
    }

    pub(super) const fn ssm(
        name: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<Fields>,
    ) -> Operation {
        let kind = functions.kind();
        Operation { service: Service::Ssm, name, kind, parameters, protocol: Protocol::Json(functions) }
    }

    /// `route`: `GET hostedzone/{Id}`; `parameters`: those in the query.
    pub(super) const fn route53(
        name: &'static str,
        route: &'static str,
        parameters: &'static [&'static str],
        functions: Functions<RestRequest>,
    ) -> Operation {
        let kind = functions.kind();
        Operation { service: Service::Route53, name, kind, parameters, protocol: Protocol::Rest(route, functions) }
    }

    /// As IAM writes it: `ec2:AttachVolume`.
    pub fn action(&self) -> String {
        self.service.action(self.name)
    }

    /// EC2's operations all understand `DryRun`.
    pub(super) fn understands(&self, parameter: &str) -> bool {
        self.parameters.contains(&parameter) || (self.service == Service::Ec2 && parameter == "DryRun")
    }
}

/// An operation that cannot change the world.
pub(super) const fn reads<I>(run: fn(&World, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::Read(run), location: None }
}

/// One that can.
pub(super) const fn writes<I>(run: fn(&mut World, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::Write(run), location: None }
}

/// One that does more or less, depending on what its caller may do besides.
pub(super) const fn writes_for<I>(run: fn(&mut World, &Caller, &I) -> ApiResult<Value>) -> Functions<I> {
    Functions { run: Run::WriteFor(run), location: None }
}

impl<I> Functions<I> {
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
