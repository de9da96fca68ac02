//! Launch templates: the versions that something can still launch from.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::operation::describe_launch_template_versions::builders::DescribeLaunchTemplateVersionsFluentBuilder;

use durin_decisions::images::references::Reference;

use super::found::{Found, Template, Use};
use crate::aws::{Aws, code, failed};
use crate::failure::Failure;

/// How many versions one call may name. (EC2 API Reference, DescribeLaunchTemplateVersions: 200.)
const VERSIONS_A_CALL: usize = 200;
/// The largest page. (The same.)
const PAGE: i32 = 200;

/// The default and the latest version of every template. Without an id, EC2 lists those of all of them.
pub(super) async fn default_and_latest(aws: &Aws) -> Result<Found, Failure> {
    let call = aws.ec2.describe_launch_template_versions().versions("$Default").versions("$Latest").max_results(PAGE);
    Ok(versions(call).await?.unwrap_or_default())
}

/// The versions that groups and fleets name.
pub(super) async fn numbered(aws: &Aws, uses: Vec<Use>) -> Result<Found, Failure> {
    let mut by_template: BTreeMap<Template, BTreeSet<String>> = BTreeMap::new();
    for used in uses {
        by_template.entry(used.template).or_default().insert(used.version);
    }
    let mut found = Found::default();
    for (template, numbers) in by_template {
        let numbers: Vec<String> = numbers.into_iter().collect();
        for chunk in numbers.chunks(VERSIONS_A_CALL) {
            let call = aws.ec2.describe_launch_template_versions().set_versions(Some(chunk.to_vec()));
            let call = match &template {
                Template::Id(id) => call.launch_template_id(id),
                Template::Name(name) => call.launch_template_name(name),
            };
            found.extend(versions(call).await?.unwrap_or_default());
        }
    }
    Ok(found)
}

/// All pages; `None` if the template or version is gone, so that nothing can be launched from it.
async fn versions(call: DescribeLaunchTemplateVersionsFluentBuilder) -> Result<Option<Found>, Failure> {
    // The text as it was written, not what an alias resolves to: one that does not resolve would fail the whole call.
    let mut pages = call.resolve_alias(false).into_paginator().send();
    let mut found = Found::default();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if is_gone(code(&error)) => return Ok(None),
            Err(error) => return Err(failed("ec2:DescribeLaunchTemplateVersions")(error)),
        };
        for version in page.launch_template_versions() {
            let name = version.launch_template_name().or(version.launch_template_id()).unwrap_or("?");
            let number = version.version_number().unwrap_or_default();
            let by = Reference::LaunchTemplate { name: name.to_owned(), version: number };
            let Some(data) = version.launch_template_data() else { continue };
            let disks = data.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
            found.launch(data.image_id(), disks.map(|disk| disk.snapshot_id()), &by);
        }
    }
    Ok(Some(found))
}

fn is_gone(code: &str) -> bool {
    matches!(
        code,
        "InvalidLaunchTemplateId.NotFound"
            | "InvalidLaunchTemplateName.NotFoundException"
            | "InvalidLaunchTemplateId.VersionNotFound"
    )
}
