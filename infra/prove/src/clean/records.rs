//! Hosted zones with their records, and parameters: these are found by their names.

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, RrType};

use super::{Found, Thing};
use crate::answer::{Answer, answer};
use crate::bench::{Bench, DOMAIN, PARAMETERS, TAG};
use crate::probe::Trouble;

/// Those below the domain that have the comment, too.
pub(super) async fn zones(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let mut pages = bench.aws.route53.list_hosted_zones().into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for zone in page?.hosted_zones {
            let comment = zone.config.and_then(|config| config.comment).unwrap_or_default();
            let run = comment.strip_prefix(TAG).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned);
            let run = run.filter(|_| zone.name.ends_with(&format!(".{DOMAIN}.")));
            found.extend(run.map(|run| Found { what: Thing::Zone, id: zone.id, run }));
        }
    }
    Ok(found)
}

/// Its records first, because Route 53 deletes only empty zones.
pub(super) async fn delete_zone(bench: &Bench, id: &str) -> Result<(), Trouble> {
    let id = id.trim_start_matches("/hostedzone/");
    let listed = match answer(bench.aws.route53.list_resource_record_sets().hosted_zone_id(id).send().await)? {
        Answer::Taken(listed) => listed.resource_record_sets,
        Answer::Refused(refusal) if refusal.code == "NoSuchHostedZone" => return Ok(()),
        Answer::Refused(refusal) => return Err(Trouble::Refused(refusal)),
    };
    let own = listed.into_iter().filter(|set| !matches!(set.r#type, RrType::Ns | RrType::Soa));
    let changes = own.map(|set| Change::builder().action(ChangeAction::Delete).resource_record_set(set).build());
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    if !changes.is_empty() {
        let batch = ChangeBatch::builder().set_changes(Some(changes)).build()?;
        bench.aws.route53.change_resource_record_sets().hosted_zone_id(id).change_batch(batch).send().await?;
    }
    match answer(bench.aws.route53.delete_hosted_zone().id(id).send().await)? {
        Answer::Refused(refusal) if refusal.code != "NoSuchHostedZone" => Err(Trouble::Refused(refusal)),
        Answer::Taken(_) | Answer::Refused(_) => Ok(()),
    }
}

pub(super) async fn parameters(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let mut pages = bench.aws.ssm.get_parameters_by_path().path(PARAMETERS).recursive(true).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for id in page?.parameters.unwrap_or_default().into_iter().filter_map(|parameter| parameter.name) {
            let below = id.strip_prefix(PARAMETERS).and_then(|rest| rest.strip_prefix('/'));
            // `/durin/proof/<run>/<what>`; anything else there is not a probe's.
            let run = below.and_then(|rest| rest.split_once('/')).map(|(run, _)| run.to_owned());
            found.extend(run.map(|run| Found { what: Thing::Parameter, id, run }));
        }
    }
    Ok(found)
}

pub(super) async fn delete_parameter(bench: &Bench, name: &str) -> Result<(), Trouble> {
    match answer(bench.aws.ssm.delete_parameter().name(name).send().await)? {
        Answer::Refused(refusal) if refusal.code != "ParameterNotFound" => Err(Trouble::Refused(refusal)),
        Answer::Taken(_) | Answer::Refused(_) => Ok(()),
    }
}
