//! Writing down whose the node's name is: once in its life, and never over an existing record.

use aws_sdk_route53::types::{ChangeAction, RrType};
use durin_decisions::node::{self as decisions, Claim, claim_text};

use super::applied::Applied;
use super::changes;
use super::observe::Node;
use crate::aws::{Aws, code, failed, words};
use crate::failure::Failure;

/// Seconds. Only a person who wonders resolves it.
const TTL_S: i64 = 300;

/// Creates the claim. A node moves without it, so a refusal is no failure: the next run tries again.
///
/// # Errors
/// None of AWS's; the batch is always complete.
pub(super) async fn claim_name(aws: &Aws, node: &mut Node) -> Result<Applied, Failure> {
    let declared = &node.declaration;
    let (name, text) = (decisions::claim_name(&declared.record), claim_text(&declared.group));
    let change = changes::change(ChangeAction::Create, &name, RrType::Txt, TTL_S, &text)?;
    let comment = format!("Durin: {} is the name of the node {}", declared.record, declared.group);
    match changes::send(aws, declared, comment, vec![change]).await? {
        None => {
            if let Some(name) = node.view.name.get_mut() {
                name.claim = Claim::Ours;
            }
            Ok(Applied::Done)
        }
        // Another function was faster, or another node. Probe: a-record-moves-by-comparison.
        Some(error) if code(&error) == "InvalidChangeBatch" && words(&error).contains("already exists") => {
            node.view.name.forget();
            Ok(Applied::Overtaken)
        }
        Some(error) => {
            let refused = failed(changes::OPERATION)(error);
            tracing::warn!(node = %node.name(), step = "claim-name", reason = refused.chain(), "refused");
            node.writes.note_claim_refused();
            Ok(Applied::Done)
        }
    }
}
