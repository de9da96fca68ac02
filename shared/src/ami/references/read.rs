//! All sources, each with all its pages. They are read at the same time; one that fails names itself.

use std::future::Future;
use std::pin::Pin;

use aws_sdk_ec2::types as ec2;
use durin_decisions::images::references::{Reference, References};
use futures_util::future::join_all;

use super::found::{Found, Use};
use super::parameters::{self, Parameters, Selector, Texts};
use super::templates;
use crate::aws::{Aws, all};
use crate::failure::Failure;
use crate::ids::ParameterName;

/// The largest page of instances, fleets and requests. (EC2 API Reference.)
const PAGE: i32 = 1000;
/// The largest page of Auto Scaling. (Auto Scaling API Reference.)
const AUTOSCALING_PAGE: i32 = 100;

type Source<'a> = (&'static str, Pin<Box<dyn Future<Output = Result<Found, Failure>> + Send + 'a>>);

/// Reads every reference in the account, where `families` are parameters that count in any case; and lists the
/// parameters that are left for a closer look.
pub(in crate::ami) async fn read(aws: &Aws, families: impl Iterator<Item = ParameterName>) -> (References, Texts) {
    let mut references = References::default();
    let sources: Vec<Source<'_>> = vec![
        ("instances", Box::pin(instances(aws))),
        ("launch configurations", Box::pin(launch_configurations(aws))),
        ("Auto Scaling groups", Box::pin(groups(aws))),
        ("fleets", Box::pin(fleets(aws))),
        ("spot fleets", Box::pin(spot_fleets(aws))),
        ("spot requests", Box::pin(spot_requests(aws))),
        ("launch templates", Box::pin(templates::default_and_latest(aws))),
    ];
    let (names, futures): (Vec<_>, Vec<_>) = sources.into_iter().unzip();
    let mut found = Found::default();
    for (name, answer) in names.into_iter().zip(join_all(futures).await) {
        add(&mut found, &mut references, name, answer);
    }
    let (numbered, failures) = templates::numbered(aws, std::mem::take(&mut found.templates)).await;
    found.extend(numbered);
    references.unread.extend(failures.iter().map(|failure| format!("launch template versions: {}", failure.chain())));

    let asked = found.images.iter().filter_map(|(image, _)| Selector::of_image(image)).collect();
    let Parameters { values, texts, failures } = parameters::read(aws, asked, families).await;
    values.into_iter().for_each(|(value, by)| references.add_text(&value, &by));
    references.unread.extend(failures.iter().map(|failure| format!("parameters: {}", failure.chain())));
    found.images.into_iter().for_each(|(image, by)| references.add_image(&image, by));
    found.snapshots.into_iter().for_each(|(snapshot, by)| references.add_snapshot(&snapshot, by));
    (references, texts)
}

fn add(found: &mut Found, references: &mut References, source: &str, answer: Result<Found, Failure>) {
    match answer {
        Ok(more) => found.extend(more),
        Err(failure) => references.unread.push(format!("{source}: {}", failure.chain())),
    }
}

/// Stopped ones count: they would not start again.
async fn instances(aws: &Aws) -> Result<Found, Failure> {
    let pages = aws.ec2.describe_instances().max_results(PAGE).into_paginator().items().send();
    let reservations = all(pages, "ec2:DescribeInstances").await?;
    let mut found = Found::default();
    for instance in reservations.iter().flat_map(|reservation| reservation.instances()) {
        let state = instance.state().and_then(|state| state.name());
        if let (Some(image), Some(id)) = (instance.image_id(), instance.instance_id())
            && state != Some(&ec2::InstanceStateName::Terminated)
        {
            found.images.push((image.to_owned(), Reference::Instance(id.to_owned())));
        }
    }
    Ok(found)
}

async fn launch_configurations(aws: &Aws) -> Result<Found, Failure> {
    let call = aws.autoscaling.describe_launch_configurations().max_records(AUTOSCALING_PAGE);
    let listed = all(call.into_paginator().items().send(), "autoscaling:DescribeLaunchConfigurations").await?;
    let mut found = Found::default();
    for configuration in &listed {
        let by = Reference::LaunchConfiguration(configuration.launch_configuration_name().unwrap_or("?").to_owned());
        let disks = configuration.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
        found.launch(configuration.image_id(), disks.map(|disk| disk.snapshot_id()), &by);
    }
    Ok(found)
}

async fn groups(aws: &Aws) -> Result<Found, Failure> {
    let call = aws.autoscaling.describe_auto_scaling_groups().max_records(AUTOSCALING_PAGE);
    let listed = all(call.into_paginator().items().send(), "autoscaling:DescribeAutoScalingGroups").await?;
    let mut found = Found::default();
    for group in &listed {
        let mixed = group.mixed_instances_policy().and_then(|policy| policy.launch_template());
        let overrides = mixed.map(|mixed| mixed.overrides()).unwrap_or_default();
        let of_instances = group.instances().iter().filter_map(|instance| instance.launch_template());
        let specifications = group
            .launch_template()
            .into_iter()
            .chain(mixed.and_then(|mixed| mixed.launch_template_specification()))
            .chain(overrides.iter().filter_map(|it| it.launch_template_specification()))
            .chain(of_instances);
        found.templates.extend(specifications.filter_map(|specification| {
            Use::new(specification.launch_template_id(), specification.launch_template_name(), specification.version())
        }));
        let by = || Reference::Group(group.auto_scaling_group_name().unwrap_or("?").to_owned());
        found.images.extend(overrides.iter().filter_map(|it| Some((it.image_id()?.to_owned(), by()))));
    }
    Ok(found)
}

async fn fleets(aws: &Aws) -> Result<Found, Failure> {
    let pages = aws.ec2.describe_fleets().max_results(PAGE).into_paginator().items().send();
    let listed = all(pages, "ec2:DescribeFleets").await?;
    let mut found = Found::default();
    for fleet in &listed {
        let by = || Reference::Fleet(fleet.fleet_id().unwrap_or("?").to_owned());
        for config in fleet.launch_template_configs() {
            found.templates.extend(config.launch_template_specification().and_then(fleet_use));
            found.images.extend(config.overrides().iter().filter_map(|it| Some((it.image_id()?.to_owned(), by()))));
        }
    }
    Ok(found)
}

async fn spot_fleets(aws: &Aws) -> Result<Found, Failure> {
    let pages = aws.ec2.describe_spot_fleet_requests().max_results(PAGE).into_paginator().items().send();
    let listed = all(pages, "ec2:DescribeSpotFleetRequests").await?;
    let mut found = Found::default();
    for fleet in &listed {
        let by = Reference::SpotFleet(fleet.spot_fleet_request_id().unwrap_or("?").to_owned());
        let Some(config) = fleet.spot_fleet_request_config() else { continue };
        for launch in config.launch_specifications() {
            let disks = launch.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
            found.launch(launch.image_id(), disks.map(|disk| disk.snapshot_id()), &by);
        }
        let specifications = config.launch_template_configs().iter();
        found.templates.extend(specifications.filter_map(|it| it.launch_template_specification().and_then(fleet_use)));
    }
    Ok(found)
}

fn fleet_use(specification: &ec2::FleetLaunchTemplateSpecification) -> Option<Use> {
    Use::new(specification.launch_template_id(), specification.launch_template_name(), specification.version())
}

/// Open and active ones launch again; closed, cancelled and failed ones never do.
async fn spot_requests(aws: &Aws) -> Result<Found, Failure> {
    let living = ec2::Filter::builder().name("state").values("open").values("active").values("disabled").build();
    let call = aws.ec2.describe_spot_instance_requests().filters(living).max_results(PAGE);
    let listed = all(call.into_paginator().items().send(), "ec2:DescribeSpotInstanceRequests").await?;
    let mut found = Found::default();
    for request in &listed {
        let by = Reference::SpotRequest(request.spot_instance_request_id().unwrap_or("?").to_owned());
        let Some(launch) = request.launch_specification() else { continue };
        let disks = launch.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
        found.launch(launch.image_id(), disks.map(|disk| disk.snapshot_id()), &by);
    }
    Ok(found)
}
