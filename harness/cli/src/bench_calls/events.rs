//! What each recorded event costs the function that gets it, alone in the world in which the event was recorded.

use std::error::Error;
use std::fs;

use durin_harness::world::eventbridge::Trigger;
use durin_harness::{Cost, LocalAws};
use serde_json::Value;

use crate::deployment::{self, Deployment};
use crate::event::{Event, repository};
use crate::recorded::world_of;

/// An event, and what a function did about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fed {
    /// The name in `events/`.
    pub event: String,
    /// Its API calls.
    pub cost: Cost,
}

/// Feeds each event of `events/` to each function to which a rule of ours sends it.
///
/// # Errors
/// When an event cannot be read, or a function fails.
pub fn fed() -> Result<Vec<Fed>, Box<dyn Error>> {
    let mut names: Vec<String> = fs::read_dir(repository().join("events"))?
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let event = Event::read(&name)?.payload;
        for function in functions_of(&event)? {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
            let cost = runtime.block_on(feed(&event, function))?;
            all.push(Fed { event: name.clone(), cost });
        }
    }
    Ok(all)
}

/// A schedule's event names its rule, and each of ours looks alike.
fn functions_of(event: &Value) -> Result<Vec<&'static str>, Box<dyn Error>> {
    let rules = &Deployment::shipped()?.rules;
    let is_of = |function: &str| {
        rules.iter().filter(|rule| rule.function == function).any(|rule| match rule.trigger {
            Trigger::Event(_) => rule.matches(event),
            Trigger::Rate(_) => event["detail-type"] == "Scheduled Event",
        })
    };
    Ok(deployment::function_names().filter(|function| is_of(function)).collect())
}

async fn feed(event: &Value, function: &str) -> Result<Cost, Box<dyn Error>> {
    let (world, _) = world_of(event)?;
    let mut event = Event { source: String::new(), payload: event.clone() };
    event.date(world.now());
    fastrand::seed(1);
    let aws = LocalAws::new(world, 1.0);
    let settings = Deployment::shipped()?.settings(function).ok_or("a function without a manifest")?;
    aws.world(|world| world.lambda.put_function(function, settings.clone()));
    tokio::spawn(aws.clone().run(Default::default()));
    let handlers = deployment::handlers(&aws);
    let handler = handlers.get(function).ok_or("a function without a handler")?;
    let (answer, cost) = aws.invoke_by_hand(function, handler, event.payload, settings.timeout).await;
    answer.map_err(|error| format!("{function} fails: {error}"))?;
    Ok(cost)
}
