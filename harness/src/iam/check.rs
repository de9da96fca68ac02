//! A question to a role: an action, on a resource, with everything known about the request.

use std::fmt;

use super::actions::Key;
use crate::account::{ACCOUNT, REGION};

/// A call's question about one resource. A call that touches several makes as many checks, and all have to pass.
#[derive(Clone, Debug)]
pub struct Check {
    /// For example `ec2:AttachVolume`.
    pub action: String,
    /// The resource's ARN; `*` where the action knows no resources.
    pub resource: String,
    /// The tags that the resource has.
    pub resource_tags: Vec<(String, String)>,
    /// The tags that the request brings.
    pub request_tags: Vec<(String, String)>,
    /// The other keys of the request, by name.
    pub keys: Vec<(&'static str, Vec<String>)>,
    /// `aws:PrincipalArn`: the role or user that asks, if that is known.
    pub principal: Option<String>,
    /// `aws:RequestedRegion`; Route 53 has its own.
    pub region: &'static str,
}

impl Check {
    /// A check without tags and keys.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Check {
        Check {
            action: action.into(),
            resource: resource.into(),
            resource_tags: Vec::new(),
            request_tags: Vec::new(),
            keys: Vec::new(),
            principal: None,
            region: REGION,
        }
    }

    /// The values of a key; none if the request does not have it.
    pub(super) fn values(&self, key: &Key) -> Vec<&str> {
        let tagged = |tags: &'_ [(String, String)], wanted: &str| {
            tags.iter().position(|(key, _)| key.eq_ignore_ascii_case(wanted))
        };
        match key {
            Key::ResourceTag(tag) => {
                tagged(&self.resource_tags, tag).map(|at| self.resource_tags[at].1.as_str()).into_iter().collect()
            }
            Key::RequestTag(tag) => {
                tagged(&self.request_tags, tag).map(|at| self.request_tags[at].1.as_str()).into_iter().collect()
            }
            Key::TagKeys => self.request_tags.iter().map(|(key, _)| key.as_str()).collect(),
            Key::RequestedRegion => vec![self.region],
            Key::SecureTransport => vec!["true"],
            Key::PrincipalAccount => vec![ACCOUNT],
            Key::PrincipalArn => self.principal.as_deref().into_iter().collect(),
            Key::Named(name) => {
                let found = self.keys.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, values)| values.iter().map(String::as_str).collect()).unwrap_or_default()
            }
        }
    }
}

impl fmt::Display for Check {
    /// As AWS's messages write it: `ec2:AttachVolume on resource: arn:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resource.as_str() {
            "*" => f.write_str(&self.action),
            resource => write!(f, "{} on resource: {resource}", self.action),
        }
    }
}
