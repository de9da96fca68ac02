//! EC2: a form in, XML out.

mod answers;
mod describe_images;
mod describe_instances;
mod filters;
mod image_references;
mod images;
mod instances;
mod launch_data;
mod launch_template_versions;
mod launch_templates;
mod network;
mod recycle_bin;
mod requests;
mod snapshots;
mod tags;
mod volumes;

use http::Request;
use serde_json::Value;

use super::action::Action;
use super::answer::Answer;
use super::query::{Dialect, Params};
use crate::iam::Caller;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

/// `DryRun` is understood by all of them.
const ACTIONS: &[Action<Params>] = &[
    Action::write("AttachVolume", &["Device", "InstanceId", "VolumeId"], volumes::attach),
    Action::write("CopyImage", images::COPY_PARAMETERS, images::copy),
    Action::write("CreateImage", images::CREATE_PARAMETERS, images::create),
    Action::write("CreateLaunchTemplate", launch_templates::CREATE_PARAMETERS, launch_templates::create),
    Action::write(
        "CreateLaunchTemplateVersion",
        launch_template_versions::CREATE_PARAMETERS,
        launch_template_versions::create,
    ),
    Action::write("CreateTags", &["ResourceId", "Tag"], tags::create),
    Action::write("CreateVolume", volumes::CREATE_PARAMETERS, volumes::create),
    Action::write("DeleteLaunchTemplate", &["LaunchTemplateId", "LaunchTemplateName"], launch_templates::delete),
    Action::write("DeleteSnapshot", &["SnapshotId"], snapshots::delete),
    Action::write("DeleteTags", &["ResourceId", "Tag"], tags::delete),
    Action::write("DeleteVolume", &["VolumeId"], volumes::delete),
    Action::write_for("DeregisterImage", &["DeleteAssociatedSnapshots", "ImageId"], images::deregister),
    Action::read(
        "DescribeAvailabilityZones",
        &["AllAvailabilityZones", "Filter", "ZoneName"],
        network::describe_availability_zones,
    ),
    Action::read("DescribeFleets", &["Filter", "FleetId", "MaxResults", "NextToken"], requests::fleets),
    Action::read("DescribeImageAttribute", &["Attribute", "ImageId"], describe_images::attribute),
    Action::read("DescribeImageReferences", image_references::PARAMETERS, image_references::describe),
    Action::read("DescribeImages", describe_images::DESCRIBE_PARAMETERS, describe_images::images),
    Action::read("DescribeInstanceStatus", describe_instances::STATUS_PARAMETERS, describe_instances::statuses),
    Action::read(
        "DescribeInstances",
        &["Filter", "InstanceId", "MaxResults", "NextToken"],
        describe_instances::reservations,
    ),
    Action::read(
        "DescribeLaunchTemplateVersions",
        launch_template_versions::DESCRIBE_PARAMETERS,
        launch_template_versions::describe,
    ),
    Action::read("DescribeLaunchTemplates", launch_templates::DESCRIBE_PARAMETERS, launch_templates::describe),
    Action::read("DescribeSnapshots", snapshots::DESCRIBE_PARAMETERS, snapshots::describe),
    Action::read(
        "DescribeSpotFleetRequests",
        &["MaxResults", "NextToken", "SpotFleetRequestId"],
        requests::spot_fleets,
    ),
    Action::read(
        "DescribeSpotInstanceRequests",
        &["Filter", "MaxResults", "NextToken", "SpotInstanceRequestId"],
        requests::spot_instances,
    ),
    Action::read("DescribeSubnets", &["Filter", "MaxResults", "NextToken", "SubnetId"], network::describe_subnets),
    Action::read("DescribeTags", &["Filter", "MaxResults", "NextToken"], tags::describe),
    Action::read("DescribeVolumes", &["Filter", "MaxResults", "NextToken", "VolumeId"], volumes::describe),
    Action::read("DescribeVpcs", &["Filter", "MaxResults", "NextToken", "VpcId"], network::describe_vpcs),
    Action::write("DetachVolume", &["Device", "Force", "InstanceId", "VolumeId"], volumes::detach),
    Action::write("DisableImage", &["ImageId"], images::disable),
    Action::write("DisableImageDeprecation", &["ImageId"], images::disable_deprecation),
    Action::write("DisableImageDeregistrationProtection", &["ImageId"], images::disable_protection),
    Action::write("EnableImage", &["ImageId"], images::enable),
    Action::write("EnableImageDeprecation", &["DeprecateAt", "ImageId"], images::enable_deprecation),
    Action::write("EnableImageDeregistrationProtection", &["ImageId", "WithCooldown"], images::enable_protection),
    Action::read("ListImagesInRecycleBin", &["ImageId", "MaxResults", "NextToken"], recycle_bin::images),
    Action::read("ListSnapshotsInRecycleBin", &["MaxResults", "NextToken", "SnapshotId"], recycle_bin::snapshots),
    Action::write("ModifyImageAttribute", images::MODIFY_PARAMETERS, images::modify),
    Action::write(
        "ModifyLaunchTemplate",
        &["ClientToken", "LaunchTemplateId", "LaunchTemplateName", "SetDefaultVersion"],
        launch_templates::modify,
    ),
    Action::write("RegisterImage", images::REGISTER_PARAMETERS, images::register),
    Action::write("RestoreImageFromRecycleBin", &["ImageId"], recycle_bin::restore_image),
    Action::write("RestoreSnapshotFromRecycleBin", &["SnapshotId"], recycle_bin::restore_snapshot),
    Action::write("RunInstances", instances::RUN_PARAMETERS, instances::run),
    Action::write("StartInstances", &["InstanceId"], instances::start),
    Action::write("StopInstances", &["InstanceId"], instances::stop),
    Action::write("TerminateInstances", &["InstanceId"], instances::terminate),
];

/// The parameters that say what a call is about.
const SUBJECTS: &[&str] = &[
    "VolumeId",
    "InstanceId",
    "Device",
    "ResourceId",
    "LaunchTemplateId",
    "LaunchTemplateName",
    "AvailabilityZone",
    "SubnetId",
    "VpcId",
    "ImageId",
    "SnapshotId",
    "SourceImageId",
    "Name",
];

pub(super) fn is_write(name: &str) -> Option<bool> {
    Action::find(ACTIONS, name).map(Action::is_write)
}

pub(super) fn answer(
    world: &mut World,
    caller: &Caller,
    name: &str,
    request: &Request<Vec<u8>>,
) -> (String, ApiResult<Answer>) {
    let params = Params::parse(Dialect::Ec2, request.body());
    (params.about(SUBJECTS), run(world, caller, name, &params).map(Answer::from))
}

fn run(world: &mut World, caller: &Caller, name: &str, params: &Params) -> ApiResult<Value> {
    let action = Action::find(ACTIONS, name).ok_or_else(|| {
        let text =
            format!("The action {name} is not valid for this web service. The local AWS does not have this operation.");
        ApiError::new("InvalidAction", text)
    })?;
    if let Some(unknown) = action.unknown_parameter(params.names().filter(|name| *name != "DryRun")) {
        return Err(params.unknown(unknown));
    }
    if params.flag("DryRun")? == Some(true) {
        let text = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::new("DryRunOperation", text).with_status(412));
    }
    action.run(world, caller, params)
}

/// Whether a request asks for everything at once, with neither a filter nor pages.
pub(super) fn is_unfiltered(request: &Request<Vec<u8>>) -> bool {
    let mut names = form_urlencoded::parse(request.body()).map(|(name, _)| name);
    !names.any(|name| name == "MaxResults" || name.starts_with("Filter."))
}
