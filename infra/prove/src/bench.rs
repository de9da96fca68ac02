//! What every probe works with: the clients, names that are the run's own, time.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_ec2::types::{Filter, ResourceType, Subnet, Tag, TagSpecification};
use durin::aws::Aws;

use crate::probe::{Timing, Trouble};

/// The tag of all that a probe makes; its value is the run.
pub const TAG: &str = "durin:proof";
/// What the names of things begin with that a probe makes.
pub const PREFIX: &str = "durin-proof-";
/// Where its parameters are.
pub const PARAMETERS: &str = "/durin/proof";
/// Whose subdomains its zones are.
pub const DOMAIN: &str = "proof.durin.internal";

/// Where a run asks, and under which name.
#[derive(Clone, Debug)]
pub struct Bench {
    pub aws: Aws,
    /// A client that may detach volumes with the tag `durin:volume` and do nothing else, if there is one.
    pub limited: Option<aws_sdk_ec2::Client>,
    /// The second in which it has begun, since 1970. Names have to be new: AWS remembers those of what was deleted.
    pub run: String,
    /// The runs that it goes on with, which were stopped.
    pub former: Vec<String>,
    /// For what needs a network; the account's first default one without it.
    pub subnet: Option<String>,
    /// The instance profile of its instances, without which Systems Manager does not know them.
    pub profile: Option<String>,
}

impl Bench {
    /// A run that begins now.
    pub fn new(aws: Aws) -> Bench {
        let begun = aws.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Bench { aws, limited: None, run: begun.as_secs().to_string(), former: Vec::new(), subnet: None, profile: None }
    }

    /// Whether something of that run is this one's to remove.
    pub fn is_ours(&self, run: &str) -> bool {
        self.run == run || self.former.iter().any(|former| former == run)
    }

    pub fn now(&self) -> SystemTime {
        self.aws.clock.now()
    }

    pub async fn pause(&self, span: Duration) {
        self.aws.clock.sleep(span).await;
    }

    /// The name of something that is neither a parameter nor a zone.
    pub fn name(&self, what: &str) -> String {
        format!("{PREFIX}{}-{what}", self.run)
    }

    /// What a zone is marked with: a comment comes into being with it, which its tags would not.
    pub fn zone_comment(&self) -> String {
        format!("{TAG}={}", self.run)
    }

    pub fn parameter(&self, what: &str) -> String {
        format!("{PARAMETERS}/{}/{what}", self.run)
    }

    /// With the final dot, as Route 53 shows it.
    pub fn zone(&self, what: &str) -> String {
        format!("{what}.{}.{DOMAIN}.", self.run)
    }

    /// The tag, for what EC2 makes.
    pub fn tags(&self, kind: ResourceType) -> TagSpecification {
        let tag = Tag::builder().key(TAG).value(&self.run).build();
        TagSpecification::builder().resource_type(kind).tags(tag).build()
    }

    /// An id like EC2's, of nothing: its digits are the run's.
    pub fn nothing(&self, kind: &str) -> String {
        let seed = self
            .run
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        format!("{kind}-0{seed:016x}")
    }

    /// How long a call took, from here.
    ///
    /// # Errors
    /// The call's.
    pub async fn timed<T>(
        &self,
        latency: &str,
        call: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<(T, Timing), Trouble> {
        let begun = self.now();
        let result = call.await?;
        let took = millis(self.since(begun));
        Ok((result, Timing { latency: latency.to_owned(), at_least_ms: took, at_most_ms: took }))
    }

    /// Looks until there is something to see, every `pause`, for `limit` at the most. What was seen, and how long it took from
    /// `begun`, between the last look that saw nothing and the first that did.
    ///
    /// # Errors
    /// A look's.
    pub async fn until<T, L>(
        &self,
        (latency, begun): (&str, SystemTime),
        (pause, limit): (Duration, Duration),
        mut look: impl FnMut() -> L,
    ) -> Result<Option<(T, Timing)>, Trouble>
    where
        L: Future<Output = Result<Option<T>, Trouble>>,
    {
        let mut at_least_ms = 0;
        loop {
            let asked = millis(self.since(begun));
            let seen = look().await?;
            let answered = self.since(begun);
            if let Some(seen) = seen {
                let timing = Timing { latency: latency.to_owned(), at_least_ms, at_most_ms: millis(answered) };
                return Ok(Some((seen, timing)));
            }
            if answered >= limit {
                return Ok(None);
            }
            at_least_ms = asked;
            self.pause(pause).await;
        }
    }

    pub fn since(&self, begun: SystemTime) -> Duration {
        self.now().duration_since(begun).unwrap_or_default()
    }

    /// The subnet for what needs a network.
    ///
    /// # Errors
    /// When there is none.
    pub async fn subnet(&self) -> Result<Subnet, Trouble> {
        let call = self.aws.ec2.describe_subnets();
        let call = match &self.subnet {
            Some(id) => call.subnet_ids(id),
            None => call.filters(filter("default-for-az", "true")),
        };
        let mut subnets = call.send().await?.subnets.unwrap_or_default();
        subnets.sort_by(|left, right| left.availability_zone.cmp(&right.availability_zone));
        let first = subnets.into_iter().next();
        first.ok_or_else(|| Trouble::Lacking("there is no default subnet here: pass --subnet subnet-…".to_owned()))
    }
}

pub fn filter(name: &str, value: impl Into<String>) -> Filter {
    Filter::builder().name(name).values(value).build()
}

pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
