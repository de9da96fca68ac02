//! What came of a write.

/// Whether what was written fitted what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    Done,
    /// Something has changed since it was seen, or AWS cannot do it at this moment: look again, after a pause.
    Overtaken,
    /// The group is at something else, or does not know yet what it shows: look again, after a longer pause.
    TooEarly,
}
