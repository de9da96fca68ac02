//! What says how instances are launched, in each place where it can be said.

use crate::wire::query::Params;
use crate::world::ec2::ShownAsSaid;
use crate::world::error::ApiResult;

/// Whether the market options ask for spot instances.
pub(super) fn is_spot(params: &Params) -> ApiResult<bool> {
    let options = params.structure("InstanceMarketOptions");
    match options.text("MarketType") {
        None => Ok(false),
        Some("spot") => Ok(true),
        Some(other) => Err(options.invalid("MarketType", other)),
    }
}

/// Device names and snapshots, of the mappings that name a snapshot.
pub(super) fn snapshot_devices(params: &Params, name: &str) -> Vec<(String, String)> {
    let mappings = params.structures(name);
    let device = |mapping: &Params| Some((mapping.owned("DeviceName")?, mapping.structure("Ebs").owned("SnapshotId")?));
    mappings.iter().filter_map(device).collect()
}

/// `MetadataOptions`, of which only the tags matter here.
pub(super) fn tags_in_metadata(params: &Params) -> ApiResult<Option<bool>> {
    let options = params.structure("MetadataOptions");
    match options.text("InstanceMetadataTags") {
        None => Ok(None),
        Some("enabled") => Ok(Some(true)),
        Some("disabled") => Ok(Some(false)),
        Some(other) => Err(options.invalid("InstanceMetadataTags", other)),
    }
}

/// Of the metadata options what only people read here, and the instance profile.
pub(super) fn shown_as_said(params: &Params) -> ApiResult<ShownAsSaid> {
    let (options, profile) = (params.structure("MetadataOptions"), params.structure("IamInstanceProfile"));
    if let Some(other) = options.text("HttpTokens").filter(|tokens| !["required", "optional"].contains(tokens)) {
        return Err(options.invalid("HttpTokens", other));
    }
    Ok(ShownAsSaid {
        http_tokens: options.owned("HttpTokens"),
        hop_limit: options.number("HttpPutResponseHopLimit")?,
        profile_name: profile.owned("Name"),
        profile_arn: profile.owned("Arn"),
    })
}

/// EC2's words for whether a metadata option is on.
pub(super) fn enabled(is_on: bool) -> &'static str {
    if is_on { "enabled" } else { "disabled" }
}
