//! The versions of functions, documents and program, which are replaced at different times.

/// What this program speaks: its commands, their exit statuses, the fields of its answers.
pub const PROTOCOL: u32 = 1;

/// The other side is too old or too new for this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the command speaks protocol {theirs}, and durin-node {PROTOCOL}: bake an image with the durin-node of the same \
     release, or deploy the functions again"
)]
pub struct TooFarApart {
    theirs: u32,
}

/// A version and the next work together. Who says nothing is taken to speak ours: a person.
///
/// # Errors
/// When the versions are further apart.
pub fn agree(theirs: Option<u32>) -> Result<(), TooFarApart> {
    match theirs {
        Some(theirs) if theirs.abs_diff(PROTOCOL) > 1 => Err(TooFarApart { theirs }),
        Some(_) | None => Ok(()),
    }
}
