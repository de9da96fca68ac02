//! Pipelines that bake images: the course of a requested image, and the events that report it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::json;

use super::ec2::ImageState;
use super::ec2::images::{CopyImage, CreateImage};
use super::error::{ApiError, ApiResult};
use super::{ACCOUNT, REGION, World};

#[derive(Clone, Debug)]
pub struct Bake {
    /// The tool that bakes it.
    pub pipeline: Pipeline,
    pub name: String,
    /// The tags of the finished image and its snapshots.
    pub tags: BTreeMap<String, String>,
    pub course: Course,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    /// Packer's amazon-ebs builder: the image is tagged last, and then the pipeline reports it, with an event
    /// `Durin Bake Finished`.
    Packer,
    /// EC2 Image Builder: the image is tagged when it is distributed, and then there is an event that names the build
    /// and not the image.
    ImageBuilder,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// To a tagged image.
    Finished,
    /// To a tagged image that is a copy of a temporary one with a random name, which is deregistered afterwards.
    /// (Packer with `encrypt_boot`.)
    ThroughTemporaryImage,
    /// To a tagged image, and then this temporary one goes: what becomes of the former.
    Copied(String),
    /// It stops before the tags.
    NeverTagged,
    Failed,
}

/// The effects in a bake that happen without a call.
#[derive(Clone, Debug)]
pub enum BakeEffect {
    /// The image gets its tags.
    Tagged(String),
    /// The pipeline says that it is finished.
    Told(String),
}

/// The reason why a bake goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BakeChange {
    NotCopied(ApiError),
    NotTagged(ApiError),
}

impl fmt::Display for BakeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BakeChange::NotCopied(error) => write!(f, "not copied: {error}"),
            BakeChange::NotTagged(error) => write!(f, "not tagged: {error}"),
        }
    }
}

impl World {
    /// Begins a bake from a running or stopped instance, and returns the id of the first image.
    pub fn begin_bake(&mut self, bake: Bake, instance_id: &str) -> ApiResult<String> {
        let name = match bake.course {
            Course::ThroughTemporaryImage => format!("packer-{}", self.uuid()),
            Course::Finished | Course::Copied(_) | Course::NeverTagged | Course::Failed => bake.name.clone(),
        };
        let instance_id = instance_id.to_owned();
        let id = self.create_image(CreateImage { name, instance_id, ..CreateImage::default() })?;
        self.bakes.insert(id.clone(), bake);
        Ok(id)
    }

    /// Whether a bake is under way.
    pub fn is_baking(&self) -> bool {
        !self.bakes.is_empty()
    }

    /// An image is available or has failed: if it is one of a bake's, that goes on. Most are not.
    pub(super) fn continue_bake(&mut self, image: &str) {
        let Some(bake) = self.bakes.remove(image) else { return };
        let failed = self.ec2.the_image(image).state != ImageState::Available;
        if let Course::Copied(temporary) = &bake.course {
            // Already gone if someone else was faster.
            let _ = self.deregister_image(temporary, true);
        }
        match bake.course {
            _ if failed => {}
            Course::NeverTagged | Course::Failed => {}
            Course::ThroughTemporaryImage => self.copy_temporary_image(image, bake),
            Course::Finished | Course::Copied(_) => {
                let delay = self.draw(self.latency.image_tagging);
                self.bakes.insert(image.to_owned(), bake);
                self.schedule(delay, BakeEffect::Tagged(image.to_owned()));
            }
        }
    }

    /// Whether the image is one of a bake's that is to fail.
    pub(super) fn is_baked_in_vain(&self, image: &str) -> bool {
        self.bakes.get(image).is_some_and(|bake| bake.course == Course::Failed)
    }

    pub(super) fn carry_out_bake(&mut self, effect: BakeEffect) {
        match effect {
            BakeEffect::Tagged(image) => self.tag_baked(&image),
            BakeEffect::Told(image) => self.announce_bake(&image),
        }
    }

    fn copy_temporary_image(&mut self, temporary: &str, bake: Bake) {
        let copy = self.copy_image(CopyImage {
            name: bake.name.clone(),
            source_image_id: temporary.to_owned(),
            source_region: REGION.to_owned(),
            encrypted: true,
            ..CopyImage::default()
        });
        match copy {
            Ok(copy) => {
                self.bakes.insert(copy, Bake { course: Course::Copied(temporary.to_owned()), ..bake });
            }
            Err(error) => self.note_change(temporary, BakeChange::NotCopied(error)),
        }
    }

    fn tag_baked(&mut self, image: &str) {
        let bake = self.bakes.get(image).expect("a bake goes on until it is announced");
        let tags: Vec<_> = bake.tags.clone().into_iter().collect();
        let mut ids = vec![image.to_owned()];
        ids.extend(self.ec2.the_image(image).block_devices.iter().map(|device| device.snapshot_id.clone()));
        if let Err(error) = self.create_tags(&ids, &tags) {
            // It was deregistered in the meantime.
            self.note_change(image, BakeChange::NotTagged(error));
            self.bakes.remove(image);
            return;
        }
        let delay = self.draw(self.latency.bake_finish);
        self.schedule(delay, BakeEffect::Told(image.to_owned()));
    }

    fn announce_bake(&mut self, image: &str) {
        let bake = self.bakes.remove(image).expect("a bake goes on until it is announced");
        match bake.pipeline {
            Pipeline::Packer => {
                self.emit("durin.bake", "Durin Bake Finished", Vec::new(), json!({ "image-id": image }))
            }
            Pipeline::ImageBuilder => {
                let arn = format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/{}/1.0.0/1", bake.name);
                let detail = json!({ "previous-state": { "status": "TESTING" }, "state": { "status": "AVAILABLE" } });
                self.emit("aws.imagebuilder", "EC2 Image Builder Image State Change", vec![arn], detail);
            }
        }
    }
}
