//! Whether the parts fit: the templates' contents, and the functions' knowledge.

use std::collections::BTreeMap;
use std::time::Duration;

use durin::declaration::Declaration;
use durin::events::RETIREMENTS;
use durin::ids::GroupName;
use durin::lifecycle::{LAUNCH_HOOK, TERMINATE_HOOK, Transition};
use durin::news::{FAILURE, HAND_OFF, SOURCE};
use durin::node::{ActionResult, DOCUMENTS, Hook, LONGEST_PERIOD, hook_problem};
use durin::tags;
use durin_harness::iam::{Check, evaluate};
use durin_harness::templates::{Queue, TemplateError};
use durin_harness::world::autoscaling::{self, CreateAutoScalingGroup, PutLifecycleHook};
use durin_harness::world::ec2::CreateVolume;
use durin_harness::world::eventbridge::{MessageRule, Rule, Trigger};
use serde_json::{Value, json};

use super::{NODE, RELEASE, ROLES, RULES};

/// An event of each kind that a function acts on, and the function.
const ACTED_ON: [(&str, &str, &str); 9] = [
    ("durin-node-lifecycle", "launch", include_str!("../../../../events/launch.json")),
    ("durin-node-lifecycle", "terminate", include_str!("../../../../events/terminate.json")),
    (
        "durin-spot-interruption",
        "spot-interruption-warning",
        include_str!("../../../../events/spot-interruption-warning.json"),
    ),
    ("durin-node-resync", "launch", include_str!("../../../../events/launch.json")),
    (
        "durin-node-resync",
        "spot-interruption-warning",
        include_str!("../../../../events/spot-interruption-warning.json"),
    ),
    (
        "durin-spot-interruption",
        "rebalance-recommendation",
        include_str!("../../../../events/rebalance-recommendation.json"),
    ),
    ("durin-ami-publish", "ami-available", include_str!("../../../../events/ami-available.json")),
    ("durin-ami-publish", "image-builder-available", include_str!("../../../../events/image-builder-available.json")),
    ("durin-ami-publish", "bake-finished", include_str!("../../../../events/bake-finished.json")),
];

/// An event of AWS Health, which has many types.
const RETIREMENT: &str = include_str!("../../../../events/instance-retirement.json");

/// The functions that need a schedule, and its longest period.
const SCHEDULED: [(&str, Duration); 3] = [
    ("durin-node-resync", LONGEST_PERIOD),
    // Events do most of it; and the speed of removing litter is a matter of taste.
    ("durin-ami-publish", Duration::MAX),
    ("durin-ami-prune", Duration::MAX),
];

/// The tags of a group that mean something to the functions, or to an instance.
const TAGS: [&str; 6] =
    [tags::VOLUME_ID, tags::HOSTED_ZONE_ID, tags::RECORD_NAME, tags::RECORD_TTL, tags::NEW_VOLUME, tags::DRAIN];

/// The documents that the functions send are there.
pub(super) fn documents(documents: &[(String, String)]) -> Result<(), TemplateError> {
    let is_there = |wanted: &str| documents.iter().any(|(name, _)| name == wanted);
    match DOCUMENTS.into_iter().find(|wanted| !is_there(wanted)) {
        None => Ok(()),
        Some(name) => Err(refuse(RELEASE, "Resources", format!("no document {name}, which the functions send"))),
    }
}

/// Every function gets the events that it acts on, and its schedule comes often enough.
pub(super) fn rules(rules: &[Rule]) -> Result<(), TemplateError> {
    let event = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let of_type = |code: &'static str| {
        let mut retirement = event(RETIREMENT);
        retirement["detail"]["eventTypeCode"] = code.into();
        ("durin-spot-interruption", code.to_owned(), retirement)
    };
    let others = ACTED_ON.map(|(function, name, text)| (function, format!("events/{name}.json"), event(text)));
    for (function, name, event) in others.into_iter().chain(RETIREMENTS.map(of_type)) {
        if !rules.iter().any(|rule| rule.function == function && rule.matches(&event)) {
            return Err(refuse(RULES, function, format!("no rule for it matches {name}, which it acts on")));
        }
    }
    SCHEDULED.into_iter().try_for_each(|(function, longest)| {
        let period = rules.iter().filter(|rule| rule.function == function).find_map(|rule| match rule.trigger {
            Trigger::Rate(period) => Some(period),
            Trigger::Event(_) => None,
        });
        match period {
            Some(period) if period <= longest => Ok(()),
            None => Err(refuse(RULES, function, "needs a schedule".to_owned())),
            Some(_) => Err(refuse(RULES, function, format!("needs a schedule of at most {} s", longest.as_secs()))),
        }
    })
}

/// The owner gets the message of each kind of news.
pub(super) fn messages(rules: &[MessageRule]) -> Result<(), TemplateError> {
    for kind in [HAND_OFF, FAILURE] {
        let event = json!({"source": SOURCE, "detail-type": kind, "detail": {"message": "in words"}});
        if !rules.iter().any(|rule| rule.message(&event).as_deref() == Some("in words")) {
            return Err(refuse(RULES, "Resources", format!("no rule makes a message of a {kind:?}")));
        }
    }
    Ok(())
}

/// EventBridge may write to the queues that the rules name.
pub(super) fn dead_letters(rules: &[Rule], queues: &[Queue]) -> Result<(), TemplateError> {
    for rule in rules {
        let arn = rule.dead_letters.as_deref().unwrap_or_default();
        let queue = queues.iter().find(|queue| queue.arn == arn);
        let queue = queue.ok_or_else(|| refuse(RULES, &rule.name, format!("no dead-letter queue {arn:?}")))?;
        let mut check = Check::new("sqs:SendMessage", &queue.arn);
        check.keys = vec![("aws:SourceArn", vec![rule.arn()])];
        if !queue.policies.iter().any(|policy| evaluate::lets_in(policy, "events.amazonaws.com", &check)) {
            let problem = format!("does not let in the events of the rule {}", rule.name);
            return Err(refuse(ROLES, queue.arn.rsplit(':').next().unwrap_or_default(), problem));
        }
    }
    Ok(())
}

/// The group declares a node, and its hooks leave the functions time.
pub(super) fn group(group: &CreateAutoScalingGroup) -> Result<(), TemplateError> {
    for tag in group.tags.iter().filter(|tag| tag.key.starts_with("durin:")) {
        if !TAGS.contains(&tag.key.as_str()) {
            return Err(refuse(NODE, "Tags", format!("the functions do not know the tag {}", tag.key)));
        }
        if !tag.propagate_at_launch {
            return Err(refuse(
                NODE,
                "Tags",
                format!("{} has to be propagated: policies require it on instances", tag.key),
            ));
        }
    }
    if let Some(tag) = group.tags.iter().find(|tag| tag.propagate_at_launch && tags::metadata_forbids(&tag.key)) {
        let problem = format!("EC2 refuses instances with the tag {:?}, which their metadata could not show", tag.key);
        return Err(refuse(NODE, "Tags", problem));
    }
    let tags: BTreeMap<String, String> = group.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    let name = GroupName::new(&group.name).map_err(|problem| refuse(NODE, "Group", problem.to_string()))?;
    match Declaration::from_tags(&name, &tags) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(refuse(NODE, "Tags", format!("without {} it is not a node", tags::VOLUME_ID))),
        Err(problem) => return Err(refuse(NODE, "Tags", problem.to_string())),
    }
    if let Some(hook) = group.hooks.iter().find(|hook| ![LAUNCH_HOOK, TERMINATE_HOOK].contains(&hook.name.as_str())) {
        return Err(refuse(NODE, &hook.name, "the functions do not know this hook".to_owned()));
    }
    let hooks: Vec<Hook> = group.hooks.iter().map(hook).collect();
    hook_problem(&hooks)
        .map_or(Ok(()), |problem| Err(refuse(NODE, problem.transition.hook(), problem.flaw.to_string())))
}

/// A volume that is made for a node says that it holds the data, and whose; else it could not be moved, or not be attached
/// while it is free.
pub(super) fn volume(volume: Option<&CreateVolume>, group: &str) -> Result<(), TemplateError> {
    let Some(volume) = volume else { return Ok(()) };
    let says = |key, value| volume.tags.get(key).map(String::as_str) == Some(value);
    if !says(tags::VOLUME, tags::DATA) {
        Err(refuse(NODE, "DataVolume", format!("needs the tag {}={}", tags::VOLUME, tags::DATA)))
    } else if !says(tags::NODE, group) {
        Err(refuse(NODE, "DataVolume", format!("needs the tag {} with the name of the group", tags::NODE)))
    } else {
        Ok(())
    }
}

fn hook(hook: &PutLifecycleHook) -> Hook {
    Hook {
        name: hook.name.clone(),
        transition: hook.transition.map(|transition| match transition {
            autoscaling::Transition::Launching => Transition::Launching,
            autoscaling::Transition::Terminating => Transition::Terminating,
        }),
        default_result: hook.default_result.map(|result| match result {
            autoscaling::ActionResult::Continue => ActionResult::Continue,
            autoscaling::ActionResult::Abandon => ActionResult::Abandon,
        }),
        heartbeat: hook.heartbeat_timeout_s.map(|seconds| Duration::from_secs(u64::from(seconds))),
    }
}

fn refuse(file: &str, resource: &str, problem: String) -> TemplateError {
    TemplateError { file: file.to_owned(), resource: resource.to_owned(), problem }
}
