//! IAM: what a condition on tags refuses.

use crate::bench::Bench;
use crate::probe::{Finding, Here, Level, Probe, Rests, Trouble};

pub(super) const PROBES: &[Probe] = &[Probe {
    name: "tags-decide-before-existence",
    level: Level::Read,
    assumes: "To credentials that may detach only volumes with a certain tag, EC2 refuses a volume that does not exist as \
              UnauthorizedOperation, and does not say that there is none.",
    rests_on: &[Rests {
        file: "harness/src/wire/resources.rs",
        rule: "a resource that does not exist has no tags, so a condition on tags refuses it",
    }],
    calls: &["ec2:DetachVolume"],
    expects: "UnauthorizedOperation",
    makes: "",
    cents: 0.0,
    seconds: 2,
    here: Here::Answers,
    ask: |bench| Box::pin(tags(bench)),
}];

async fn tags(bench: &Bench) -> Result<Finding, Trouble> {
    let Some(limited) = &bench.limited else {
        let why = "it needs credentials with fewer permissions, which `just prove` makes with sts:GetFederationToken: AWS gives \
                   those only to a user with access keys";
        return Err(Trouble::Lacking(why.to_owned()));
    };
    let call = limited.detach_volume().volume_id(bench.nothing("vol")).instance_id(bench.nothing("i"));
    match call.send().await.map_err(Trouble::from) {
        Ok(_) => Ok(Finding::of(false, "AWS did it")),
        Err(Trouble::NotAllowed(refusal)) => {
            let code = refusal.code.clone();
            Ok(Finding::of(
                code == "UnauthorizedOperation",
                format!("AWS refused with {code} (HTTP {})", refusal.status),
            ))
        }
        Err(Trouble::Refused(refusal)) => Ok(Finding::of(false, format!("AWS refused with {refusal}"))),
        Err(trouble) => Err(trouble),
    }
}
