use super::*;
use crate::seed::{AccountSeed, NodeSeed};
use crate::testing::node_template;
use crate::world::World;

const DOCUMENT: &str = include_str!("../../../README.md");

fn refused(text: &str) -> String {
    Seed::read(text).expect_err(text)
}

#[test]
fn what_is_wrong_is_said_with_field_value_and_what_it_takes() {
    for (written, says) in [
        ("[]", "a world is an object such as {\"seed\": 1, \"nodes\": [{}]}, not []"),
        ("{", "it is not JSON: EOF while parsing an object at line 1 column 1"),
        (r#"{"seed": -1}"#, "seed is -1; it takes a whole number from 0 to 18446744073709551615"),
        (r#"{"colour": 1}"#, "colour is not a field; there are seed, start, nodes, account, story"),
        (
            r#"{"start": "9999-12-31T23:59:59Z"}"#,
            "start is \"9999-12-31T23:59:59Z\"; it takes a time from 2000 to 2099 such as \"2026-01-05T06:00:00Z\"",
        ),
        (r#"{"nodes": {}}"#, "nodes is {}; it takes a list of at most 100 objects"),
        (r#"{"nodes": [7]}"#, "nodes[0] is 7; it takes an object such as {} or {\"name\": \"home\"}"),
        (
            r#"{"nodes": [{}, {"name": ""}]}"#,
            "nodes[1].name is \"\"; it takes 1 to 128 letters, digits, dots, dashes and underscores, the first a letter or digit",
        ),
        (
            r#"{"nodes": [{"volume_gib": 4e9}]}"#,
            "nodes[0].volume_gib is 4000000000.0; it takes a whole number from 1 to 16384",
        ),
        (
            r#"{"nodes": [{"record_ttl_s": 4294967295}]}"#,
            "nodes[0].record_ttl_s is 4294967295; it takes a whole number from 0 to 2147483647",
        ),
        (
            r#"{"nodes": [{"instance_type": "banana.huge"}]}"#,
            "nodes[0].instance_type is \"banana.huge\"; it takes a family, a dot and a size of EC2's, such as \"t3a.medium\"",
        ),
        (r#"{"nodes": [{"spot": "yes"}]}"#, "nodes[0].spot is \"yes\"; it takes true or false"),
        (r#"{"nodes": [{"zone": "us-east-1a"}]}"#, "nodes[0].zone is \"us-east-1a\"; it takes \"eu-central-1a\""),
        (r#"{"nodes": [{"hosted_zone": "a b"}]}"#, "nodes[0].hosted_zone is \"a b\"; it takes a domain name"),
        (
            r#"{"nodes": [{"record_name": "k3s.durin.internal", "hosted_zone": "home.internal"}]}"#,
            "nodes[0].record_name is \"k3s.durin.internal\"; it takes a name in the node's hosted_zone \"home.internal\"",
        ),
        (r#"{"nodes": [{}, {}]}"#, "nodes[1].name is \"k3s\" like nodes[0].name; each node has a name of its own"),
        (r#"{"nodes": [{"colour": 1}]}"#, "nodes[0].colour is not a field; there are name, zone, volume_gib"),
        (r#"{"account": {"recycle_bin_retention_s": 1}}"#, "account.recycle_bin_retention_s is 1; it takes"),
        (r#"{"account": {"requests": {"fleets": 1}}}"#, "account.requests: "),
        (r#"{"story": [{"after_s": -1, "does": "bake"}]}"#, "story[0].after_s is -1; it takes a number from 0 to"),
        (
            r#"{"story": [{"after_s": 1, "does": "juggle"}]}"#,
            "story[0].does is \"juggle\"; it takes a request such as \"interrupt?node=home\"",
        ),
        (
            r#"{"story": [{"does": "bake"}]}"#,
            "story[0] is {\"does\":\"bake\"}; it takes an object such as {\"after_s\": 60",
        ),
        ("{\"seed\": 1,\n \"seed\": 2}", "seed is given twice, the second time at line 2 column 7"),
        (
            r#"{"nodes": [{"name": "a"}, {"name": "b", "spot": true, "spot": false}]}"#,
            "spot is given twice, the second time at line 1 column 60",
        ),
    ] {
        let text = refused(written);
        assert!(text.starts_with(says), "{written}: {text}");
    }
}

#[test]
fn a_node_that_names_no_record_has_one_of_its_own() {
    let seed =
        Seed::read(r#"{"nodes": [{}, {"name": "home"}, {"name": "b", "hosted_zone": "c.d"}]}"#).expect("a world");
    let records: Vec<_> = seed.nodes.iter().map(|node| node.record_name.as_str()).collect();
    assert_eq!(records, ["k3s.durin.internal", "home.durin.internal", "b.c.d"]);
}

#[test]
fn a_world_can_begin_at_both_ends_of_the_calendar() {
    for start in ["2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"] {
        let seed = Seed::read(&format!(r#"{{"start": "{start}", "nodes": [{{}}]}}"#)).expect("a world");
        let mut world = World::from_seed(&seed, &node_template()).expect("a world");
        world.settle_nodes().expect("settled");
        world.pass(3600);
    }
}

#[test]
fn the_document_names_every_field_and_what_it_takes() {
    for Field { place, takes, .. } in FIELDS.iter().filter(|field| !field.place.ends_with("[]")) {
        let row = DOCUMENT.lines().find(|line| line.starts_with(&format!("| `{place}` |")));
        let row = row.unwrap_or_else(|| panic!("harness/README.md has no row for {place}"));
        assert!(row.contains(takes), "harness/README.md says of {place} {row}, and it takes {takes}");
    }
}

#[test]
fn the_worlds_in_the_document_are_worlds() {
    let blocks = DOCUMENT.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let worlds: Vec<_> =
        blocks.map(|text| Seed::read(text).unwrap_or_else(|error| panic!("{error}: {text}"))).collect();
    assert!(worlds.len() >= 2);
}

#[test]
fn the_table_has_the_fields_of_the_structs() {
    assert_eq!(fields_of(""), fields_of_struct::<Seed>());
    assert_eq!(fields_of("nodes[]"), fields_of_struct::<NodeSeed>());
    assert_eq!(fields_of("account"), fields_of_struct::<AccountSeed>());
}

/// serde names them all when it meets one that it does not know.
fn fields_of_struct<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = serde_json::from_str::<T>(r#"{"?": 0}"#).expect_err("there is no such field").to_string();
    error.split('`').skip(1).step_by(2).filter(|name| *name != "?").map(str::to_owned).collect()
}
