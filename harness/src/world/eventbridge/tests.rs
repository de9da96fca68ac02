use super::*;
use crate::world::lambda::FunctionSettings;

/// A function that rules can invoke.
fn world() -> World {
    let mut world = World::new(1);
    let settings = FunctionSettings {
        timeout: Duration::from_secs(3),
        memory_mb: 128,
        environment: Default::default(),
        reserved_concurrency: None,
        invoke: Default::default(),
    };
    world.lambda.put_function("f", settings);
    world
}

/// EventBridge cannot reach the function for so long: how often it is invoked in the end.
fn unreachable(world: &mut World, span_s: u64) -> u32 {
    let queue = Some("arn:aws:sqs:eu-central-1:123456789012:undelivered".to_owned());
    let retry = RetryPolicy { max_age: Duration::from_secs(180), max_retries: 10 };
    let trigger = Trigger::Event(Pattern::new(&json!({"source": ["aws.ec2"]})).unwrap());
    world.put_rule(Rule { name: "e".to_owned(), trigger, function: "f".to_owned(), retry, dead_letters: queue });
    let kind = DisorderKind::Unreachable(Duration::from_secs(span_s));
    world.events.disorders.push(Disorder { detail_type: "T".to_owned(), kind, times: 1 });
    world.emit("aws.ec2", "T", Vec::new(), json!({}));
    world.advance_to(world.now() + Duration::from_secs(600));
    u32::try_from(world.lambda.take_invocations().len()).unwrap()
}

#[test]
fn what_cannot_be_delivered_in_time_is_kept_by_event_bridge() {
    let mut world = world();
    assert_eq!(unreachable(&mut world, 170), 1);
    assert!(world.events.dead_letters.is_empty());
    world.events.rules.clear();
    assert_eq!(unreachable(&mut world, 190), 0);
    assert!(world.events.dead_letters[0].queue.ends_with(":undelivered"));
}

#[test]
fn a_rule_without_its_function_says_so_and_keeps_the_event() {
    let mut world = world();
    let retry = RetryPolicy { max_age: Duration::from_secs(180), max_retries: 10 };
    let queue = Some("arn:aws:sqs:eu-central-1:123456789012:undelivered".to_owned());
    let trigger = Trigger::Rate(Duration::from_secs(3600));
    world.put_rule(Rule { name: "hourly".to_owned(), trigger, function: "f".to_owned(), retry, dead_letters: queue });
    world.lambda.delete_function("f");
    world.advance_to(world.now() + Duration::from_secs(3700));
    let answered = world.history().iter().filter_map(|entry| {
        let Fact::Answered { function, outcome: Err(error) } = &entry.fact else { return None };
        Some((function.as_str(), error.as_str()))
    });
    let error = "ResourceNotFoundException: Function not found: arn:aws:lambda:eu-central-1:123456789012:function:f, the \
                 target of the rule hourly";
    assert_eq!(answered.collect::<Vec<_>>(), [("f", error)]);
    assert_eq!(world.events.dead_letters.len(), 1);
    assert!(world.lambda.take_invocations().is_empty());

    world.events.delete_rules_of("f");
    world.advance_to(world.now() + Duration::from_secs(3 * 3600));
    assert_eq!(world.events.dead_letters.len(), 1, "a deleted schedule ticks no more");
}
