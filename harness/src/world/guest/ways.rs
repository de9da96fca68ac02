//! How guests differ from the usual one, by the image that they boot from.

use std::collections::{BTreeMap, VecDeque};

/// The ways of the guests in a world.
#[derive(Clone, Debug, Default)]
pub struct GuestWays {
    by_image: BTreeMap<String, Boot>,
    /// Of the launches to come, in order; they go before what is said of their image.
    next: VecDeque<Boot>,
    k3s_by_image: BTreeMap<String, String>,
}

/// The k3s of images of which nothing else is said.
const K3S: &str = "v1.36.4+k3s1";

/// How far an instance gets when it boots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boot {
    /// It mounts the volume and starts k3s.
    #[default]
    Whole,
    /// The operating system never comes up, and so neither does the agent: EC2 says `running`, and nothing is heard.
    Never,
    /// The operating system and the agent come up. What mounts the volume and starts k3s has failed.
    WithoutK3s,
    /// The image lacks something, and says so when it is asked whether it could take over. It mounts the volume, and k3s never
    /// answers.
    Unfit,
    /// It mounts the volume, and k3s never answers.
    WithoutApi,
}

impl Boot {
    /// Whether it mounts the volume.
    pub(super) fn mounts(self) -> bool {
        match self {
            Boot::Whole | Boot::Unfit | Boot::WithoutApi => true,
            Boot::Never | Boot::WithoutK3s => false,
        }
    }
}

impl GuestWays {
    /// Every instance that is launched from the image from now on boots like that.
    pub fn boot_image(&mut self, image: &str, boot: Boot) {
        self.by_image.insert(image.to_owned(), boot);
    }

    /// The next instances that are launched, so many, boot like that, whatever their image.
    pub fn boot_next(&mut self, boot: Boot, launches: usize) {
        self.next.extend(std::iter::repeat_n(boot, launches));
    }

    /// The image has this version of k3s.
    pub fn have_k3s(&mut self, image: &str, version: &str) {
        self.k3s_by_image.insert(image.to_owned(), version.to_owned());
    }

    pub(super) fn k3s_of(&self, image: &str) -> &str {
        self.k3s_by_image.get(image).map_or(K3S, String::as_str)
    }

    /// From now on every launch boots as it should.
    pub fn end(&mut self) {
        self.by_image.clear();
        self.next.clear();
    }

    /// How instances boot that are launched from the image, as far as that is said of it.
    pub fn of_image(&self, image: &str) -> Boot {
        self.by_image.get(image).copied().unwrap_or_default()
    }

    pub(in crate::world) fn of_launch(&mut self, image: &str) -> Boot {
        self.next.pop_front().or_else(|| self.by_image.get(image).copied()).unwrap_or_default()
    }
}
