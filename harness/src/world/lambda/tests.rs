use super::*;
use serde_json::json;

use crate::iam::policy::Owner;
use crate::iam::{Policy, Role};
use crate::world::eventbridge::{Rule, Trigger};

const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:q";

/// A function that is invoked every hour, with a role that allows this.
fn world(max_age_s: u64, actions: &[&str]) -> World {
    let mut world = World::new(1);
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    let policies = vec![Policy::parse("p", &document, Owner::Role).unwrap()];
    world.iam.assume("f", Role { name: "r".to_owned(), policies });
    let retry = RetryPolicy { max_age: Duration::from_secs(max_age_s), max_retries: 2 };
    let invoke = InvokeSettings { retry, on_failure: Some(QUEUE.to_owned()) };
    let timeout = Duration::from_secs(3);
    world.lambda.put_function(
        "f",
        FunctionSettings {
            timeout,
            memory_mb: 128,
            environment: Default::default(),
            reserved_concurrency: None,
            invoke,
        },
    );
    let trigger = Trigger::Rate(Duration::from_secs(3600));
    world.put_rule(Rule { name: "r".to_owned(), trigger, function: "f".to_owned(), retry, dead_letters: None });
    world
}

/// Lets the function fail as often as it is invoked: how often that is.
fn fail(world: &mut World) -> u32 {
    let mut attempts = 0;
    for _ in 0..4000 {
        world.advance_to(world.now() + Duration::from_secs(1));
        for invocation in world.lambda.take_invocations() {
            attempts += 1;
            world.end_invocation(invocation, Err("Durin.AwsError: no".to_owned()));
        }
    }
    attempts
}

const ALL: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];

#[test]
fn what_fails_three_times_is_reported() {
    let mut world = world(1800, &ALL);
    assert_eq!(fail(&mut world), 3);
    assert_eq!(world.lambda.dead_letters.len(), 1);
    assert_eq!(world.lambda.dead_letters[0].queue, QUEUE);
    assert_eq!(world.iam.denials, []);
    assert!(world.iam.unused().iter().all(|grant| !ALL.contains(&grant.what.as_str())));
}

#[test]
fn what_would_be_too_old_is_reported_earlier() {
    let mut world = world(179, &ALL);
    assert_eq!(fail(&mut world), 2, "the third would come three minutes later");
    assert_eq!(world.lambda.dead_letters.len(), 1);
}

#[test]
fn a_role_that_does_not_allow_it_loses_the_report() {
    let mut world = world(1800, &ALL[..2]);
    fail(&mut world);
    assert!(world.lambda.dead_letters.is_empty());
    assert!(world.iam.denials[0].message.contains("sqs:SendMessage on resource: arn:aws:sqs:"));
}

#[test]
#[should_panic(expected = "an invocation ends once")]
fn an_invocation_does_not_end_twice() {
    let mut world = world(1800, &ALL);
    world.advance_to(world.now() + Duration::from_secs(3660));
    let [invocation] = &world.lambda.take_invocations()[..] else { panic!("one invocation") };
    world.end_invocation(invocation.clone(), Ok(String::new()));
    world.end_invocation(invocation.clone(), Ok(String::new()));
}
