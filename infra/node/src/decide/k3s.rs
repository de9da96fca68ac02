//! Whether k3s may start on a datastore that another version of it has served from. It changes a datastore for its own minor
//! version, and knows no way back but a backup: "If you cannot restore the database, you cannot roll back to a previous minor
//! version." (k3s documentation, "Rolling Back K3s")

use std::fmt;

use super::taking::Refusal;

/// A version of k3s, such as `v1.36.4+k3s1`. In their order, a later one is greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    minor: (u32, u32),
    patch: u32,
    /// A candidate for a release comes before it.
    is_released: bool,
    /// Of k3s, upon one patch of Kubernetes.
    build: u32,
    text: String,
}

/// Others write the file that it is read from, too.
const LONGEST: usize = 64;

impl Version {
    /// Reads a version that stands alone; none if it is none.
    pub fn read(text: &str) -> Option<Version> {
        let text = text.trim();
        let (version, build) = text.strip_prefix('v')?.split_once("+k3s")?;
        let (numbers, candidate) = version.split_once('-').map_or((version, None), |(numbers, it)| (numbers, Some(it)));
        let numbers = numbers.split('.').map(number).collect::<Option<Vec<_>>>()?;
        let [major, minor, patch] = numbers[..] else { return None };
        let is_released = candidate.is_none();
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        if text.len() > LONGEST || !candidate.is_none_or(is_word) {
            return None;
        }
        Some(Version { minor: (major, minor), patch, is_released, build: number(build)?, text: text.to_owned() })
    }

    /// Reads what `k3s --version` prints.
    pub fn of_program(output: &str) -> Option<Version> {
        let said = output.lines().find_map(|line| line.strip_prefix("k3s version "))?;
        Version::read(said.split_whitespace().next()?)
    }

    /// Without the patch, such as `v1.36`.
    pub fn minor(&self) -> String {
        format!("v{}.{}", self.minor.0, self.minor.1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Digits alone, and not the sign that `parse` takes as well.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What is to be said before this image's k3s starts on a volume, by the one that has served from it last. Where one of them
/// is not known, it starts: most likely it is the same, and without it nobody serves.
///
/// # Errors
/// When it is of an earlier minor version.
pub fn may_start(served: Option<&Version>, own: Option<&Version>) -> Result<Option<String>, Refusal> {
    match (served, own) {
        (Some(served), Some(own)) if own.minor < served.minor => {
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
