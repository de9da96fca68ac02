//! A closer look: at single images, which costs a call each, and at parameters that are plain texts. So it is taken
//! only if something could go, and only at images that could.

use aws_sdk_ec2::types as ec2;
use durin_decisions::images::references::{Reference, References};
use durin_decisions::images::{Image, ImageState};
use futures_util::stream::{self, StreamExt};

use super::parameters::{self, Texts};
use crate::ami::read::is_gone;
use crate::aws::{Aws, all, code, failed};
use crate::failure::Failure;

/// How many ids one call may name. (EC2 API Reference, DescribeImageReferences.)
const IDS_A_CALL: usize = 10;
/// EC2 allows an account 20 reads of a kind a second, and each takes about a seventh of one.
const LOOKS_AT_ONCE: usize = 3;

/// Adds to `references` the references to these images that EC2 itself knows, the accounts that they are shared with,
/// and every text that names one.
pub(in crate::ami) async fn examine(aws: &Aws, images: &[&Image], texts: &Texts, references: &mut References) {
    match parameters::look_into(aws, texts).await {
        Ok(values) => {
            values.into_iter().for_each(|(value, by)| references.add_text(&value, &by));
            references.texts_read = true;
        }
        Err(failure) => references.unread.push(format!("parameters: {}", failure.chain())),
    }
    let listings: Vec<_> = images.chunks(IDS_A_CALL).map(|chunk| listed(aws, chunk)).collect();
    let listings: Vec<_> = stream::iter(listings).buffer_unordered(LOOKS_AT_ONCE).collect().await;
    // Disabling an image ends its sharing, so a disabled one is not shared. (EC2 User Guide, "Disable an AMI".)
    let shareable = images.iter().filter(|image| image.state != ImageState::Disabled);
    let shares: Vec<_> = shareable.map(|image| shared_with(aws, image)).collect();
    let shares: Vec<_> = stream::iter(shares).buffer_unordered(LOOKS_AT_ONCE).collect().await;

    let before = references.unread.len();
    for answer in listings.into_iter().chain(shares) {
        match answer {
            Ok(found) => found.into_iter().for_each(|(image, by)| references.add_image(&image, by)),
            Err(failure) => references.unread.push(failure.chain()),
        }
    }
    if references.unread.len() == before {
        references.examined.extend(images.iter().map(|image| image.id.clone()));
    }
}

async fn listed(aws: &Aws, images: &[&Image]) -> Result<Vec<(String, Reference)>, Failure> {
    let ids = images.iter().map(|image| image.id.to_string()).collect();
    let call = aws.ec2.describe_image_references().set_image_ids(Some(ids)).include_all_resource_types(true);
    let found = all(call.into_paginator().items().send(), "ec2:DescribeImageReferences").await?;
    let reference = |found: &ec2::ImageReference| {
        let by = found.arn().unwrap_or("something without an ARN").to_owned();
        Some((found.image_id()?.to_owned(), Reference::Listed(by)))
    };
    Ok(found.iter().filter_map(reference).collect())
}

async fn shared_with(aws: &Aws, image: &Image) -> Result<Vec<(String, Reference)>, Failure> {
    let call = aws.ec2.describe_image_attribute().image_id(image.id.as_str());
    let answer = match call.attribute(ec2::ImageAttributeName::LaunchPermission).send().await {
        Ok(answer) => answer,
        // Gone in the meantime.
        Err(error) if is_gone(code(&error)) => return Ok(vec![]),
        Err(error) => return Err(failed("ec2:DescribeImageAttribute")(error)),
    };
    let whom = |permission: &ec2::LaunchPermission| {
        let named = permission.user_id().or(permission.organization_arn()).or(permission.organizational_unit_arn());
        named.unwrap_or("everybody").to_owned()
    };
    let permissions = answer.launch_permissions().iter();
    Ok(permissions.map(|it| (image.id.to_string(), Reference::SharedWith(whom(it)))).collect())
}
