//! Versions of k3s. It changes a datastore for its own minor version, and knows no way back but a backup: "If you cannot restore
//! the database, you cannot roll back to a previous minor version." (k3s documentation, "Rolling Back K3s")

use std::fmt;

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

    /// Whether it must not start on what the other has served from.
    pub fn is_of_earlier_minor(&self, served: &Version) -> bool {
        self.minor < served.minor
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
