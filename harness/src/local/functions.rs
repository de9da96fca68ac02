//! Lambda: takes the invocations that have reached their functions, runs the handlers, and kills those that take too
//! long.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::LocalAws;
use crate::world::history::Fact;
use crate::world::lambda::Invocation;
use crate::world::violation::Violation;

/// A function's code: the event and the time at which Lambda kills it in, the answer or the error out.
pub type Handler = Box<dyn Fn(Value, SystemTime) -> Answer + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send>>;

/// The error that a function hands to Lambda.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// `errorType`
    pub error_type: String,
    /// `errorMessage`
    pub message: String,
}

/// A death between two API calls: the next invocation of `function` is killed when it has made `after_calls`.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The function.
    pub function: String,
    /// The number of answered calls before it dies.
    pub after_calls: u32,
}

/// What an invocation has cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The function.
    pub function: String,
    /// Its API calls.
    pub calls: u32,
    /// The longest chain of calls of which each was made after the one before it was answered.
    pub chain: u32,
}

/// Counts an invocation's API calls and knows when it has to die.
#[derive(Default)]
pub(super) struct Probe {
    calls: AtomicU32,
    /// The longest chain of answered calls so far.
    chain: AtomicU32,
    dies_after: Option<u32>,
    dies: Notify,
}

impl Probe {
    fn cost(&self, function: &str) -> Cost {
        let (calls, chain) = (self.calls.load(Ordering::Relaxed), self.chain.load(Ordering::Relaxed));
        Cost { function: function.to_owned(), calls, chain }
    }
}

tokio::task_local! {
    static PROBE: Arc<Probe>;
}

impl LocalAws {
    /// Runs the world: effects fall due, events reach these functions. Ends with the runtime.
    pub async fn run(self, functions: BTreeMap<String, Handler>) {
        let mut running = JoinSet::new();
        let mut touched = self.0.touched.subscribe();
        loop {
            touched.mark_unchanged();
            let invocations = self.0.world.lock().unwrap_or_else(PoisonError::into_inner).lambda.take_invocations();
            for invocation in invocations {
                match functions.get(&invocation.function) {
                    Some(handler) => drop(running.spawn(self.clone().invoke(handler, invocation))),
                    None => self.world(|world| {
                        let function = invocation.function.clone();
                        world.note(Fact::Violated(Violation::WithoutHandler { function }));
                        world.end_invocation(invocation, Err("Runtime.ExitError: no handler".to_owned()));
                    }),
                }
            }
            let due = self.peek(|world| world.next_due());
            tokio::select! {
                biased;
                _ = touched.changed() => {}
                Some(_) = running.join_next() => {}
                () = wait_until(&self, due) => self.world(|_| {}),
            }
        }
    }

    /// Plans a death between two API calls.
    pub fn plan_kill(&self, kill: Kill) {
        self.0.kills.lock().unwrap_or_else(PoisonError::into_inner).push(kill);
    }

    fn invoke(self, handler: &Handler, invocation: Invocation) -> impl Future<Output = ()> + Send + 'static {
        let killed_at = self.0.clock.now() + invocation.timeout;
        let answer = handler(invocation.payload.clone(), killed_at);
        let probe = Arc::new(Probe { dies_after: self.take_kill(&invocation.function), ..Probe::default() });
        let begun = (invocation.function.clone(), Arc::clone(&probe));
        self.0.probes.lock().unwrap_or_else(PoisonError::into_inner).push(begun);
        async move {
            let outcome = tokio::select! {
                biased;
                () = probe.dies.notified() => Err("Runtime.ExitError: the function was killed".to_owned()),
                () = self.0.clock.wait(invocation.timeout) => {
                    Err(format!("Sandbox.Timedout: Task timed out after {} seconds", invocation.timeout.as_secs()))
                }
                answer = PROBE.scope(Arc::clone(&probe), answer) => match answer {
                    Ok(value) => Ok(value.to_string()),
                    Err(error) => Err(error.to_string()),
                },
            };
            self.world(|world| world.end_invocation(invocation, outcome));
        }
    }

    /// What each invocation has cost so far, in the order of their beginnings.
    pub fn costs(&self) -> Vec<Cost> {
        let probes = self.0.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.iter().map(|(function, probe)| probe.cost(function)).collect()
    }

    /// Invokes a function that has `timeout`, by hand, to its end.
    ///
    /// # Errors
    /// The function's.
    pub async fn invoke_by_hand(
        &self,
        function: &str,
        handler: &Handler,
        payload: Value,
        timeout: Duration,
    ) -> (Result<Value, FunctionError>, Cost) {
        let probe = Arc::new(Probe::default());
        let answer = handler(payload, self.0.clock.now() + timeout);
        let answer = PROBE.scope(Arc::clone(&probe), answer).await;
        (answer, probe.cost(function))
    }

    fn take_kill(&self, function: &str) -> Option<u32> {
        let mut kills = self.0.kills.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kills.iter().position(|kill| kill.function == function)?;
        Some(kills.remove(position).after_calls)
    }
}

/// A call that an invocation has made, and that is not answered yet.
pub(super) struct Pending {
    probe: Arc<Probe>,
    /// Its place in the longest chain that it can be the end of.
    place: u32,
}

/// `None` if no invocation makes it.
pub(super) fn begin_call() -> Option<Pending> {
    let probe = PROBE.try_with(Arc::clone).ok()?;
    let place = probe.chain.load(Ordering::Relaxed) + 1;
    Some(Pending { probe, place })
}

impl Pending {
    /// Counts the call. An invocation that has to die never sees the answer.
    pub(super) async fn answered(self) {
        let calls = self.probe.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.probe.chain.fetch_max(self.place, Ordering::Relaxed);
        if self.probe.dies_after == Some(calls) {
            self.probe.dies.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

async fn wait_until(aws: &LocalAws, due: Option<crate::time::Time>) {
    match due {
        Some(due) => aws.0.clock.wait_until(due).await,
        // No effect is due; an hour is as good as any wait, and keeps a paused runtime's time moving.
        None => aws.0.clock.wait(Duration::from_secs(3600)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;
    use crate::world::eventbridge::{Rule, Trigger};
    use crate::world::lambda::{FunctionSettings, InvokeSettings, RetryPolicy};

    #[tokio::test(start_paused = true)]
    async fn a_function_without_a_handler_is_reported() {
        let mut world = World::new(1);
        let settings = FunctionSettings {
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            environment: BTreeMap::new(),
            reserved_concurrency: None,
            invoke: InvokeSettings::default(),
        };
        world.lambda.put_function("f", settings);
        let retry = RetryPolicy { max_age: Duration::from_secs(60), max_retries: 0 };
        let trigger = Trigger::Rate(Duration::from_secs(3600));
        world.put_rule(Rule { name: "r".to_owned(), trigger, function: "f".to_owned(), retry, dead_letters: None });
        let aws = LocalAws::new(world, 1.0);
        tokio::spawn(aws.clone().run(BTreeMap::new()));
        aws.pass(Duration::from_secs(2 * 3600)).await;
        let without_handler = Violation::WithoutHandler { function: "f".to_owned() };
        assert!(aws.world(|world| world.violations().contains(&without_handler)));
    }
}
