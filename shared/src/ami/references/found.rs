//! The references that one source reports.

use durin_decisions::images::references::Reference;

#[derive(Debug, Default)]
pub(super) struct Found {
    /// The images as the source writes them (an id, or `resolve:ssm:…`), and their users.
    pub(super) images: Vec<(String, Reference)>,
    /// The snapshots of its block device mappings.
    pub(super) snapshots: Vec<(String, Reference)>,
    /// The launch template versions that it uses by number.
    pub(super) templates: Vec<Use>,
}

/// A launch template version that something uses by its number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) template: Template,
    pub(super) version: String,
}

/// How a launch template is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Template {
    Id(String),
    Name(String),
}

impl Found {
    /// Something is launched from an image, with volumes made from snapshots.
    pub(super) fn launch<'s>(
        &mut self,
        image: Option<&str>,
        snapshots: impl Iterator<Item = Option<&'s str>>,
        by: &Reference,
    ) {
        self.images.extend(image.map(|image| (image.to_owned(), by.clone())));
        self.snapshots.extend(snapshots.flatten().map(|snapshot| (snapshot.to_owned(), by.clone())));
    }

    pub(super) fn extend(&mut self, more: Found) {
        self.images.extend(more.images);
        self.snapshots.extend(more.snapshots);
        self.templates.extend(more.templates);
    }
}

impl Use {
    /// `None` for `$Default` and `$Latest`, and for no version, which is the default: those are read for all templates.
    pub(super) fn new(id: Option<&str>, name: Option<&str>, version: Option<&str>) -> Option<Use> {
        let version = version.filter(|version| !version.starts_with('$'))?.to_owned();
        let template = match (id, name) {
            (Some(id), _) => Template::Id(id.to_owned()),
            (None, name) => Template::Name(name?.to_owned()),
        };
        Some(Use { template, version })
    }
}
