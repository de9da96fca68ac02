//! Writing down whose the node's name is: once in its life, and never over an existing record.

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
use durin_decisions::node::{self as decisions, Claim, claim_text};

use super::apply::Applied;
use super::observe::Node;
use super::records;
use crate::aws::{Aws, code, failed, incomplete, within, words};
use crate::failure::Failure;

/// Seconds. Only a person who wonders resolves it.
const TTL_S: i64 = 300;

/// Creates the claim. A node moves without it, so a refusal is no failure: the next run tries again.
///
/// # Errors
/// None of AWS's; the batch is always complete.
pub(super) async fn claim_name(aws: &Aws, node: &mut Node) -> Result<Applied, Failure> {
    const OPERATION: &str = "route53:ChangeResourceRecordSets";
    let declared = &node.declaration;
    let value = ResourceRecord::builder().value(claim_text(&declared.group)).build().map_err(incomplete(OPERATION))?;
    let set = ResourceRecordSet::builder()
        .name(decisions::claim_name(&declared.record))
        .r#type(RrType::Txt)
        .ttl(TTL_S)
        .resource_records(value)
        .build()
        .map_err(incomplete(OPERATION))?;
    let change = Change::builder()
        .action(ChangeAction::Create)
        .resource_record_set(set)
        .build()
        .map_err(incomplete(OPERATION))?;
    let batch = ChangeBatch::builder()
        .comment(format!("Durin: {} is the name of the node {}", declared.record, declared.group))
        .changes(change)
        .build()
        .map_err(incomplete(OPERATION))?;
    let sent = aws
        .route53
        .change_resource_record_sets()
        .hosted_zone_id(declared.zone.as_str())
        .change_batch(batch)
        .customize()
        .config_override(aws_sdk_route53::config::Builder::new().timeout_config(within(records::TIMEOUT)))
        .send()
        .await;
    match sent {
        Ok(_) => {
            if let Some(name) = node.view.name.get_mut() {
                name.claim = Claim::Ours;
            }
            Ok(Applied::Done)
        }
        // Another function was faster, or another node.
        Err(error) if code(&error) == "InvalidChangeBatch" && words(&error).contains("already exists") => {
            node.view.name.forget();
            Ok(Applied::Overtaken)
        }
        Err(error) => {
            let refused = failed(OPERATION)(error);
            tracing::warn!(node = %node.name(), step = "claim-name", reason = refused.chain(), "refused");
            node.writes.note_claim_refused();
            Ok(Applied::Done)
        }
    }
}
