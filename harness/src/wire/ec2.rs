//! EC2: a form in, XML out.

mod answers;
mod describe_images;
mod describe_instances;
mod filters;
mod image_references;
mod images;
mod instance_attributes;
mod instances;
mod launch_data;
mod launch_template_versions;
mod launch_templates;
mod listing;
mod network;
mod recycle_bin;
mod requests;
mod resources;
mod snapshots;
mod tags;
mod volumes;

use super::operation::Operation;

pub(super) const TABLES: &[&[Operation]] = &[
    describe_images::OPERATIONS,
    describe_instances::OPERATIONS,
    image_references::OPERATIONS,
    images::OPERATIONS,
    instance_attributes::OPERATIONS,
    instances::OPERATIONS,
    launch_template_versions::OPERATIONS,
    launch_templates::OPERATIONS,
    network::OPERATIONS,
    recycle_bin::OPERATIONS,
    requests::OPERATIONS,
    snapshots::OPERATIONS,
    tags::OPERATIONS,
    volumes::OPERATIONS,
];
