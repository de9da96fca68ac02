//! EventBridge: rules match events with their real patterns; delivery is at least once, in any order, or not at all.

mod pattern;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};

use super::history::Fact;
use super::lambda::{DeadLetter, Invocation, LambdaEffect, RetryPolicy};
use super::{ACCOUNT, REGION, World};
use crate::time::Time;
pub use pattern::{Pattern, PatternError};

/// The rules of the default bus, and the fate of its events.
#[derive(Default)]
pub struct EventBridge {
    pub(in crate::world) rules: Vec<Rule>,
    message_rules: Vec<MessageRule>,
    messages: Vec<Message>,
    /// Every event emitted so far.
    pub(in crate::world) emitted: Vec<Value>,
    /// What could not be delivered and was sent to a queue.
    dead_letters: Vec<DeadLetter>,
    /// The disorders of deliveries, first match first.
    disorders: Vec<Disorder>,
}

impl EventBridge {
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What was published to topics, in order.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub fn put_message_rule(&mut self, rule: MessageRule) {
        self.message_rules.push(rule);
    }

    /// Every event emitted so far.
    pub fn emitted(&self) -> &[Value] {
        &self.emitted
    }

    /// What could not be delivered and was sent to a queue.
    pub fn dead_letters(&self) -> &[DeadLetter] {
        &self.dead_letters
    }

    /// Has something go wrong with the next deliveries, after what was planned before.
    pub fn add_disorder(&mut self, disorder: Disorder) {
        self.disorders.push(disorder);
    }

    /// What is to go wrong with deliveries, and has not yet.
    pub fn disorders(&self) -> impl Iterator<Item = &Disorder> {
        self.disorders.iter().filter(|disorder| disorder.times > 0)
    }

    /// Deletes the rules and schedules that invoke the function.
    pub fn delete_rules_of(&mut self, function: &str) {
        self.rules.retain(|rule| rule.function != function);
    }

    /// From now on every event arrives as it should.
    pub fn end_disorders(&mut self) {
        self.disorders.clear();
    }
}

/// A rule: a trigger and its function.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique on the bus.
    pub name: String,
    /// The events or schedule that it waits for.
    pub trigger: Trigger,
    pub function: String,
    /// How long EventBridge tries to reach the function.
    pub retry: RetryPolicy,
    /// The ARN of the queue for events that it could not deliver.
    pub dead_letters: Option<String>,
}

/// A rule with a topic for a target.
#[derive(Clone, Debug)]
pub struct MessageRule {
    /// Unique on the bus.
    pub name: String,
    pub pattern: Pattern,
    /// The topic's ARN.
    pub topic: String,
    /// The part of the event that becomes the message, such as `$.detail.message`; all of it, if there is none.
    pub input_path: Option<String>,
}

impl MessageRule {
    pub fn arn(&self) -> String {
        format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}", self.name)
    }

    /// What subscribers of the topic get, if the rule waits for the event. A part that is missing makes an empty message,
    /// which SNS does not take.
    pub fn message(&self, event: &Value) -> Option<String> {
        if !self.pattern.matches(event) {
            return None;
        }
        let part = match &self.input_path {
            Some(path) => path
                .trim_start_matches('$')
                .split('.')
                .filter(|name| !name.is_empty())
                .try_fold(event, |at, name| at.get(name))?,
            None => event,
        };
        Some(part.as_str().map_or_else(|| part.to_string(), str::to_owned))
    }
}

/// What the subscribers of a topic got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Time,
    /// The topic's ARN.
    pub topic: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub enum Trigger {
    /// Every event that the pattern matches.
    Event(Pattern),
    /// `rate(…)`.
    Rate(Duration),
}

/// The detail type of every event that a rule waits for.
pub const ANY_AWAITED: &str = "*";

/// Something that goes wrong with the delivery of events.
#[derive(Clone, Debug)]
pub struct Disorder {
    /// Or [`ANY_AWAITED`].
    pub detail_type: String,
    pub kind: DisorderKind,
    /// How many events it still hits.
    pub times: u32,
}

/// What can go wrong with a delivery. (EventBridge: best effort from AWS services, at least once to targets.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisorderKind {
    Lost,
    /// It arrives twice, the second time this much later.
    Doubled(Duration),
    /// It arrives this much later: AWS emitted it late.
    Late(Duration),
    /// The function cannot be reached for so long: EventBridge tries again until the event is older than the rule
    /// allows. How long its retries take is not documented, so their number does not count here.
    Unreachable(Duration),
}

/// The effects in EventBridge that happen without a call.
#[derive(Clone, Debug)]
pub enum EventBridgeEffect {
    /// A schedule is due.
    Tick { rule: Rule, period: Duration },
}

impl World {
    /// Emits an event, as an AWS service does.
    pub fn emit(&mut self, source: &str, detail_type: &str, resources: Vec<String>, detail: Value) {
        self.put_event(source, detail_type, resources, detail);
    }

    /// The same for somebody who gets the event's id.
    pub(crate) fn put_event(
        &mut self,
        source: &str,
        detail_type: &str,
        resources: Vec<String>,
        detail: Value,
    ) -> String {
        let id = self.uuid();
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": self.now().iso_seconds(),
            "region": REGION,
            "resources": resources,
            "detail": detail,
        });
        self.publish(event);
        id
    }

    /// Publishes a whole event: recorded ones are replayed with this.
    pub fn publish(&mut self, event: Value) {
        self.note(Fact::Emitted(event.clone()));
        self.events.emitted.push(event.clone());
        let at = self.now;
        let texts =
            self.events.message_rules.iter().filter_map(|rule| Some((rule.topic.clone(), rule.message(&event)?)));
        let messages: Vec<Message> = texts.map(|(topic, text)| Message { at, topic, text }).collect();
        self.events.messages.extend(messages);
        let rules: Vec<Rule> = self.events.rules.iter().filter(|rule| rule.matches(&event)).cloned().collect();
        let disorder = self.events.strike(&event, !rules.is_empty());
        for rule in rules {
            self.deliver_with(disorder, &rule, event.clone());
        }
    }

    /// Adds a rule. A schedule begins to tick one period from now.
    pub fn put_rule(&mut self, rule: Rule) {
        if let Trigger::Rate(period) = rule.trigger {
            self.schedule(period, EventBridgeEffect::Tick { rule: rule.clone(), period });
        }
        self.events.rules.push(rule);
    }

    pub(super) fn carry_out_eventbridge(&mut self, effect: EventBridgeEffect) {
        match effect {
            EventBridgeEffect::Tick { rule, period } => self.tick(rule, period),
        }
    }

    fn deliver_with(&mut self, disorder: Option<DisorderKind>, rule: &Rule, event: Value) {
        let function = rule.function.clone();
        let Some(settings) = self.lambda.functions.get(&function) else {
            self.miss_function(rule, event);
            return;
        };
        let invocation =
            Invocation { function, payload: event, attempt: 1, timeout: settings.timeout, accepted: self.now };
        let usual = self.draw(self.latency.event_delivery);
        match disorder {
            None => self.schedule(usual, LambdaEffect::Accept(invocation)),
            Some(DisorderKind::Lost) => {}
            Some(DisorderKind::Late(late)) => self.schedule(usual + late, LambdaEffect::Accept(invocation)),
            Some(DisorderKind::Unreachable(span)) if span > rule.retry.max_age => {
                self.events.give_up(rule, invocation.payload);
            }
            Some(DisorderKind::Unreachable(span)) => {
                self.schedule(usual + span, LambdaEffect::Accept(invocation));
            }
            Some(DisorderKind::Doubled(later)) => {
                self.schedule(usual, LambdaEffect::Accept(invocation.clone()));
                self.schedule(usual + later, LambdaEffect::Accept(invocation));
            }
        }
    }

    /// A rule may outlive its function, or name one that never was. EventBridge User Guide (dead-letter queues): without a
    /// target there is no second attempt.
    fn miss_function(&mut self, rule: &Rule, event: Value) {
        let Rule { function, name, .. } = rule;
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}");
        let error = format!("ResourceNotFoundException: Function not found: {arn}, the target of the rule {name}");
        self.note(Fact::Answered { function: function.clone(), outcome: Err(error) });
        self.events.give_up(rule, event);
    }

    fn tick(&mut self, rule: Rule, period: Duration) {
        if !self.events.rules.iter().any(|known| known.name == rule.name) {
            return;
        }
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
        self.schedule(period, EventBridgeEffect::Tick { rule, period });
    }
}

impl Rule {
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

impl EventBridge {
    /// What cannot be delivered goes to the rule's queue, if there is one. EventBridge writes to it as a service, which the
    /// queue's own policy allows.
    fn give_up(&mut self, rule: &Rule, payload: Value) {
        let letter = |queue| DeadLetter { queue, function: rule.function.clone(), payload };
        self.dead_letters.extend(rule.dead_letters.clone().map(letter));
    }

    fn strike(&mut self, event: &Value, is_awaited: bool) -> Option<DisorderKind> {
        let hits = |disorder: &Disorder| match disorder.detail_type.as_str() {
            ANY_AWAITED => is_awaited,
            detail_type => event["detail-type"] == detail_type,
        };
        let disorder = self.disorders.iter_mut().find(|disorder| disorder.times > 0 && hits(disorder))?;
        disorder.times -= 1;
        Some(disorder.kind)
    }
}
