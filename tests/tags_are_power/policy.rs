//! The sample policy, and the table in SECURITY.md.

use std::path::{Path, PathBuf};

use durin::tags::{
    AT_RISK, BACKUP_IS, BACKUP_OF, FAMILY, HOSTED_ZONE_ID, IMAGE_ID, KEEP, NODE, PINNED, RECORD_NAME, RECORD_TTL,
    STALE_SINCE, VOLUME, VOLUME_ID,
};
use durin_cli::deployment::function_names;
use durin_harness::iam::Check;
use durin_harness::iam::evaluate::{Verdict, evaluate};
use durin_harness::iam::policy::{Owner, Policy};

/// Who may write `durin:` tags where the sample policy is in force.
#[test]
fn the_sample_policy_keeps_tags_to_their_owners() {
    let document = serde_json::from_str(include_str!("../../infra/keep-tags.json")).expect("JSON");
    let everything = serde_json::json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": ["ec2:*", "autoscaling:*", "ssm:*"], "Resource": "*",
    }});
    let policies = [("keep-tags", document), ("everything", everything)]
        .map(|(name, document)| Policy::parse(name, &document, Owner::Role).expect("a policy"));
    let verdict = |action: &str, tag: &str, role: &str| {
        let check = Check {
            request_tags: vec![("Name".to_owned(), String::new()), (tag.to_owned(), String::new())],
            principal: Some(format!("arn:aws:iam::123456789012:role/{role}")),
            ..Check::new(action, "arn:aws:ec2:eu-central-1:123456789012:volume/vol-1")
        };
        evaluate(&policies, &check)
    };
    let denied = Verdict::Denied("DurinTagsAreForTheirOwners".to_owned());
    for action in [
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "ec2:CreateVolume",
        "ec2:CreateSnapshot",
        "autoscaling:CreateOrUpdateTags",
        "autoscaling:DeleteTags",
        "autoscaling:CreateAutoScalingGroup",
        "ssm:AddTagsToResource",
        "ssm:RemoveTagsFromResource",
    ] {
        for tag in [
            VOLUME_ID,
            HOSTED_ZONE_ID,
            RECORD_NAME,
            RECORD_TTL,
            AT_RISK,
            FAMILY,
            KEEP,
            STALE_SINCE,
            IMAGE_ID,
            VOLUME,
            NODE,
            PINNED,
            BACKUP_OF,
            BACKUP_IS,
        ] {
            assert_eq!(verdict(action, tag, "somebody"), denied, "{action} {tag}");
            assert_ne!(verdict(action, tag, "OWNERS-OF-NODES"), denied, "{action} {tag}");
        }
        assert_ne!(verdict(action, "owner", "somebody"), denied, "{action}");
    }
    for function in function_names().filter(|name| *name != "durin-ami-publish") {
        assert_ne!(verdict("ec2:CreateTags", AT_RISK, &format!("{function}-eu-central-1")), denied, "{function}");
    }
    assert_ne!(verdict("ec2:CreateSnapshot", BACKUP_OF, "durin-node-home-CopyRole-1ABCDEF"), denied);
    assert_eq!(verdict("ec2:CreateTags", AT_RISK, "durin-node-lifecycle"), denied, "a name that is no function's role");
}

/// The table in SECURITY.md promises nothing that no test shows.
#[test]
fn every_row_of_the_table_names_tests_that_there_are() {
    let page = include_str!("../../SECURITY.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| someone") && !line.starts_with("| ---"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [sources(here), sources(&here.join("../infra/node/tests"))].concat();
    let mut shown = 0;
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
        let tests: Vec<_> = last.split('`').filter(|text| text.contains("::")).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            let (module, name) = test.split_once("::").expect("a module");
            let is_there = |(path, text): &(PathBuf, String)| {
                path.file_stem().is_some_and(|stem| stem == module) && text.contains(&format!("fn {name}("))
            };
            assert!(sources.iter().any(is_there), "there is no test {test}");
            shown += 1;
        }
    }
    assert!(shown >= 13, "{shown}");
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.extension() {
            Some(extension) if extension == "rs" => {
                vec![(path.clone(), std::fs::read_to_string(&path).expect("a text"))]
            }
            _ if path.is_dir() => sources(&path),
            _ => Vec::new(),
        })
        .collect()
}
