//! The Systems Manager documents that the functions send. (`infra/release.yaml`.)

use std::collections::BTreeMap;

use aws_sdk_ssm::operation::send_command::builders::SendCommandFluentBuilder;
use aws_sdk_ssm::types::DocumentHashType;
use durin_decisions::node::Question;

/// Has an instance let go of the volume.
const RELEASE_DOCUMENT: &str = "durin-release";

/// Has an instance that has let go of the volume serve again.
const RESUME_DOCUMENT: &str = "durin-resume";

/// Asks an instance whether it could take over.
const PREPARED_DOCUMENT: &str = "durin-prepared";

/// Asks an instance whether it serves.
const SERVES_DOCUMENT: &str = "durin-serves";

/// All of them.
pub const DOCUMENTS: [&str; 4] = [RELEASE_DOCUMENT, RESUME_DOCUMENT, PREPARED_DOCUMENT, SERVES_DOCUMENT];

/// Something that an instance is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Release,
    Resume,
    Prepared,
    Serves,
}

impl Document {
    pub(super) const ALL: [Document; 4] = [Document::Release, Document::Resume, Document::Prepared, Document::Serves];

    pub(super) fn that_asks(question: Question) -> Document {
        match question {
            Question::Prepared => Document::Prepared,
            Question::Serves => Document::Serves,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Document::Release => RELEASE_DOCUMENT,
            Document::Resume => RESUME_DOCUMENT,
            Document::Prepared => PREPARED_DOCUMENT,
            Document::Serves => SERVES_DOCUMENT,
        }
    }

    /// Whether it changes who has the volume.
    pub(super) fn moves_volume(self) -> bool {
        match self {
            Document::Release | Document::Resume => true,
            Document::Prepared | Document::Serves => false,
        }
    }

    /// The line of its output that says why not. The document has it too, if there is no durin-node to write it.
    pub(super) fn refusal(self, output: &str) -> Option<String> {
        let begins = match self {
            Document::Release => "not released: ",
            Document::Resume => "not resumed: ",
            Document::Prepared => "not prepared: ",
            Document::Serves => "does not serve: ",
        };
        output.lines().find_map(|line| line.strip_prefix(begins)).map(str::to_owned)
    }
}

/// Which version of each document is sent, and its SHA-256. Whoever may only change a document, or delete it and make
/// another, has nothing of theirs run on an instance by the functions, which may send what others may not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentVersions(BTreeMap<String, DocumentVersion>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct DocumentVersion {
    /// From 1.
    number: u32,
    /// In hexadecimal digits.
    sha256: String,
}

/// What [`DocumentVersions`] are not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not NAME:VERSION:SHA256")]
pub struct NotAVersion(String);

impl DocumentVersions {
    /// The environment variable that `just deploy` sets.
    pub const VARIABLE: &str = "DURIN_DOCUMENTS";

    /// `NAME:VERSION:SHA256`, comma-separated. None for a document means its default version, whatever that is.
    ///
    /// # Errors
    /// When a part is something else.
    pub fn parse(text: &str) -> Result<DocumentVersions, NotAVersion> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts.map(|part| version(part).ok_or_else(|| NotAVersion(part.to_owned()))).collect()
    }

    /// Fills in what is sent.
    pub(super) fn name(&self, document: Document, command: SendCommandFluentBuilder) -> SendCommandFluentBuilder {
        let command = command.document_name(document.name());
        match self.0.get(document.name()) {
            Some(DocumentVersion { number, sha256 }) => command
                .document_version(number.to_string())
                .document_hash(sha256)
                .document_hash_type(DocumentHashType::Sha256),
            None => command,
        }
    }
}

impl FromIterator<(String, DocumentVersion)> for DocumentVersions {
    fn from_iter<I: IntoIterator<Item = (String, DocumentVersion)>>(versions: I) -> DocumentVersions {
        DocumentVersions(versions.into_iter().collect())
    }
}

fn version(part: &str) -> Option<(String, DocumentVersion)> {
    let mut fields = part.split(':');
    let (name, number, sha256) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_one = is_hash && number > 0 && DOCUMENTS.contains(&name) && fields.next().is_none();
    is_one.then(|| (name.to_owned(), DocumentVersion { number, sha256: sha256.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_names_numbers_and_hashes() {
        let hash = "0123456789abcdef".repeat(4);
        let read = DocumentVersions::parse(&format!("durin-release:3:{hash},durin-resume:1:{hash}")).unwrap();
        let of = |number| DocumentVersion { number, sha256: hash.clone() };
        assert_eq!(
            read,
            [("durin-release".to_owned(), of(3)), ("durin-resume".to_owned(), of(1))].into_iter().collect()
        );
        assert_eq!(DocumentVersions::parse(""), Ok(DocumentVersions::default()));

        for broken in
            ["durin-release", "durin-release:3", "durin-release:0:HASH", "durin-release:latest:HASH", "other:3:HASH"]
        {
            let broken = broken.replace("HASH", &hash);
            assert_eq!(DocumentVersions::parse(&broken), Err(NotAVersion(broken.clone())));
        }
        for broken in [&hash[1..], &hash.replace('a', "x"), &format!("{hash}:")] {
            let broken = format!("durin-release:3:{broken}");
            assert_eq!(DocumentVersions::parse(&broken), Err(NotAVersion(broken.clone())));
        }
    }
}
