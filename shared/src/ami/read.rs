//! Reading images, snapshots and parameters, and from the SDK's types to ours.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::operation::describe_images::builders::DescribeImagesFluentBuilder;
use aws_sdk_ec2::types as ec2;
use aws_sdk_ssm::types::ParameterStringFilter;

use durin_decisions::images::publish::IMAGE_DATA_TYPE;
use durin_decisions::images::references::image_in_description;
use durin_decisions::images::{Image, ImageState, Snapshot};

use crate::aws::{Aws, all, code, failed, incomplete};
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName, SnapshotId};
use crate::tags::FAMILY;
use crate::times::instant;

/// The largest page of images and of snapshots. (EC2 API Reference.)
const PAGE: i32 = 1000;
/// How many values one filter may have. (EC2 API Reference, "Listing and filtering using the CLI and API".)
const VALUES_A_FILTER: usize = 200;

/// Every image of this account that names a family, including disabled ones.
pub(super) async fn family_images(aws: &Aws) -> Result<Vec<Image>, Failure> {
    let tagged = ec2::Filter::builder().name("tag-key").values(FAMILY).build();
    images(own_images(aws).filters(tagged)).await
}

/// Every image of this account.
pub(super) async fn every_image(aws: &Aws) -> Result<Vec<Image>, Failure> {
    images(own_images(aws)).await
}

/// Without an owner, EC2 would also list everyone's public images.
fn own_images(aws: &Aws) -> DescribeImagesFluentBuilder {
    aws.ec2.describe_images().owners("self").include_disabled(true).include_deprecated(true).max_results(PAGE)
}

/// One image, of any owner.
pub(super) async fn image(aws: &Aws, id: &ImageId) -> Result<Option<Image>, Failure> {
    let call = aws.ec2.describe_images().image_ids(id.as_str()).include_disabled(true).include_deprecated(true);
    match call.send().await {
        Ok(found) => Ok(found.images().iter().find_map(converted)),
        Err(error) if is_gone(code(&error)) => Ok(None),
        Err(error) => Err(failed("ec2:DescribeImages")(error)),
    }
}

/// Those of these images that EC2 lists, of any owner.
pub(super) async fn listed(aws: &Aws, ids: &BTreeSet<ImageId>) -> Result<BTreeSet<ImageId>, Failure> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut found = BTreeSet::new();
    for ids in ids.chunks(VALUES_A_FILTER) {
        // A filter, since an id that is gone would be an error.
        let these = ec2::Filter::builder().name("image-id").set_values(Some(ids.to_vec())).build();
        let call = aws.ec2.describe_images().filters(these).include_disabled(true).include_deprecated(true);
        found.extend(images(call.max_results(PAGE)).await?.into_iter().map(|image| image.id));
    }
    Ok(found)
}

/// Whether EC2's error code says that an image is gone. At first its id gives one of these errors, later an empty
/// answer, and then the other error. Probe: unknown-image-is-refused.
/// Probe: a-deregistered-image-is-gone.
pub(super) fn is_gone(code: &str) -> bool {
    matches!(code, "InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable")
}

async fn images(call: DescribeImagesFluentBuilder) -> Result<Vec<Image>, Failure> {
    let found = all(call.into_paginator().items().send(), "ec2:DescribeImages").await?;
    Ok(found.iter().filter_map(converted).collect())
}

/// Every snapshot of this account.
pub(super) async fn every_snapshot(aws: &Aws) -> Result<Vec<Snapshot>, Failure> {
    let pages = aws.ec2.describe_snapshots().owner_ids("self").max_results(PAGE).into_paginator().items().send();
    let found = all(pages, "ec2:DescribeSnapshots").await?;
    Ok(found.iter().filter_map(snapshot).collect())
}

/// Every parameter whose data type says that it names an image.
pub(super) async fn image_parameters(aws: &Aws) -> Result<Vec<ParameterName>, Failure> {
    const OPERATION: &str = "ssm:DescribeParameters";
    let of_images = ParameterStringFilter::builder().key("DataType").option("Equals").values(IMAGE_DATA_TYPE);
    let of_images = of_images.build().map_err(incomplete(OPERATION))?;
    let mut pages = aws.ssm.describe_parameters().parameter_filters(of_images).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(OPERATION))?;
        names.extend(page.parameters().iter().filter_map(|found| ParameterName::new(found.name()?).ok()));
    }
    Ok(names)
}

/// One version of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// Counts up from 1.
    pub(super) number: i64,
    pub(super) value: String,
    /// The labels that name it.
    pub(super) labels: Vec<String>,
}

/// The versions of a parameter that Parameter Store still has, oldest first; `None` if there is no such parameter.
pub(super) async fn history(aws: &Aws, name: &str) -> Result<Option<Vec<Version>>, Failure> {
    let mut pages = aws.ssm.get_parameter_history().name(name).into_paginator().send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => versions.extend(page.parameters().iter().map(|version| Version {
                number: version.version(),
                value: version.value().unwrap_or_default().to_owned(),
                labels: version.labels().to_vec(),
            })),
            // Probe: unknown-parameter-is-refused.
            Err(error) if code(&error) == "ParameterNotFound" => return Ok(None),
            Err(error) => return Err(failed("ssm:GetParameterHistory")(error)),
        }
    }
    versions.sort_by_key(|version| version.number);
    Ok(Some(versions))
}

fn converted(image: &ec2::Image) -> Option<Image> {
    let disks = || image.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
    let copied = image.source_instance_id().is_none_or(str::is_empty);
    Some(Image {
        id: ImageId::new(image.image_id()?).ok()?,
        name: image.name().unwrap_or_default().to_owned(),
        state: match image.state() {
            Some(ec2::ImageState::Available) => ImageState::Available,
            Some(ec2::ImageState::Pending) => ImageState::Pending,
            Some(ec2::ImageState::Disabled) => ImageState::Disabled,
            other => ImageState::Other(other.map_or("unknown", ec2::ImageState::as_str).to_owned()),
        },
        created: image.creation_date().and_then(instant),
        deprecated: image.deprecation_time().and_then(instant),
        architecture: image.architecture().map_or("", ec2::ArchitectureValues::as_str).to_owned(),
        virtualization: image.virtualization_type().map_or("", ec2::VirtualizationType::as_str).to_owned(),
        copy_of: image.source_image_id().filter(|source| copied && !source.is_empty()).map(str::to_owned),
        protected: image.deregistration_protection().is_some_and(|protection| protection != "disabled"),
        public: image.public().unwrap_or_default(),
        snapshots: disks().filter_map(|disk| SnapshotId::new(disk.snapshot_id()?).ok()).collect(),
        gib: disks().filter_map(|disk| disk.volume_size()).map(gib).sum(),
        tags: tags(image.tags()),
    })
}

fn snapshot(snapshot: &ec2::Snapshot) -> Option<Snapshot> {
    Some(Snapshot {
        id: SnapshotId::new(snapshot.snapshot_id()?).ok()?,
        completed: snapshot.state() == Some(&ec2::SnapshotState::Completed),
        started: snapshot.start_time().and_then(|time| (*time).try_into().ok()),
        lost_image: snapshot.description().and_then(image_in_description),
        gib: snapshot.volume_size().map(gib).unwrap_or_default(),
        tags: tags(snapshot.tags()),
    })
}

fn gib(size: i32) -> u64 {
    u64::try_from(size).unwrap_or_default()
}

fn tags(tags: &[ec2::Tag]) -> BTreeMap<String, String> {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}
