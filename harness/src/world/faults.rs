//! AWS's faults: throttling, server errors, lost responses. One stage of the wire asks here about each call that
//! would reach its service; the services themselves know nothing of it.

use std::collections::VecDeque;

use crate::time::Time;

/// Faults to come, in the order in which they were planned.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    planned: VecDeque<Fault>,
}

/// One fault: what goes wrong with the next call (or calls) of an operation.
#[derive(Clone, Debug)]
pub struct Fault {
    /// For example `ec2:AttachVolume`; `*` for any, `ec2:*` for a service.
    pub operation: String,
    pub kind: FaultKind,
    /// How many calls it still hits.
    pub times: u32,
    /// Until when, if it ends at all.
    pub until: Option<Time>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Refused with the service's own throttling error, nothing changed.
    Throttled,
    /// Refused with a 500, nothing changed.
    InternalError,
    /// Carried out, but the connection breaks before the answer.
    ResponseLost,
    /// Carried out, and nobody ever answers; the connection stays.
    Silent,
    /// Carried out; if that is a change batch which Route 53 refuses, the error has the body of old, without a code.
    OldErrorBody,
}

impl FaultKind {
    /// The faults that random histories draw from.
    pub const ALL: [FaultKind; 3] = [FaultKind::Throttled, FaultKind::InternalError, FaultKind::ResponseLost];
}

impl Faults {
    pub fn plan(&mut self, operation: &str, kind: FaultKind, times: u32) {
        self.planned.push_back(Fault { operation: operation.to_owned(), kind, times, until: None });
    }

    /// Every call goes wrong until then: with `route53:*`, the outage of a service.
    pub fn plan_until(&mut self, operation: &str, kind: FaultKind, until: Time) {
        self.planned.push_back(Fault { operation: operation.to_owned(), kind, times: u32::MAX, until: Some(until) });
    }

    /// From now on nothing goes wrong.
    pub fn end(&mut self) {
        self.planned.clear();
    }

    /// What goes wrong with this call of `operation`, if anything.
    pub fn strike(&mut self, operation: &str, now: Time) -> Option<FaultKind> {
        let is_on = |fault: &Fault| fault.times > 0 && fault.until.is_none_or(|until| now < until);
        let fault = self.planned.iter_mut().find(|fault| is_on(fault) && fault.hits(operation))?;
        fault.times -= 1;
        Some(fault.kind)
    }
}

impl Fault {
    fn hits(&self, operation: &str) -> bool {
        match self.operation.strip_suffix('*') {
            Some(prefix) => operation.starts_with(prefix),
            None => self.operation == operation,
        }
    }
}
