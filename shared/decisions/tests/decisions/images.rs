//! A sample image. What a test is about, it says in words of its own.

use std::collections::BTreeMap;

use durin_decisions::ids::ImageId;
use durin_decisions::images::{Image, ImageState};

/// Available, and otherwise nothing: without tags, snapshots or an age.
pub(crate) fn sample_image(id: ImageId) -> Image {
    Image {
        id,
        name: "k3s".to_owned(),
        state: ImageState::Available,
        created: None,
        deprecated: None,
        architecture: "x86_64".to_owned(),
        virtualization: "hvm".to_owned(),
        copy_of: None,
        protected: false,
        public: false,
        snapshots: Vec::new(),
        gib: 8,
        tags: BTreeMap::new(),
    }
}
