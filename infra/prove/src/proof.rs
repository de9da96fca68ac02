//! The file that keeps what an account answered: `proof/DATE-REGION.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use durin::times::timestamp;
use serde::{Deserialize, Serialize};

use crate::probe::{Finding, Probe, Verdict};

/// What was asked when it was not AWS.
pub const ELSEWHERE: &str = "an endpoint that is not AWS";
/// What proves something.
pub const AWS: &str = "AWS";

/// The answers of one account and region, as they come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Who answered: `AWS`, or something that proves nothing about it.
    pub asked: String,
    pub region: String,
    /// When it was begun: `2026-01-05`.
    pub date: String,
    /// Whether its last run came to its end. One that did not is gone on with.
    pub finished: bool,
    /// The runs that have made things, by which those are found again.
    pub runs: Vec<String>,
    /// By the name of the probe.
    pub findings: BTreeMap<String, Found>,
}

/// A finding, and when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub at: String,
    #[serde(flatten)]
    pub finding: Finding,
}

impl Proof {
    pub fn begin(asked: &str, region: &str, now: SystemTime) -> Proof {
        let date = timestamp(now).chars().take(10).collect();
        Proof {
            asked: asked.to_owned(),
            region: region.to_owned(),
            date,
            finished: false,
            runs: Vec::new(),
            findings: BTreeMap::new(),
        }
    }

    /// The one to go on with: that of today, or the newest that was not finished.
    ///
    /// # Errors
    /// When a file is not a proof.
    pub fn resume_or_begin(folder: &Path, asked: &str, region: &str, now: SystemTime) -> Result<Proof, String> {
        let new = Proof::begin(asked, region, now);
        let is_ours = |proof: &Proof| proof.asked == asked && proof.region == region;
        let mut former: Vec<_> = read_all(folder)?.into_iter().filter(is_ours).collect();
        former.retain(|proof| !proof.finished || proof.date == new.date);
        former.sort_by(|left, right| left.date.cmp(&right.date));
        Ok(former.pop().unwrap_or(new))
    }

    pub fn path(&self, folder: &Path) -> PathBuf {
        let local = if self.is_of_aws() { "" } else { "-not-aws" };
        folder.join(format!("{}-{}{local}.json", self.date, self.region))
    }

    /// At once or not at all: a run that is killed while it writes leaves the file as it was.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let path = self.path(folder);
        let beside = path.with_extension("json.part");
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        text.push('\n');
        fs::write(&beside, text)?;
        fs::rename(beside, path)
    }

    /// Whether the probe has an answer here already.
    pub fn has(&self, probe: &Probe) -> bool {
        self.findings.get(probe.name).is_some_and(|found| found.finding.verdict != Verdict::Inconclusive)
    }

    pub fn note(&mut self, probe: &Probe, now: SystemTime, finding: &Finding) {
        let finding = Finding { saw: without_account(&finding.saw), ..finding.clone() };
        self.findings.insert(probe.name.to_owned(), Found { at: timestamp(now), finding });
    }

    /// Whether it says anything about AWS.
    pub fn is_of_aws(&self) -> bool {
        self.asked == AWS
    }
}

/// All proofs of a folder, oldest first.
///
/// # Errors
/// When a file is not a proof.
pub fn read_all(folder: &Path) -> Result<Vec<Proof>, String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{} cannot be read: {error}", folder.display())),
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// One proof.
///
/// # Errors
/// When the file is not one.
pub fn read(path: &Path) -> Result<Proof, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is not a proof: {error}", path.display()))
}

/// AWS names the account in ARNs. A proof is for everybody, and has no need of it.
fn without_account(text: &str) -> String {
    let mut kept = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(std::iter::once('\0')) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        kept.push_str(if digits.len() == 12 { "(account)" } else { &digits });
        digits.clear();
        if character != '\0' {
            kept.push(character);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_names_no_account() {
        let text = "arn:aws:iam::123456789012:user/me and 1234567890123, 2026";
        assert_eq!(without_account(text), "arn:aws:iam::(account):user/me and 1234567890123, 2026");
    }
}
