//! Lambda's asynchronous queue: a failed invocation is tried again after one and after two more minutes, one that finds
//! no free concurrency waits, and one that is given up goes to the function's queue.

mod in_its_name;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::World;
use super::history::Fact;
use crate::time::Time;
pub use settings::{DeadLetter, FunctionSettings, InvokeSettings, RetryPolicy};

/// Lambda tries a failed asynchronous invocation again after these waits, unless its settings end it earlier. (Lambda
/// Developer Guide, asynchronous invocation.)
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How long an invocation that found no free concurrency waits in the queue. Lambda starts at 1 s.
const THROTTLED_FOR: Duration = Duration::from_secs(1);

/// The functions, and the invocations under way.
#[derive(Default)]
pub struct Lambda {
    /// The functions that exist, by name.
    pub(in crate::world) functions: BTreeMap<String, FunctionSettings>,
    /// What Lambda gave up and sent to a queue.
    pub(in crate::world) dead_letters: Vec<DeadLetter>,
    ready: Vec<Invocation>,
    running: BTreeMap<String, u32>,
}

impl Lambda {
    pub fn function(&self, name: &str) -> Option<&FunctionSettings> {
        self.functions.get(name)
    }

    /// What Lambda gave up and sent to a queue.
    pub fn dead_letters(&self) -> &[DeadLetter] {
        &self.dead_letters
    }

    /// DeleteFunction: its rules can invoke nothing any more, and say so.
    pub fn delete_function(&mut self, name: &str) {
        self.functions.remove(name);
    }

    /// Adds a function that rules can invoke.
    pub fn put_function(&mut self, name: &str, settings: FunctionSettings) {
        self.functions.insert(name.to_owned(), settings);
    }

    /// The invocations that have reached their functions since the last call; the caller runs them, and ends each with
    /// [`World::end_invocation`].
    pub fn take_invocations(&mut self) -> Vec<Invocation> {
        std::mem::take(&mut self.ready)
    }
}

/// One delivery of one event to one function.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub function: String,
    pub payload: Value,
    /// From 1.
    pub attempt: u32,
    /// How long the function may take.
    pub timeout: Duration,
    /// When Lambda took it into its queue.
    pub accepted: Time,
}

/// A later stage of an invocation.
#[derive(Clone, Debug)]
pub enum LambdaEffect {
    Accept(Invocation),
    /// It reaches its function, or tries to.
    Deliver(Invocation),
}

impl World {
    /// An invocation ended, with an answer or with an error: errors are retried as Lambda does.
    pub fn end_invocation(&mut self, invocation: Invocation, outcome: Result<String, String>) {
        let running = self.lambda.running.get_mut(&invocation.function).expect("an invocation that ends was begun");
        *running = running.checked_sub(1).expect("an invocation ends once");
        let failed = outcome.is_err();
        self.note(Fact::Answered { function: invocation.function.clone(), outcome });
        if !failed {
            return;
        }
        let InvokeSettings { retry, .. } = self.lambda.invoke_settings(&invocation.function);
        let wait = RETRIES.get(invocation.attempt as usize - 1).filter(|_| invocation.attempt <= retry.max_retries);
        match wait {
            Some(wait) if self.now.since(invocation.accepted) + *wait <= retry.max_age => {
                let again = Invocation { attempt: invocation.attempt + 1, ..invocation };
                self.schedule(*wait, LambdaEffect::Deliver(again));
            }
            Some(_) | None => self.give_up(invocation),
        }
    }

    pub(super) fn carry_out_lambda(&mut self, effect: LambdaEffect) {
        match effect {
            LambdaEffect::Accept(invocation) => self.deliver(Invocation { accepted: self.now, ..invocation }),
            LambdaEffect::Deliver(invocation) => self.deliver(invocation),
        }
    }

    fn deliver(&mut self, invocation: Invocation) {
        let limit = self.lambda.functions.get(&invocation.function).and_then(|settings| settings.reserved_concurrency);
        let running = self.lambda.running.entry(invocation.function.clone()).or_default();
        if limit.is_some_and(|limit| *running >= limit) {
            let InvokeSettings { retry, .. } = self.lambda.invoke_settings(&invocation.function);
            if self.now.since(invocation.accepted) + THROTTLED_FOR > retry.max_age {
                self.give_up(invocation);
            } else {
                self.schedule(THROTTLED_FOR, LambdaEffect::Deliver(invocation));
            }
            return;
        }
        *running += 1;
        self.note(Fact::Invoked { function: invocation.function.clone(), attempt: invocation.attempt });
        self.write_logs(&invocation.function);
        self.lambda.ready.push(invocation);
    }
}
