//! Writing record sets: one transactional batch, within the time that Route 53 is given.

use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};

use super::records;
use crate::aws::{Aws, incomplete, within};
use crate::declaration::Declaration;
use crate::failure::Failure;

pub(super) const OPERATION: &str = "route53:ChangeResourceRecordSets";

/// The change of a simple record set with one value.
pub(super) fn change(
    action: ChangeAction,
    name: &str,
    record_type: RrType,
    ttl_s: i64,
    value: &str,
) -> Result<Change, Failure> {
    let value = ResourceRecord::builder().value(value).build().map_err(incomplete(OPERATION))?;
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(record_type)
        .ttl(ttl_s)
        .resource_records(value)
        .build()
        .map_err(incomplete(OPERATION))?;
    Change::builder().action(action).resource_record_set(set).build().map_err(incomplete(OPERATION))
}

/// Sends changes to the node's zone, and returns Route 53's refusal, if it refuses.
///
/// # Errors
/// When the batch is empty.
pub(super) async fn send(
    aws: &Aws,
    node: &Declaration,
    comment: String,
    changes: Vec<Change>,
) -> Result<Option<SdkError<ChangeResourceRecordSetsError>>, Failure> {
    let batch = ChangeBatch::builder().comment(comment).set_changes(Some(changes));
    let sent = aws
        .route53
        .change_resource_record_sets()
        .hosted_zone_id(node.zone.as_str())
        .change_batch(batch.build().map_err(incomplete(OPERATION))?)
        .customize()
        .config_override(aws_sdk_route53::config::Builder::new().timeout_config(within(records::TIMEOUT)))
        .send()
        .await;
    Ok(sent.err())
}
