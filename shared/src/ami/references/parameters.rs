//! Parameters that name images: those with that data type, those that a launch template resolves, those of the
//! families, and, on a closer look, every other text. Secrets are never read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ssm::types::ParameterStringFilter;
use durin_decisions::images::references::{Reference, names_any};
use futures_util::stream::{self, StreamExt};

use crate::ami::read::{self, Version};
use crate::aws::{Aws, failed, incomplete};
use crate::failure::Failure;
use crate::ids::ParameterName;

/// The largest page. (Systems Manager API Reference, DescribeParameters.)
const PAGE: i32 = 50;
/// Systems Manager allows an account 3 calls a second. (AWS General Reference, Systems Manager quotas.)
const BETWEEN_PAGES: Duration = Duration::from_millis(350);
/// How many names one call may have. (Systems Manager API Reference, GetParameters.)
const NAMES_A_CALL: usize = 10;
/// A quarter of the 40 reads a second that Parameter Store allows an account.
const BETWEEN_VALUES: Duration = Duration::from_millis(100);
const HISTORIES_AT_ONCE: usize = 4;

/// A parameter that something resolves, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selector {
    name: ParameterName,
    /// A version's number or label; `None` means the current one.
    version: Option<String>,
}

impl Selector {
    /// Reads `resolve:ssm:name`, `resolve:ssm:name:3` and `resolve:ssm:name:label`. `None` for anything else, also for
    /// AWS's public parameters. An ARN is read as if it belonged to this account, which it may; another account
    /// can use an image of ours only if it is shared, which is a reference of its own.
    pub(super) fn of_image(image: &str) -> Option<Selector> {
        let written = image.strip_prefix("resolve:ssm:")?;
        let of_arn = written.strip_prefix("arn:").and_then(|arn| arn.split_once(":parameter/"));
        let absolute;
        let selected = match of_arn {
            // An ARN leaves out the first slash of a name that has any.
            Some((_, name)) if name.contains('/') => {
                absolute = format!("/{name}");
                &absolute
            }
            Some((_, name)) => name,
            None => written,
        };
        let (name, version) = match selected.split_once(':') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (selected, None),
        };
        let name = ParameterName::new(name).ok().filter(|name| !name.as_str().starts_with("/aws/"))?;
        Some(Selector { name, version })
    }
}

/// A parameter: its name, and whether its data type says that it names an image.
struct Listed {
    name: ParameterName,
    of_images: bool,
}

/// The parameters' contents.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// Values, and the parameter versions that hold them.
    pub(super) values: Vec<(String, Reference)>,
    /// Plain text parameters, not read yet.
    pub(super) texts: Texts,
    pub(super) failures: Vec<Failure>,
}

/// Parameters that may or may not name an image.
#[derive(Debug, Default)]
pub(in crate::ami) struct Texts(Vec<ParameterName>);

/// Reads those that name images according to their data type, a template or a family.
pub(super) async fn read(
    aws: &Aws,
    asked: BTreeSet<Selector>,
    families: impl Iterator<Item = ParameterName>,
) -> Parameters {
    let mut wanted: BTreeMap<ParameterName, BTreeSet<String>> = BTreeMap::new();
    for selector in asked {
        wanted.entry(selector.name).or_default().extend(selector.version);
    }
    for name in families {
        wanted.entry(name).or_default();
    }
    let mut parameters = Parameters::default();
    match plain_parameters(aws).await {
        Ok(listed) => {
            for Listed { name, of_images } in listed {
                if of_images {
                    wanted.entry(name).or_default();
                } else if !wanted.contains_key(&name) {
                    parameters.texts.0.push(name);
                }
            }
        }
        Err(failure) => parameters.failures.push(failure),
    }
    let histories: Vec<_> = wanted.into_iter().map(|(name, selected)| one(aws, name, selected)).collect();
    let answers: Vec<_> = stream::iter(histories).buffer_unordered(HISTORIES_AT_ONCE).collect().await;
    for answer in answers {
        match answer {
            Ok(values) => parameters.values.extend(values),
            Err(failure) => parameters.failures.push(failure),
        }
    }
    parameters
}

/// Reads plain text parameters: `resolve:ssm:` takes any, and so do the tools that people launch with. Slowly,
/// because the account's own programs read their settings out of the same allowance.
pub(super) async fn look_into(aws: &Aws, texts: &Texts) -> Result<Vec<(String, Reference)>, Failure> {
    let mut values = Vec::new();
    for names in texts.0.chunks(NAMES_A_CALL) {
        // A parameter deleted in the meantime names nothing.
        let names = names.iter().map(ToString::to_string).collect();
        let answer =
            aws.ssm.get_parameters().set_names(Some(names)).send().await.map_err(failed("ssm:GetParameters"))?;
        for parameter in answer.parameters().iter().filter(|it| it.value().is_some_and(names_any)) {
            // Its earlier value may be wanted again, as with any other parameter that names an image.
            if let Some(name) = parameter.name().and_then(|name| ParameterName::new(name).ok()) {
                values.extend(one(aws, name, BTreeSet::new()).await?);
            }
        }
        aws.clock.sleep(BETWEEN_VALUES).await;
    }
    Ok(values)
}

/// Every parameter that is not a secret.
async fn plain_parameters(aws: &Aws) -> Result<Vec<Listed>, Failure> {
    const OPERATION: &str = "ssm:DescribeParameters";
    let plain = ParameterStringFilter::builder().key("Type").option("Equals").values("String").values("StringList");
    let plain = plain.build().map_err(incomplete(OPERATION))?;
    let mut pages = aws.ssm.describe_parameters().parameter_filters(plain).max_results(PAGE).into_paginator().send();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(OPERATION))?;
        listed.extend(page.parameters().iter().filter_map(|parameter| {
            let of_images = parameter.data_type() == Some("aws:ec2:image");
            Some(Listed { name: ParameterName::new(parameter.name()?).ok()?, of_images })
        }));
        if page.next_token().is_some() {
            aws.clock.sleep(BETWEEN_PAGES).await;
        }
    }
    Ok(listed)
}

async fn one(aws: &Aws, name: ParameterName, selected: BTreeSet<String>) -> Result<Vec<(String, Reference)>, Failure> {
    // A parameter that does not exist names nothing.
    let versions = read::history(aws, name.as_str()).await?.unwrap_or_default();
    let reference = |version: &Version| {
        (version.value.clone(), Reference::Parameter { name: name.to_string(), version: version.number })
    };
    Ok(in_use(&versions, &selected).into_iter().map(reference).collect())
}

/// The current version, the newest one with another value, and those that a label or a selector names.
fn in_use<'a>(versions: &'a [Version], selected: &BTreeSet<String>) -> Vec<&'a Version> {
    let current = versions.last();
    let before = versions.iter().rev().find(|version| current.is_some_and(|current| current.value != version.value));
    let named = |version: &&Version| !version.labels.is_empty() || selected.contains(&version.number.to_string());
    current.into_iter().chain(before).chain(versions.iter().filter(named)).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::newest("resolve:ssm:/images/k3s", Some(("/images/k3s", None)))]
    #[case::version("resolve:ssm:/images/k3s:3", Some(("/images/k3s", Some("3"))))]
    #[case::label("resolve:ssm:/images/k3s:tested", Some(("/images/k3s", Some("tested"))))]
    #[case::an_id("ami-0123456789abcdef0", None)]
    #[case::public("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023", None)]
    #[case::arn("resolve:ssm:arn:aws:ssm:eu-central-1:111122223333:parameter/x", Some(("x", None)))]
    #[case::arn_of_a_path("resolve:ssm:arn:aws:ssm:eu-central-1:111122223333:parameter/a/b:3", Some(("/a/b", Some("3"))))]
    fn selectors(#[case] image: &str, #[case] expected: Option<(&str, Option<&str>)>) {
        let selector = Selector::of_image(image);
        let seen = selector.as_ref().map(|selector| (selector.name.as_str(), selector.version.as_deref()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_current_the_one_before_and_every_named_version_are_in_use() {
        let version = |number, value: &str, labels: &[&str]| Version {
            number,
            value: value.to_owned(),
            labels: labels.iter().map(ToString::to_string).collect(),
        };
        // Version 5 repeats version 4: the value before is version 3.
        let versions = [
            version(1, "one", &[]),
            version(2, "two", &["tested"]),
            version(3, "three", &[]),
            version(4, "four", &[]),
            version(5, "four", &[]),
        ];
        let numbers = |selected: &[&str]| -> BTreeSet<i64> {
            let selected = selected.iter().map(ToString::to_string).collect();
            in_use(&versions, &selected).into_iter().map(|version| version.number).collect()
        };
        assert_eq!(numbers(&[]), [2, 3, 5].into());
        assert_eq!(numbers(&["1"]), [1, 2, 3, 5].into());
    }
}
