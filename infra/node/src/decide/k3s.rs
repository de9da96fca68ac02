//! Whether k3s may start on a datastore that another version of it has served from.

use durin_decisions::k3s::Version;

use super::taking::Refusal;

/// What is to be said before this image's k3s starts on a volume, by the one that has served from it last. Where one of them
/// is not known, it starts: most likely it is the same, and without it nobody serves.
///
/// # Errors
/// When it is of an earlier minor version.
pub fn may_start(served: Option<&Version>, own: Option<&Version>) -> Result<Option<String>, Refusal> {
    match (served, own) {
        (Some(served), Some(own)) if own.is_of_earlier_minor(served) => {
            Err(Refusal::OlderK3s { served: served.clone(), own: own.clone() })
        }
        (Some(served), Some(own)) if own < served => Ok(Some(format!(
            "k3s {served} has served from the volume, and the older {own} of the same minor version starts"
        ))),
        (Some(_), Some(_)) => Ok(None),
        (Some(served), None) => Ok(Some(format!(
            "k3s {served} has served from the volume, and the one that starts does not say its version: nobody knows \
             whether it is older"
        ))),
        (None, _) => Ok(Some("nothing says which k3s has served from the volume: whichever is here starts".to_owned())),
    }
}
