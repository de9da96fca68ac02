//! The launch template.

use aws_sdk_ec2::types::{
    LaunchTemplateHttpTokensState, LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataTagsState, ResponseLaunchTemplateData,
};
use durin::tags::FAMILY;
use durin_decisions::node::DEVICE;

use super::{missing, unknown};
use crate::check::list::Verdict;
use crate::check::read::Facts;

const NEW_VERSION: &str = "make a new version of the launch template";

pub(in crate::check) fn exists(facts: &Facts) -> Verdict {
    match &facts.template {
        Ok(Some(_)) => Verdict::Present,
        Ok(None) => missing(
            "the group has no launch template, or EC2 does not list the version that it names",
            "give it a launch template",
        ),
        Err(why) => unknown(why),
    }
}

pub(in crate::check) fn metadata_tags(facts: &Facts) -> Verdict {
    judged(facts, |template| {
        let options = template.metadata_options();
        if options.and_then(|it| it.http_endpoint()) == Some(&LaunchTemplateInstanceMetadataEndpointState::Disabled) {
            return missing(
                "HttpEndpoint is disabled in the group's launch template",
                format!("{NEW_VERSION} with HttpEndpoint enabled"),
            );
        }
        match options.and_then(|it| it.instance_metadata_tags()) {
            Some(LaunchTemplateInstanceMetadataTagsState::Enabled) => Verdict::Present,
            Some(_) | None => missing(
                "InstanceMetadataTags is not enabled in the group's launch template",
                format!("{NEW_VERSION} with InstanceMetadataTags enabled in its MetadataOptions"),
            ),
        }
    })
}

pub(in crate::check) fn metadata_private(facts: &Facts) -> Verdict {
    judged(facts, |template| {
        let options = template.metadata_options();
        let tokens = options.and_then(|it| it.http_tokens()) == Some(&LaunchTemplateHttpTokensState::Required);
        let hops = options.and_then(|it| it.http_put_response_hop_limit());
        match (tokens, hops) {
            (true, Some(1)) => Verdict::Present,
            (tokens, hops) => missing(
                format!(
                    "HttpTokens is {}required, and HttpPutResponseHopLimit {}",
                    if tokens { "" } else { "not " },
                    hops.map_or("not set".to_owned(), |hops| hops.to_string())
                ),
                format!("{NEW_VERSION} with HttpTokens required and HttpPutResponseHopLimit 1"),
            ),
        }
    })
}

pub(in crate::check) fn image(facts: &Facts) -> Verdict {
    judged(facts, |template| {
        let parameter = template.image_id().and_then(|id| id.strip_prefix("resolve:ssm:"));
        match (parameter, &facts.parameter_is_tagged) {
            (None, _) => missing(
                format!("ImageId is {}", template.image_id().unwrap_or("not set")),
                format!("{NEW_VERSION} with ImageId resolve:ssm:/durin/image"),
            ),
            (Some(_), Ok(Some(true))) => Verdict::Present,
            (Some(name), Ok(_)) => missing(
                format!("the parameter {name} has no tag {FAMILY}, so that no image is published to it"),
                format!(
                    "aws ssm add-tags-to-resource --resource-type Parameter --resource-id {name} --tags Key={FAMILY},Value={name}"
                ),
            ),
            (Some(_), Err(why)) => unknown(why),
        }
    })
}

pub(in crate::check) fn device(facts: &Facts) -> Verdict {
    judged(facts, |template| {
        let mut devices = template.block_device_mappings().iter().filter_map(|it| it.device_name());
        match devices.find(|name| *name == DEVICE) {
            Some(_) => {
                missing(format!("the group's launch template maps {DEVICE}"), format!("{NEW_VERSION} without {DEVICE}"))
            }
            None => Verdict::Present,
        }
    })
}

/// What its role allows shows when an agent comes online.
pub(in crate::check) fn profile(facts: &Facts) -> Verdict {
    judged(facts, |template| match template.iam_instance_profile() {
        Some(_) => Verdict::Present,
        // Systems Manager's Default Host Management Configuration gives a role to instances without one.
        None if facts.online.as_ref().is_ok_and(|online| !online.is_empty()) => Verdict::Present,
        None => missing(
            "the group's launch template names no instance profile",
            format!("{NEW_VERSION} with IamInstanceProfile; the role is InstanceRole in infra/node.yaml"),
        ),
    })
}

pub(in crate::check) fn protection(facts: &Facts) -> Verdict {
    judged(facts, |template| match template.disable_api_termination() {
        Some(true) => missing(
            "DisableApiTermination is true in the group's launch template",
            format!("{NEW_VERSION} with DisableApiTermination false"),
        ),
        Some(false) | None => Verdict::Present,
    })
}

fn judged(facts: &Facts, judge: impl Fn(&ResponseLaunchTemplateData) -> Verdict) -> Verdict {
    match &facts.template {
        Ok(Some(template)) => judge(template),
        Ok(None) => unknown("there is no launch template to look at"),
        Err(why) => unknown(why),
    }
}
