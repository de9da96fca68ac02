//! Roles, refusals, and grants that were never used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::caller::Caller;
use super::check::Check;
use super::evaluate::{Verdict, evaluate, why_not};
use super::policy::Policy;
use crate::account::{ACCOUNT, PARTITION};

/// A role in the local AWS.
#[derive(Clone, Debug)]
pub struct Role {
    /// For example `durin-node-lifecycle-eu-central-1`.
    pub name: String,
    /// Its own and the managed ones.
    pub policies: Vec<Policy>,
}

/// The roles of a world's functions.
#[derive(Debug, Default)]
pub struct Iam {
    /// By the function that assumes it.
    roles: BTreeMap<String, Assumed>,
    /// Every call that was refused, in order.
    pub denials: Vec<Denial>,
}

/// A role, and which of its grants were needed, as [`Verdict::Allowed`] numbers them.
#[derive(Debug)]
struct Assumed {
    role: Role,
    used: BTreeSet<[usize; 4]>,
}

/// Something that a role allows: an action or a resource of a statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub role: String,
    pub policy: String,
    /// The statement's `Sid`.
    pub statement: String,
    /// The action or the resource, as it is written.
    pub what: String,
}

/// A call that a role does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub function: String,
    /// AWS's message.
    pub message: String,
    /// For a person: the statements that came nearest to allowing it.
    pub why: String,
}

impl Iam {
    /// Gives a function its role.
    pub fn assume(&mut self, function: &str, role: Role) {
        self.roles.insert(function.to_owned(), Assumed { role, used: BTreeSet::new() });
    }

    /// The user of an access key: the function of that name, if one has assumed a role, and a person otherwise.
    pub fn caller(&self, access_key: &str) -> Caller {
        match self.roles.contains_key(access_key) {
            true => Caller::Function(access_key.to_owned()),
            false => Caller::Operator,
        }
    }

    /// Decides whether `caller` may; all of `checks` have to pass. A function without a role is not checked.
    ///
    /// # Errors
    /// The first check that does not pass.
    pub fn authorize(&mut self, caller: &Caller, checks: &[Check]) -> Result<(), Denial> {
        let Caller::Function(function) = caller else { return Ok(()) };
        let Some(Assumed { role, used }) = self.roles.get_mut(function) else { return Ok(()) };
        let principal = format!("arn:{PARTITION}:iam::{ACCOUNT}:role/{}", role.name);
        for check in checks {
            let check = &Check { principal: Some(principal.clone()), ..check.clone() };
            let (because, why) = match evaluate(&role.policies, check) {
                Verdict::Allowed(by) => {
                    used.extend(by);
                    continue;
                }
                Verdict::NotAllowed => {
                    let because = format!("because no identity-based policy allows the {} action", check.action);
                    (because, why_not(&role.policies, check))
                }
                Verdict::Denied(sid) => {
                    ("with an explicit deny in an identity-based policy".to_owned(), format!("{sid} denies it"))
                }
            };
            // The IAM User Guide's form ("Troubleshoot access denied error messages").
            let user = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/{function}", role.name);
            let message = format!("User: {user} is not authorized to perform: {check} {because}");
            let denial = Denial { function: function.clone(), message, why };
            self.denials.push(denial.clone());
            return Err(denial);
        }
        Ok(())
    }

    /// Whether `caller` may also do this: for calls that leave out the part that their caller may not do, as
    /// DeregisterImage does with the snapshots that its caller may not delete. A refusal is noted like any other.
    pub fn may(&mut self, caller: &Caller, check: &Check) -> bool {
        self.authorize(caller, std::slice::from_ref(check)).is_ok()
    }

    /// The grants of the roles that no call has needed in this world so far.
    pub fn unused(&self) -> BTreeSet<Grant> {
        let unused = |Assumed { role, used }: &Assumed| {
            let used: BTreeSet<Grant> = used.iter().flat_map(|place| role.grants_at(*place)).collect();
            role.grants().filter(|grant| !used.contains(grant)).collect::<Vec<_>>()
        };
        self.roles.values().flat_map(unused).collect()
    }
}

impl Role {
    /// Everything that it allows.
    fn grants(&self) -> impl Iterator<Item = Grant> {
        let policies = self.policies.iter().enumerate();
        policies.flat_map(move |(policy, it)| {
            let allowing = it.statements.iter().enumerate().filter(|(_, statement)| statement.allows);
            allowing.flat_map(move |(number, statement)| {
                let whats = statement.actions.iter().chain(&statement.resources);
                whats.map(move |what| self.grant(policy, number, what.as_str()))
            })
        })
    }

    fn grants_at(&self, [policy, number, action, resource]: [usize; 4]) -> [Grant; 2] {
        let statement = &self.policies[policy].statements[number];
        let (action, resource) = (statement.actions[action].as_str(), statement.resources[resource].as_str());
        [self.grant(policy, number, action), self.grant(policy, number, resource)]
    }

    fn grant(&self, policy: usize, statement: usize, what: &str) -> Grant {
        let policy = &self.policies[policy];
        Grant {
            role: self.name.clone(),
            policy: policy.name.clone(),
            statement: policy.statements[statement].sid.clone(),
            what: what.to_owned(),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} in {}: {}", self.role, self.statement, self.policy, self.what)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.why)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::iam::policy::Owner;

    fn iam() -> Iam {
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Sid": "Prune", "Effect": "Allow", "Action": ["ec2:DeregisterImage", "ec2:DeleteSnapshot"],
            "Resource": ["arn:aws:ec2:*::image/*", "arn:aws:ec2:*::snapshot/snap-1"],
        }});
        let policies = vec![Policy::parse("images", &document, Owner::Role).expect("a policy")];
        let mut iam = Iam::default();
        iam.assume("durin-ami-prune", Role { name: "role".to_owned(), policies });
        iam
    }

    fn prune() -> Caller {
        Caller::Function("durin-ami-prune".to_owned())
    }

    fn deregister() -> [Check; 1] {
        [Check::new("ec2:DeregisterImage", "arn:aws:ec2:eu-central-1::image/ami-1")]
    }

    #[test]
    fn a_function_may_do_what_its_role_allows_and_a_person_everything() {
        let mut iam = iam();
        let function = prune();
        assert!(iam.authorize(&function, &deregister()).is_ok());
        let describe = [Check::new("ec2:DescribeImages", "*")];
        assert!(iam.authorize(&Caller::Operator, &describe).is_ok());
        let denial = iam.authorize(&function, &describe).expect_err("not allowed");
        assert_eq!(
            denial.message,
            "User: arn:aws:sts::123456789012:assumed-role/role/durin-ami-prune is not authorized to perform: \
             ec2:DescribeImages because no identity-based policy allows the ec2:DescribeImages action"
        );
        assert_eq!(iam.denials, [denial]);
    }

    #[test]
    fn a_call_may_go_on_without_what_its_caller_may_not() {
        let mut iam = iam();
        let snapshot = |id: &str| Check::new("ec2:DeleteSnapshot", format!("arn:aws:ec2:eu-central-1::snapshot/{id}"));
        assert!(iam.may(&prune(), &snapshot("snap-1")));
        assert!(!iam.may(&prune(), &snapshot("snap-2")));
        assert_eq!(iam.denials.len(), 1);
        assert!(iam.may(&Caller::Operator, &snapshot("snap-2")), "a person may do everything");
    }

    #[test]
    fn a_caller_is_a_function_if_it_has_assumed_a_role() {
        assert_eq!(iam().caller("durin-ami-prune"), prune());
        assert_eq!(iam().caller("durin-watch"), Caller::Operator);
    }

    #[test]
    fn what_was_never_needed_is_told() {
        let mut iam = iam();
        let unused = |iam: &Iam| iam.unused().into_iter().map(|grant| grant.what).collect::<Vec<_>>();
        assert_eq!(unused(&iam).len(), 4);
        iam.authorize(&prune(), &deregister()).expect("allowed");
        assert_eq!(unused(&iam), ["arn:aws:ec2:*::snapshot/snap-1", "ec2:DeleteSnapshot"]);
    }
}
