//! EventBridge and Lambda's asynchronous queue: rules match with their real patterns; delivery is at least once, in any
//! order, or not at all; a failed invocation is tried again after one and after two more minutes.

mod in_its_name;
mod pattern;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::agenda::Effect;
use super::history::What;
use super::{ACCOUNT, REGION, World};
use crate::time::Time;
pub use pattern::{Pattern, PatternError};
pub use settings::{DeadLetter, FunctionSettings, InvokeSettings, RetryPolicy};

/// Lambda tries a failed asynchronous invocation again after these waits, unless it is told to give up earlier. (Lambda
/// Developer Guide, asynchronous invocation.)
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How long an invocation that found no free concurrency waits in the queue. Lambda starts at 1 s.
const THROTTLED_FOR: Duration = Duration::from_secs(1);

/// Rules, the functions they invoke, and what is on the way.
#[derive(Default)]
pub struct Bus {
    /// What invokes which function.
    pub rules: Vec<Rule>,
    /// The functions that exist, by name.
    pub functions: BTreeMap<String, FunctionSettings>,
    /// Every event emitted so far.
    pub emitted: Vec<Value>,
    /// What was given up and sent to a queue.
    pub dead_letters: Vec<DeadLetter>,
    /// What goes wrong with deliveries, first match first.
    pub disorders: Vec<Disorder>,
    ready: Vec<Invocation>,
    running: BTreeMap<String, u32>,
}

/// A rule: what triggers which function.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique on the bus.
    pub name: String,
    /// What it waits for.
    pub trigger: Trigger,
    /// The function it invokes.
    pub function: String,
    /// How long EventBridge tries to reach the function.
    pub retry: RetryPolicy,
    /// The ARN of the queue for what it could not deliver.
    pub dead_letters: Option<String>,
}

/// What triggers a rule.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Every event that the pattern matches.
    Event(Pattern),
    /// `rate(…)`.
    Rate(Duration),
}

/// One delivery of one event to one function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's name.
    pub function: String,
    /// What it is invoked with.
    pub payload: Value,
    /// From 1.
    pub attempt: u32,
    /// How long the function may take.
    pub timeout: Duration,
    /// When Lambda took it into its queue.
    pub accepted: Time,
}

/// Something that goes wrong with the delivery of events.
#[derive(Clone, Debug)]
pub struct Disorder {
    /// Which `detail-type`.
    pub detail_type: String,
    /// What goes wrong.
    pub kind: DisorderKind,
    /// How many events it still hits.
    pub times: u32,
}

/// What can go wrong with a delivery. (EventBridge: best effort from AWS services, at least once to targets.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisorderKind {
    /// The event never arrives.
    Lost,
    /// It arrives twice, the second time this much later.
    Doubled(Duration),
    /// It arrives this much later: AWS emitted it late.
    Late(Duration),
    /// The function cannot be reached for so long: EventBridge tries again until the event is older than the rule allows.
    /// How long its retries take is not documented, so their number does not count here.
    Unreachable(Duration),
}

/// What happens on the bus by itself.
#[derive(Clone, Debug)]
pub enum BusEffect {
    /// An invocation reaches Lambda.
    Accept(Invocation),
    /// An invocation reaches its function, or tries to.
    Deliver(Invocation),
    /// A schedule is due.
    Tick(Rule),
}

impl World {
    /// Puts an event on the bus, as an AWS service does.
    pub fn emit(&mut self, source: &str, detail_type: &str, resources: Vec<String>, detail: Value) {
        let event = json!({
            "version": "0",
            "id": self.uuid(),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": self.now().iso_seconds(),
            "region": REGION,
            "resources": resources,
            "detail": detail,
        });
        self.publish(event);
    }

    /// Puts a whole event on the bus: recorded ones are replayed with this.
    pub fn publish(&mut self, event: Value) {
        self.note(What::Emitted(event.clone()));
        self.bus.emitted.push(event.clone());
        let rules: Vec<Rule> = self.bus.rules.iter().filter(|rule| rule.matches(&event)).cloned().collect();
        let disorder = self.bus.strike(&event);
        for rule in rules {
            self.deliver_with(disorder, &rule, event.clone());
        }
    }

    /// Adds a rule. A schedule begins to tick one period from now.
    pub fn put_rule(&mut self, rule: Rule) {
        if let Trigger::Rate(period) = rule.trigger {
            self.schedule(period, Effect::Bus(BusEffect::Tick(rule.clone())));
        }
        self.bus.rules.push(rule);
    }

    /// Adds a function that rules can invoke.
    pub fn put_function(&mut self, name: &str, settings: FunctionSettings) {
        self.bus.functions.insert(name.to_owned(), settings);
    }

    /// The invocations that have reached their functions since the last call; whoever takes them runs them and says
    /// [`World::invocation_ended`].
    pub fn take_invocations(&mut self) -> Vec<Invocation> {
        std::mem::take(&mut self.bus.ready)
    }

    /// An invocation ended, with an answer or with an error: errors are retried as Lambda does.
    pub fn invocation_ended(&mut self, invocation: Invocation, outcome: Result<String, String>) {
        if let Some(running) = self.bus.running.get_mut(&invocation.function) {
            *running = running.saturating_sub(1);
        }
        let failed = outcome.is_err();
        self.note(What::Answered { function: invocation.function.clone(), outcome });
        if !failed {
            return;
        }
        let InvokeSettings { retry, .. } = self.invoke_settings(&invocation.function);
        let wait = RETRIES.get(invocation.attempt as usize - 1).filter(|_| invocation.attempt <= retry.max_retries);
        match wait {
            Some(wait) if self.now.since(invocation.accepted) + *wait <= retry.max_age => {
                let again = Invocation { attempt: invocation.attempt + 1, ..invocation };
                self.schedule(*wait, Effect::Bus(BusEffect::Deliver(again)));
            }
            Some(_) | None => self.give_up(invocation),
        }
    }

    pub(super) fn carry_out_bus(&mut self, effect: BusEffect) {
        match effect {
            BusEffect::Accept(invocation) => self.deliver(Invocation { accepted: self.now, ..invocation }),
            BusEffect::Deliver(invocation) => self.deliver(invocation),
            BusEffect::Tick(rule) => self.tick(rule),
        }
    }

    fn deliver_with(&mut self, disorder: Option<DisorderKind>, rule: &Rule, event: Value) {
        let function = rule.function.clone();
        let Some(settings) = self.bus.functions.get(&function) else { return };
        let invocation =
            Invocation { function, payload: event, attempt: 1, timeout: settings.timeout, accepted: self.now };
        let usual = self.draw(self.latency.event_delivery);
        match disorder {
            None => self.schedule(usual, Effect::Bus(BusEffect::Accept(invocation))),
            Some(DisorderKind::Lost) => {}
            Some(DisorderKind::Late(late)) => self.schedule(usual + late, Effect::Bus(BusEffect::Accept(invocation))),
            Some(DisorderKind::Unreachable(span)) if span > rule.retry.max_age => {
                let Invocation { function, payload, .. } = invocation;
                // EventBridge writes to the queue as a service, which the queue's own policy allows.
                let letter = rule.dead_letters.clone().map(|queue| DeadLetter { queue, function, payload });
                self.bus.dead_letters.extend(letter);
            }
            Some(DisorderKind::Unreachable(span)) => {
                self.schedule(usual + span, Effect::Bus(BusEffect::Accept(invocation)));
            }
            Some(DisorderKind::Doubled(later)) => {
                self.schedule(usual, Effect::Bus(BusEffect::Accept(invocation.clone())));
                self.schedule(usual + later, Effect::Bus(BusEffect::Accept(invocation)));
            }
        }
    }

    fn deliver(&mut self, invocation: Invocation) {
        let limit = self.bus.functions.get(&invocation.function).and_then(|settings| settings.reserved_concurrency);
        let running = self.bus.running.entry(invocation.function.clone()).or_default();
        if limit.is_some_and(|limit| *running >= limit) {
            let InvokeSettings { retry, .. } = self.invoke_settings(&invocation.function);
            if self.now.since(invocation.accepted) + THROTTLED_FOR > retry.max_age {
                self.give_up(invocation);
            } else {
                self.schedule(THROTTLED_FOR, Effect::Bus(BusEffect::Deliver(invocation)));
            }
            return;
        }
        *running += 1;
        self.note(What::Invoked { function: invocation.function.clone(), attempt: invocation.attempt });
        self.write_logs(&invocation.function);
        self.bus.ready.push(invocation);
    }

    fn tick(&mut self, rule: Rule) {
        let Trigger::Rate(period) = rule.trigger else { return };
        let event = json!({
            "version": "0",
            "id": self.uuid(),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": self.now().iso_seconds(),
            "region": REGION,
            "resources": [rule.arn()],
            "detail": {},
        });
        self.deliver_with(None, &rule, event);
        self.schedule(period, Effect::Bus(BusEffect::Tick(rule)));
    }
}

impl Rule {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}", self.name)
    }

    /// Whether the event is one that it waits for.
    pub fn matches(&self, event: &Value) -> bool {
        match &self.trigger {
            Trigger::Event(pattern) => pattern.matches(event),
            Trigger::Rate(_) => false,
        }
    }
}

impl Bus {
    fn strike(&mut self, event: &Value) -> Option<DisorderKind> {
        let disorder = self
            .disorders
            .iter_mut()
            .find(|disorder| disorder.times > 0 && event["detail-type"] == disorder.detail_type.as_str())?;
        disorder.times -= 1;
        Some(disorder.kind)
    }
}
