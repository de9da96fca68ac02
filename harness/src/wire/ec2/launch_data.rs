//! What says how instances are launched, in each place where it can be said.

use crate::wire::query::Params;
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
