//! One decision: denied unless something allows it, and denied whatever allows it if something denies it. (IAM User
//! Guide, "Policy evaluation logic".)

use super::check::Check;
use super::policy::{Policy, Statement};

/// The policies' verdict on a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These statements allow it: the policy, the statement, and which of its actions and resources, as numbers.
    Allowed(Vec<[usize; 4]>),
    /// Nothing allows it.
    NotAllowed,
    /// The statement with this `Sid` denies it.
    Denied(String),
}

/// The verdict of `policies` on `check`.
pub fn evaluate(policies: &[Policy], check: &Check) -> Verdict {
    let mut allowing = Vec::new();
    for (policy, statement, it) in statements(policies) {
        let (Some(action), Some(resource)) = (it.action_for(check), it.resource_for(check)) else { continue };
        if !it.conditions.iter().all(|condition| condition.holds(check)) {
            continue;
        }
        if !it.allows {
            return Verdict::Denied(it.sid.clone());
        }
        allowing.push([policy, statement, action, resource]);
    }
    if allowing.is_empty() { Verdict::NotAllowed } else { Verdict::Allowed(allowing) }
}

/// The reason why nothing allows it, for a person: the statements that come nearest.
pub fn why_not(policies: &[Policy], check: &Check) -> String {
    let mut reasons = Vec::new();
    for (_, _, it) in statements(policies).filter(|(_, _, it)| it.allows) {
        let Some(_) = it.action_for(check) else { continue };
        let failing = it.conditions.iter().find(|condition| !condition.holds(check));
        match (it.resource_for(check), failing) {
            (None, _) => reasons.push(format!("{} is for other resources", it.sid)),
            (Some(_), Some(condition)) => reasons.push(format!("{} requires {}", it.sid, condition.text())),
            (Some(_), None) => {}
        }
    }
    if reasons.is_empty() { "no statement has the action".to_owned() } else { reasons.join("; ") }
}

/// Whether a resource's own policy lets a service do it.
pub fn lets_in(policy: &Policy, service: &str, check: &Check) -> bool {
    let mut theirs = policy.clone();
    theirs.statements.retain(|statement| statement.service.as_deref() == Some(service));
    matches!(evaluate(&[theirs], check), Verdict::Allowed(_))
}

fn statements(policies: &[Policy]) -> impl Iterator<Item = (usize, usize, &Statement)> {
    let numbered = policies.iter().enumerate();
    numbered.flat_map(|(policy, it)| it.statements.iter().enumerate().map(move |(number, it)| (policy, number, it)))
}

impl Statement {
    fn action_for(&self, check: &Check) -> Option<usize> {
        self.actions.iter().position(|action| action.matches_action(&check.action))
    }

    fn resource_for(&self, check: &Check) -> Option<usize> {
        self.resources.iter().position(|resource| resource.matches_arn(&check.resource))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::iam::policy::Owner;

    const VOLUME: &str = "arn:aws:ec2:eu-central-1:123456789012:volume/vol-1";

    fn policy(statements: Value) -> Vec<Policy> {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        vec![Policy::parse("p", &document, Owner::Role).expect("a policy")]
    }

    fn allowed(policies: &[Policy], check: &Check) -> bool {
        matches!(evaluate(policies, check), Verdict::Allowed(_))
    }

    #[test]
    fn denied_unless_allowed() {
        let policies = policy(json!([
            {"Sid": "A", "Effect": "Allow", "Action": "ec2:AttachVolume", "Resource": "arn:aws:ec2:*:*:volume/*"},
        ]));
        assert!(allowed(&policies, &Check::new("ec2:AttachVolume", VOLUME)));
        assert!(allowed(&policies, &Check::new("EC2:attachvolume", VOLUME)));
        assert_eq!(evaluate(&policies, &Check::new("ec2:DetachVolume", VOLUME)), Verdict::NotAllowed);
        let instance = Check::new("ec2:AttachVolume", "arn:aws:ec2:eu-central-1:123456789012:instance/i-1");
        assert_eq!(evaluate(&policies, &instance), Verdict::NotAllowed);
        assert!(why_not(&policies, &instance).contains("A is for other resources"));
        assert_eq!(evaluate(&[], &instance), Verdict::NotAllowed);
    }

    #[test]
    fn a_denial_is_stronger_than_what_allows() {
        let policies = policy(json!([
            {"Sid": "All", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
            {"Sid": "OthersNot", "Effect": "Deny", "Action": ["ec2:AttachVolume", "ec2:DetachVolume"], "Resource": "*",
             "Condition": {"StringNotEquals": {"aws:ResourceTag/durin:volume": "data"}}},
        ]));
        let mut check = Check::new("ec2:AttachVolume", VOLUME);
        assert_eq!(evaluate(&policies, &check), Verdict::Denied("OthersNot".to_owned()));
        check.resource_tags = vec![("durin:volume".to_owned(), "data".to_owned())];
        assert_eq!(evaluate(&policies, &check), Verdict::Allowed(vec![[0, 0, 0, 0]]));
    }

    #[test]
    fn every_condition_has_to_hold() {
        let policies = policy(json!({
            "Sid": "Mark", "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"aws:TagKeys": "durin:at-risk"},
                "Null": {"aws:TagKeys": "false", "aws:ResourceTag/durin:volume-id": "false"},
            },
        }));
        let tag = |key: &str| (key.to_owned(), "x".to_owned());
        let mut check = Check::new("ec2:CreateTags", VOLUME);
        check.request_tags = vec![tag("durin:at-risk")];
        assert!(!allowed(&policies, &check));
        assert!(why_not(&policies, &check).contains("Mark requires Null aws:ResourceTag/durin:volume-id"));
        check.resource_tags = vec![tag("durin:volume-id")];
        assert!(allowed(&policies, &check));
        check.request_tags.push(tag("durin:volume-id"));
        assert!(!allowed(&policies, &check));
        check.request_tags.clear();
        assert!(!allowed(&policies, &check), "ForAllValues is true of no values, Null is not");
    }

    #[test]
    fn a_resource_lets_in_the_service_that_it_names() {
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:*:*:rule/durin-*"}},
        }});
        let policy = Policy::parse("queue", &document, Owner::Resource).expect("a policy");
        let mut check = Check::new("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:q");
        check.keys = vec![("aws:SourceArn", vec!["arn:aws:events:eu-central-1:1:rule/durin-x".to_owned()])];
        assert!(lets_in(&policy, "events.amazonaws.com", &check));
        assert!(!lets_in(&policy, "lambda.amazonaws.com", &check));
    }
}
