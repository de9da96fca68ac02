//! Route 53: the conditional batch by which a record moves, and how records are listed.

use std::time::Duration;

use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeStatus, HostedZoneConfig, ResourceRecord, ResourceRecordSet, RrType, Vpc,
    VpcRegion,
};

use super::calls::within;
use crate::answer::{Answer, answer};
use crate::bench::Bench;
use crate::probe::{Finding, Here, Level, Probe, Rests, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "a-record-moves-by-comparison",
        level: Level::Cheap,
        assumes: "A batch that deletes what a record set does not say, deletes one that is not there, or creates one that is, is \
                  refused whole as InvalidChangeBatch, with \"do not match\", \"not found\" or \"already exists\" in its text.",
        rests_on: &[
            Rests { file: "shared/src/node/apply.rs", rule: "those texts mean that another run was faster" },
            Rests {
                file: "shared/src/node/claim.rs",
                rule: "\"already exists\" means that somebody has claimed the name",
            },
        ],
        calls: &[
            "ec2:DescribeSubnets",
            "route53:ChangeResourceRecordSets",
            "route53:CreateHostedZone",
            "route53:ListResourceRecordSets",
        ],
        expects: "InvalidChangeBatch three times, with those texts, and the record as it was",
        makes: "a private hosted zone with a record, which costs nothing if it is gone within twelve hours",
        cents: 0.0,
        seconds: 5,
        here: Here::Answers,
        ask: |bench| Box::pin(comparison(bench)),
    },
    Probe {
        name: "a-record-shows-while-pending",
        level: Level::Cheap,
        assumes: "ListResourceRecordSets shows what a change has set as soon as it is accepted, and the change is INSYNC within \
                  60 seconds.",
        rests_on: &[
            Rests { file: "shared/src/node/apply.rs", rule: "a compare-and-swap that succeeded is as good as a read" },
            Rests { file: "harness/src/world/latency.rs", rule: "the range `change_in_sync`" },
        ],
        calls: &[
            "ec2:DescribeSubnets",
            "route53:ChangeResourceRecordSets",
            "route53:CreateHostedZone",
            "route53:GetChange",
            "route53:ListResourceRecordSets",
        ],
        expects: "the new address at once, and INSYNC within that time",
        makes: "a private hosted zone with a record",
        cents: 0.0,
        seconds: 60,
        here: Here::Answers,
        ask: |bench| Box::pin(pending(bench)),
    },
    Probe {
        name: "a-listing-begins-at-a-name",
        level: Level::Cheap,
        assumes: "ListResourceRecordSets from a name that has no records begins with the next name; names come in lower case, with \
                  a final dot, and with \\052 for an asterisk.",
        rests_on: &[Rests {
            file: "shared/src/node/records.rs",
            rule: "the first answer may be another name or type, and is compared",
        }],
        calls: &[
            "ec2:DescribeSubnets",
            "route53:ChangeResourceRecordSets",
            "route53:CreateHostedZone",
            "route53:ListResourceRecordSets",
        ],
        expects: "the other name, as Route 53 spells it",
        makes: "a private hosted zone with a record",
        cents: 0.0,
        seconds: 5,
        here: Here::Answers,
        ask: |bench| Box::pin(listing(bench)),
    },
];

async fn comparison(bench: &Bench) -> Result<Finding, Trouble> {
    let zone = Zone::make(bench, "comparison").await?;
    let name = zone.within("node");
    let here = |name: &str, address: &str| record(name, address);
    zone.change(bench, vec![(ChangeAction::Create, here(&name, "10.0.0.1")?)]).await?;
    // As a hand-off moves it, from an address that it does not have.
    let swapped = [(ChangeAction::Delete, here(&name, "10.0.0.9")?), (ChangeAction::Create, here(&name, "10.0.0.2")?)];
    let swapped = answer(zone.send(bench, swapped.to_vec()).await)?;
    let absent = zone.within("nobody");
    let deleted = answer(zone.send(bench, vec![(ChangeAction::Delete, here(&absent, "10.0.0.1")?)]).await)?;
    let created = answer(zone.send(bench, vec![(ChangeAction::Create, here(&name, "10.0.0.2")?)]).await)?;
    let says = |asked: &Answer<String>, text: &str| {
        asked.refusal().is_some_and(|refusal| refusal.code == "InvalidChangeBatch" && refusal.text.contains(text))
    };
    let stayed = zone.first(bench, &name).await?;
    let is_as_assumed = says(&swapped, "do not match")
        && says(&deleted, "not found")
        && says(&created, "already exists")
        && stayed.as_ref().is_some_and(|(_, values)| *values == ["10.0.0.1"]);
    let saw = format!("a wrong value: {swapped}; a name without records: {deleted}; a taken name: {created}");
    Ok(Finding::of(is_as_assumed, saw))
}

async fn pending(bench: &Bench) -> Result<Finding, Trouble> {
    let zone = Zone::make(bench, "pending").await?;
    let name = zone.within("node");
    let change = zone.change(bench, vec![(ChangeAction::Create, record(&name, "10.0.0.1")?)]).await?;
    let begun = bench.now();
    let shown = zone.first(bench, &name).await?;
    let look = || async {
        let change = bench.aws.route53.get_change().id(&change).send().await?.change_info;
        Ok(change.filter(|change| change.status == ChangeStatus::Insync))
    };
    let patience = (Duration::from_secs(2), Duration::from_secs(300));
    let Some((_, timing)) = bench.until(("change_in_sync", begun), patience, look).await? else {
        return Ok(Finding::of(false, "not INSYNC after five minutes"));
    };
    let is_shown = shown.is_some_and(|(shown, _)| shown == name);
    let took = within(60_000, vec![timing]);
    let listed = if is_shown { "listed at once" } else { "not listed at once" };
    let is_as_assumed = is_shown && took.verdict == crate::probe::Verdict::Proved;
    Ok(Finding::of(is_as_assumed, format!("{listed}, INSYNC after {}", took.saw)).timed(took.timings))
}

async fn listing(bench: &Bench) -> Result<Finding, Trouble> {
    let zone = Zone::make(bench, "listing").await?;
    let set = record(&format!("*.{}", zone.within("Node").trim_end_matches('.')), "10.0.0.1")?;
    zone.change(bench, vec![(ChangeAction::Create, set)]).await?;
    let expected = format!("\\052.{}", zone.within("node"));
    // Before it in Route 53's order, which is that of the reversed labels.
    let first = zone.first(bench, &zone.within("nobody")).await?;
    let saw = first.map_or_else(|| "nothing".to_owned(), |(name, _)| name);
    Ok(Finding::of(saw == expected, saw))
}

/// A private zone of the run.
struct Zone {
    id: String,
    name: String,
}

impl Zone {
    async fn make(bench: &Bench, what: &str) -> Result<Zone, Trouble> {
        let subnet = bench.subnet().await?;
        let region = bench.aws.ec2.config().region().map_or_else(String::new, ToString::to_string);
        let vpc = Vpc::builder().set_vpc_id(subnet.vpc_id).vpc_region(VpcRegion::from(region.as_str())).build();
        let name = bench.zone(what);
        let config = HostedZoneConfig::builder().private_zone(true).comment(bench.zone_comment()).build();
        let call = bench.aws.route53.create_hosted_zone().name(&name).vpc(vpc).hosted_zone_config(config);
        let made = call.caller_reference(bench.name(what)).send().await?.hosted_zone;
        let id = made.map(|zone| zone.id).ok_or_else(|| Trouble::Lacking("the zone shows no id".to_owned()))?;
        Ok(Zone { id, name })
    }

    /// A name in it, with the final dot.
    fn within(&self, label: &str) -> String {
        format!("{label}.{}", self.name)
    }

    /// The id of the change.
    async fn send(
        &self,
        bench: &Bench,
        changes: Vec<(ChangeAction, ResourceRecordSet)>,
    ) -> Result<
        String,
        aws_smithy_runtime_api::client::result::SdkError<
            aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError,
            aws_smithy_runtime_api::client::orchestrator::HttpResponse,
        >,
    > {
        use aws_smithy_runtime_api::client::result::SdkError;
        let change = |(action, set)| Change::builder().action(action).resource_record_set(set).build();
        let changes: Result<Vec<_>, _> = changes.into_iter().map(change).collect();
        let batch = changes.and_then(|changes| ChangeBatch::builder().set_changes(Some(changes)).build());
        let batch = batch.map_err(SdkError::construction_failure)?;
        let sent = bench.aws.route53.change_resource_record_sets().hosted_zone_id(&self.id).change_batch(batch);
        Ok(sent.send().await?.change_info.map(|change| change.id).unwrap_or_default())
    }

    async fn change(&self, bench: &Bench, changes: Vec<(ChangeAction, ResourceRecordSet)>) -> Result<String, Trouble> {
        Ok(self.send(bench, changes).await?)
    }

    /// The first record set at or after a name: its name and its values.
    async fn first(&self, bench: &Bench, name: &str) -> Result<Option<(String, Vec<String>)>, Trouble> {
        let call = bench.aws.route53.list_resource_record_sets().hosted_zone_id(&self.id).start_record_name(name);
        let listed = call.start_record_type(RrType::A).max_items(1).send().await?.resource_record_sets;
        Ok(listed.into_iter().next().map(|set| {
            let values = set.resource_records.unwrap_or_default().into_iter().map(|record| record.value).collect();
            (set.name, values)
        }))
    }
}

fn record(name: &str, address: &str) -> Result<ResourceRecordSet, Trouble> {
    let value = ResourceRecord::builder().value(address).build()?;
    Ok(ResourceRecordSet::builder().name(name).r#type(RrType::A).ttl(10).resource_records(value).build()?)
}
