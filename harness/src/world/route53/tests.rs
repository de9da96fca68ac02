use super::*;
use crate::testing::code;
use crate::world::error::ApiResult;

fn zone(world: &mut World) -> String {
    world.create_hosted_zone("Example.com", "ref", Some("vpc-1".to_owned()), None).unwrap().0
}

fn set(name: &str, record_type: &str, ttl_s: u32, values: &[&str]) -> RecordSet {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    RecordSet { values, ..RecordSet::simple(name, record_type, ttl_s, "") }
}

fn change(world: &mut World, zone: &str, changes: &[(ChangeAction, RecordSet)]) -> ApiResult<Change> {
    let changes =
        changes.iter().map(|(action, record_set)| RecordChange { action: *action, record_set: record_set.clone() });
    world.change_resource_record_sets(zone, changes.collect(), None)
}

fn refusal(world: &mut World, zone: &str, changes: &[(ChangeAction, RecordSet)]) -> String {
    let error = change(world, zone, changes).unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("InvalidChangeBatch", 400));
    error.message
}

use ChangeAction::{Create, Delete, Upsert};

#[test]
fn a_batch_is_all_or_nothing_and_tells_every_problem() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    change(&mut world, &zone, &[(Create, set("a.example.com", "A", 60, &["10.0.0.1"]))]).unwrap();
    let message = refusal(
        &mut world,
        &zone,
        &[
            (Delete, set("b.example.com", "A", 60, &["10.0.0.1"])),
            (Delete, set("a.example.com", "A", 60, &["10.0.0.9"])),
            (Create, set("A.example.com.", "A", 60, &["10.0.0.2"])),
            (Create, set("c.example.com", "A", 60, &["10.0.0.3"])),
        ],
    );
    assert_eq!(
        message,
        "[Tried to delete resource record set [name='b.example.com.', type='A'] but it was not found, \
         Tried to delete resource record set [name='a.example.com.', type='A'] but the values provided do not match the \
         current values, \
         Tried to create resource record set [name='a.example.com.', type='A'] but it already exists]"
    );
    assert!(world.route53.zones[&zone].record_set("c.example.com", "A").is_none(), "nothing of the batch was made");
}

#[test]
fn delete_and_create_in_one_batch_is_a_compare_and_swap() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    change(&mut world, &zone, &[(Create, set("a.example.com", "A", 60, &["10.0.0.1", "10.0.0.2"]))]).unwrap();
    let swap = [
        (Delete, set("a.example.com", "A", 60, &["10.0.0.2", "10.0.0.1"])),
        (Create, set("a.example.com", "A", 60, &["10.0.0.3"])),
    ];
    change(&mut world, &zone, &swap).unwrap();
    assert_eq!(world.route53.zones[&zone].record_set("a.example.com", "A").unwrap().values, ["10.0.0.3"]);
    // Late and again, it loses: and the CREATE after a refused DELETE finds what is there.
    assert!(refusal(&mut world, &zone, &swap).contains("the values provided do not match the current values"));
}

#[test]
fn delete_compares_the_ttl_too() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    change(&mut world, &zone, &[(Upsert, set("a.example.com", "A", 60, &["10.0.0.1"]))]).unwrap();
    let message = refusal(&mut world, &zone, &[(Delete, set("a.example.com", "A", 61, &["10.0.0.1"]))]);
    assert!(message.contains("do not match"));
}

#[test]
fn conflicts_and_foreign_names_are_refused() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    change(&mut world, &zone, &[(Upsert, set("a.example.com", "A", 60, &["10.0.0.1"]))]).unwrap();
    assert_eq!(
        refusal(&mut world, &zone, &[(Create, set("a.example.com", "CNAME", 60, &["b.example.com"]))]),
        "[RRSet of type CNAME with DNS name a.example.com. is not permitted as it conflicts with other records with the \
         same DNS name in zone example.com.]"
    );
    assert_eq!(
        refusal(&mut world, &zone, &[(Upsert, set("a.example.org", "A", 60, &["10.0.0.1"]))]),
        "[RRSet with DNS name a.example.org. is not permitted in zone example.com.]"
    );
    assert!(refusal(&mut world, &zone, &[(Upsert, set("a.example.com", "A", 60, &["10.0.0"]))]).contains("10.0.0"));
}

#[test]
fn a_set_without_values_is_invalid_input() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let error = change(&mut world, &zone, &[(Delete, set("a.example.com", "A", 60, &[]))]).unwrap_err();
    assert_eq!(error.code, "InvalidInput");
    assert!(error.message.starts_with(
        "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
         TrafficPolicyInstanceId], but found none in Change with [Action=DELETE, "
    ));
}

#[test]
fn an_unknown_zone_is_not_found() {
    let mut world = World::new(1);
    let error = change(&mut world, "Z1", &[]).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status), ("NoSuchHostedZone: No hosted zone found with ID: Z1", 404));
}

#[test]
fn a_change_is_in_sync_within_a_minute() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let submitted = change(&mut world, &zone, &[(Upsert, set("a.example.com", "A", 60, &["10.0.0.1"]))]).unwrap();
    assert!(!submitted.in_sync && !world.route53.changes[&submitted.id].in_sync);
    world.pass(60);
    assert!(world.route53.changes[&submitted.id].in_sync);
}

#[test]
fn names_are_kept_and_ordered_as_route_53_does() {
    assert_eq!(normalise_name("*.Example.COM"), "\\052.example.com.");
    assert_eq!(normalise_name("\\052.example.com."), "\\052.example.com.");
    assert_eq!(normalise_name("a b_-1.example.com"), "a\\040b_-1.example.com.");
    let mut world = World::new(1);
    let zone = zone(&mut world);
    for name in ["z.example.com", "b.a.example.com", "a.example.com"] {
        change(&mut world, &zone, &[(Upsert, set(name, "A", 60, &["10.0.0.1"]))]).unwrap();
    }
    let listed: Vec<_> =
        world.route53.zones[&zone].record_sets.values().map(|it| format!("{} {}", it.name, it.record_type)).collect();
    let expected =
        ["example.com. NS", "example.com. SOA", "a.example.com. A", "b.a.example.com. A", "z.example.com. A"];
    assert_eq!(listed, expected);
}

#[test]
fn a_zone_in_use_is_not_deleted() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    assert_eq!(code(world.create_hosted_zone("example.com", "ref", None, None)), "HostedZoneAlreadyExists");
    let record = set("a.example.com", "A", 60, &["10.0.0.1"]);
    change(&mut world, &zone, &[(Upsert, record.clone())]).unwrap();
    assert_eq!(code(world.delete_hosted_zone(&zone)), "HostedZoneNotEmpty");
    change(&mut world, &zone, &[(Delete, record)]).unwrap();
    world.delete_hosted_zone(&zone).unwrap();
    assert!(world.route53.zones.is_empty());
}

#[test]
fn a_name_has_one_simple_set_or_weighted_ones() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let simple = set("a.example.com", "A", 60, &["10.0.0.1"]);
    let weighted = |id: &str| RecordSet { set_identifier: Some(id.to_owned()), weight: Some(10), ..simple.clone() };
    change(&mut world, &zone, &[(Create, simple.clone())]).unwrap();
    assert_eq!(
        refusal(&mut world, &zone, &[(Create, weighted("one"))]),
        "[RRSet with DNS name a.example.com., type A, SetIdentifier one cannot be created as a non-weighted set exists \
         with the same name and type.]"
    );
    change(&mut world, &zone, &[(Delete, simple.clone()), (Create, weighted("one"))]).unwrap();
    change(&mut world, &zone, &[(Upsert, weighted("two"))]).unwrap();
    for action in [Create, Upsert] {
        assert_eq!(
            refusal(&mut world, &zone, &[(action, simple.clone())]),
            "[RRSet with DNS name a.example.com., type A cannot be created as other RRSets exist with the same name and \
             type.]"
        );
    }
    change(&mut world, &zone, &[(Create, set("a.example.com", "TXT", 60, &["\"another type\""]))]).unwrap();
}

#[test]
fn an_identifier_and_a_weight_belong_together() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let simple = set("a.example.com", "A", 60, &["10.0.0.1"]);
    for (set_identifier, weight, expected) in [
        (None, Some(1), "Invalid request: Missing field 'SetIdentifier' in Change with [Action=CREATE, "),
        (Some("one".to_owned()), None, "Invalid request: Expected exactly one of [Weight, Region, Failover, "),
    ] {
        let record_set = RecordSet { set_identifier, weight, ..simple.clone() };
        let error = change(&mut world, &zone, &[(Create, record_set)]).unwrap_err();
        assert!(error.code == "InvalidInput" && error.message.starts_with(expected), "{error}");
    }
}

#[test]
fn doubled_values_are_refused() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let doubled = set("a.example.com", "A", 60, &["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"]);
    assert_eq!(
        refusal(&mut world, &zone, &[(Upsert, doubled)]),
        "[Duplicate Resource Record: '10.0.0.1', Duplicate Resource Record: '10.0.0.2']"
    );
}

#[test]
fn malformed_names_are_refused() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let (long, fits) = ("a".repeat(64), "a".repeat(60) + "\\052bc");
    let deep = "a.".repeat(125) + "example.com";
    for (name, expected) in [
        (
            format!("{long}.example.com"),
            format!("FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{long}'"),
        ),
        (
            "a..example.com".to_owned(),
            "FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..example.com'".to_owned(),
        ),
        (deep.clone(), format!("FATAL problem: DomainNameTooLong (Domain name is too long) encountered with '{deep}'")),
    ] {
        assert_eq!(refusal(&mut world, &zone, &[(Upsert, set(&name, "A", 60, &["10.0.0.1"]))]), expected);
    }
    change(&mut world, &zone, &[(Upsert, set(&format!("{fits}.example.com"), "A", 60, &["10.0.0.1"]))]).unwrap();
}

#[test]
fn a_batch_is_limited() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let many = |count: usize, action, value: &str| -> Vec<_> {
        (0..count).map(|number| (action, set(&format!("a{number}.example.com"), "TXT", 60, &[value]))).collect()
    };
    let records = "[Number of records limit of 1000 exceeded.]";
    assert_eq!(refusal(&mut world, &zone, &many(501, Upsert, "\"x\"")), records);
    assert_eq!(refusal(&mut world, &zone, &many(1001, Create, "\"x\"")), records);
    let long = "\"".to_owned() + &"x".repeat(200) + "\"";
    let characters = "[Number of characters limit of 32000 exceeded.]";
    assert_eq!(refusal(&mut world, &zone, &many(160, Create, &long)), characters);
    let values: Vec<_> = (0..401).map(|number| format!("10.0.{}.{}", number / 250, number % 250)).collect();
    let crowd = RecordSet { values, ..set("a.example.com", "A", 60, &[]) };
    assert_eq!(refusal(&mut world, &zone, &[(Create, crowd)]), "[Cannot have more than 400 records in a RRSet.]");
    change(&mut world, &zone, &many(500, Upsert, "\"x\"")).unwrap();
}
