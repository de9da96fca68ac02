//! Launch templates: the versions that something can still launch from.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::operation::describe_launch_template_versions::builders::DescribeLaunchTemplateVersionsFluentBuilder;

use durin_decisions::images::references::Reference;

use super::found::{Found, Template, Use};
use crate::aws::{Aws, code, failed};
use crate::failure::Failure;

const OPERATION: &str = "ec2:DescribeLaunchTemplateVersions";
/// How many versions one call may name. (EC2 API Reference, DescribeLaunchTemplateVersions: 200.)
const VERSIONS_A_CALL: usize = 200;
/// The largest page. (The same.)
const PAGE: i32 = 200;

/// Why versions cannot be read.
enum Unreadable {
    /// One of the requested versions, or their template, does not exist: nothing can be launched from it any more.
    Gone {
        template: bool,
    },
    Failed(Failure),
}

/// The default and the latest version of every template. Without an id, EC2 lists those of all of them.
pub(super) async fn default_and_latest(aws: &Aws) -> Result<Found, Failure> {
    let call = aws.ec2.describe_launch_template_versions().versions("$Default").versions("$Latest").max_results(PAGE);
    versions(call).await.map_err(|unreadable| match unreadable {
        // A template that was deleted between two pages says nothing about the others.
        Unreadable::Gone { .. } => {
            Failure::Aws { operation: OPERATION, code: None, problem: "a launch template was deleted meanwhile".into() }
        }
        Unreadable::Failed(failure) => failure,
    })
}

/// The versions that groups and fleets name, and the failures to read some of them.
pub(super) async fn numbered(aws: &Aws, uses: Vec<Use>) -> (Found, Vec<Failure>) {
    let mut by_template: BTreeMap<Template, BTreeSet<String>> = BTreeMap::new();
    for used in uses {
        by_template.entry(used.template).or_default().insert(used.version);
    }
    let (mut found, mut failures) = (Found::default(), Vec::new());
    for (template, numbers) in by_template {
        let numbers: Vec<String> = numbers.into_iter().collect();
        // One version that is gone fails the call for all of them, so that each half is asked about again, down to
        // those that are gone: at most two calls a version.
        let mut asked: Vec<&[String]> = numbers.chunks(VERSIONS_A_CALL).collect();
        while let Some(numbers) = asked.pop() {
            let call = aws.ec2.describe_launch_template_versions().set_versions(Some(numbers.to_vec()));
            let call = match &template {
                Template::Id(id) => call.launch_template_id(id),
                Template::Name(name) => call.launch_template_name(name),
            };
            match versions(call).await {
                Ok(more) => found.extend(more),
                Err(Unreadable::Gone { template: true }) => break,
                Err(Unreadable::Gone { template: false }) if numbers.len() > 1 => {
                    let (first, second) = numbers.split_at(numbers.len() / 2);
                    asked.extend([first, second]);
                }
                Err(Unreadable::Gone { template: false }) => {}
                Err(Unreadable::Failed(failure)) => failures.push(failure),
            }
        }
    }
    (found, failures)
}

/// All pages.
async fn versions(call: DescribeLaunchTemplateVersionsFluentBuilder) -> Result<Found, Unreadable> {
    // The text as it was written, not what an alias resolves to: one that does not resolve would fail the whole call.
    let mut pages = call.resolve_alias(false).into_paginator().send();
    let mut found = Found::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| match code(&error) {
            // Probe: one-missing-version-fails-all.
            "InvalidLaunchTemplateId.VersionNotFound" => Unreadable::Gone { template: false },
            // Probe: unknown-template-is-refused.
            "InvalidLaunchTemplateId.NotFound" | "InvalidLaunchTemplateName.NotFoundException" => {
                Unreadable::Gone { template: true }
            }
            _ => Unreadable::Failed(failed(OPERATION)(error)),
        })?;
        for version in page.launch_template_versions() {
            let name = version.launch_template_name().or(version.launch_template_id()).unwrap_or("?");
            let number = version.version_number().unwrap_or_default();
            let by = Reference::LaunchTemplate { name: name.to_owned(), version: number };
            let Some(data) = version.launch_template_data() else { continue };
            let disks = data.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
            found.launch(data.image_id(), disks.map(|disk| disk.snapshot_id()), &by);
        }
    }
    Ok(found)
}
