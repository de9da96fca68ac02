//! The meanings of an event.

use crate::ids::ImageId;
use crate::lifecycle::LifecycleAction;
use crate::risk::Warning;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A lifecycle action of an Auto Scaling group waits to be completed.
    LifecycleAction(LifecycleAction),
    /// Instances are going to be interrupted or retired, or may be. Perhaps none of them is concerned any more.
    Warnings(Vec<Warning>),
    /// An image may be ready to be published. The event may say which; that only tells whose tags to wait for.
    ImageReady(Option<ImageId>),
    /// A schedule is due.
    Schedule,
    /// Nothing that any of our functions acts on.
    NotOurs,
}
