//! A node: what is seen of it, and the one next step.

mod next_step;
mod observed;
mod step;

pub use next_step::{LONGEST_PERIOD, least_heartbeat, may_have_to_release, next_step};
pub use observed::{
    ARecord, Attachment, AttachmentState, Group, Instance, InstanceState, Lifecycle, Observed, Record, Release,
    ReleaseState, Volume, VolumeState, lacks_holder,
};
pub use step::{ActionResult, Blocked, Done, Step, WaitFor};
