use serde_json::{Value, json};

use super::*;

mod event_ruler;

fn matches(pattern: Value, event: Value) -> bool {
    Pattern::new(&pattern).expect("a valid pattern").matches(&event)
}

fn problem(pattern: Value) -> String {
    Pattern::new(&pattern).expect_err("a pattern that EventBridge refuses").to_string()
}

/// The comparison on a field `x` matches each of the first values, and none of the others.
fn tells_apart(comparison: Value, yes: &[Value], no: &[Value]) {
    let pattern = Pattern::new(&json!({"x": [comparison]})).expect("a valid pattern");
    for value in yes {
        assert!(pattern.matches(&json!({"x": value})), "{comparison} should match {value}");
    }
    for value in no {
        assert!(!pattern.matches(&json!({"x": value})), "{comparison} should not match {value}");
    }
}

fn is_refused(comparison: Value) {
    assert!(Pattern::new(&json!({"x": [comparison]})).is_err(), "{comparison} should be refused");
}

#[test]
fn every_field_of_the_pattern_must_match_and_others_do_not_matter() {
    let pattern = json!({"source": ["aws.ec2", "aws.autoscaling"], "detail": {"state": ["running"]}});
    assert!(matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"state": "running", "x": 1}})));
    assert!(!matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"state": "Running"}})));
    assert!(!matches(pattern, json!({"source": "aws.ec2"})));
}

#[test]
fn an_array_in_the_event_matches_by_any_element() {
    assert!(matches(json!({"resources": [{"prefix": "arn:aws:ec2"}]}), json!({"resources": ["x", "arn:aws:ec2:…"]})));
}

#[test]
fn absence_can_be_asked_for() {
    let pattern = json!({"detail": {"Action": [{"exists": false}]}});
    assert!(matches(pattern.clone(), json!({"detail": {"Origin": "EC2"}})));
    assert!(!matches(pattern, json!({"detail": {"Action": "ReplaceRootVolume"}})));
}

#[test]
fn a_field_is_absent_when_what_it_would_be_in_is() {
    let pattern = json!({"detail": {"image": {"block": {"kms": [{"exists": false}]}}}});
    for event in
        [json!({}), json!({"detail": {}}), json!({"detail": "none"}), json!({"detail": {"image": {"id": "ami"}}})]
    {
        assert!(matches(pattern.clone(), event.clone()), "{event}");
    }
    assert!(!matches(pattern, json!({"detail": {"image": {"block": {"kms": "key"}}}})));
}

/// "Exists matching only works on leaf nodes." (EventBridge User Guide.) An empty array has none.
#[test]
fn an_object_or_an_empty_array_does_not_exist() {
    tells_apart(
        json!({"exists": true}),
        &[json!("a"), json!(null), json!([0]), json!([[false]])],
        &[json!({"y": 1}), json!({}), json!([]), json!([[]]), json!([{"y": 1}])],
    );
    tells_apart(json!({"exists": false}), &[json!({"y": 1}), json!([])], &[json!("a"), json!(null)]);
}

#[test]
fn the_objects_of_an_array_are_looked_into() {
    let pattern = json!({"volumes": {"state": ["in-use"], "kind": ["gp3"]}});
    assert!(matches(pattern.clone(), json!({"volumes": {"state": "in-use", "kind": "gp3"}})));
    assert!(matches(
        pattern.clone(),
        json!({"volumes": [{"state": "available", "kind": "io2"}, {"state": "in-use", "kind": "gp3"}]})
    ));
    // Both fields are there, and each has the value, but no volume has both.
    assert!(!matches(
        pattern,
        json!({"volumes": [{"state": "available", "kind": "gp3"}, {"state": "in-use", "kind": "io2"}]})
    ));
}

#[test]
fn a_dot_in_a_key_is_a_level() {
    for pattern in [json!({"tag.owner": ["k3s"]}), json!({"tag": {"owner": ["k3s"]}})] {
        assert!(matches(pattern.clone(), json!({"tag.owner": "k3s"})));
        assert!(matches(pattern.clone(), json!({"tag": {"owner": "k3s"}})));
        assert!(!matches(pattern, json!({"tag": {"tag.owner": "k3s"}})));
    }
}

#[test]
fn comparisons() {
    for (comparison, yes, no) in [
        (json!({"prefix": "durin-"}), json!("durin-launch"), json!("launch")),
        (json!({"suffix": "-launch"}), json!("durin-launch"), json!("launch-durin")),
        (json!({"equals-ignore-case": "ALARM"}), json!("alarm"), json!("alarms")),
        (json!({"prefix": {"equals-ignore-case": "DURIN-"}}), json!("Durin-launch"), json!("launch-durin-")),
        (json!({"suffix": {"equals-ignore-case": "-LAUNCH"}}), json!("durin-Launch"), json!("-launch-durin")),
        (json!({"wildcard": "du*-l*h"}), json!("durin-launch"), json!("durin-launched")),
        (json!({"anything-but": ["a", "b"]}), json!("c"), json!("a")),
        (json!({"anything-but": {"prefix": "i-"}}), json!("vol-1"), json!("i-1")),
        (json!({"numeric": [">", 0, "<=", 5]}), json!(5), json!(6)),
        (json!({"cidr": "172.16.0.0/12"}), json!("172.31.255.255"), json!("172.32.0.0")),
        (json!({"cidr": "fd00:ec2::/32"}), json!("FD00:EC2:0::254"), json!("fd00:ec3::")),
        (json!({"cidr": "::/0"}), json!("fd00:ec2::1"), json!("10.0.0.1")),
        (json!(2), json!(2.0), json!("2")),
        (json!(null), json!(null), json!("null")),
    ] {
        assert!(matches(json!({"x": [comparison]}), json!({"x": yes})), "{comparison} should match {yes}");
        assert!(!matches(json!({"x": [comparison]}), json!({"x": no})), "{comparison} should not match {no}");
    }
}

#[test]
fn anything_but_takes_a_list_after_each_of_its_operators() {
    let others = [json!("vol-1"), json!(7), json!(null), json!(true)];
    tells_apart(json!({"anything-but": {"prefix": ["i-", "eni-"]}}), &others, &[json!("i-1"), json!("eni-1")]);
    tells_apart(json!({"anything-but": {"suffix": ["-a", "-b"]}}), &others, &[json!("x-a"), json!("x-b")]);
    tells_apart(json!({"anything-but": {"wildcard": ["a*c", "b*"]}}), &others, &[json!("abc"), json!("b")]);
    tells_apart(json!({"anything-but": {"equals-ignore-case": ["A", "b"]}}), &others, &[json!("a"), json!("B")]);
    tells_apart(json!({"anything-but": [1, 2.5]}), &[json!("1"), json!(3)], &[json!(1.0), json!(2.5)]);
    // A field that is missing is not another value.
    assert!(!matches(json!({"x": [{"anything-but": {"prefix": ["i-"]}}]}), json!({"y": "vol-1"})));
}

#[test]
fn what_anything_but_does_not_take_is_refused() {
    for operand in [
        json!(null),
        json!(true),
        json!([]),
        json!(["a", null]),
        json!(["a", 1]),
        json!({"prefix": ""}),
        json!({"suffix": ["-a", ""]}),
        json!({"prefix": 1}),
        json!({"wildcard": ["a", 1]}),
        json!({"prefix": {"equals-ignore-case": "a"}}),
        json!({"numeric": ["=", 1]}),
        json!({"cidr": "10.0.0.0/8"}),
        json!({"exists": true}),
        json!({"prefix": "a", "suffix": "b"}),
    ] {
        is_refused(json!({"anything-but": operand}));
    }
}

#[test]
fn a_range_has_its_lower_bound_first_and_numbers_between() {
    for terms in [
        json!([]),
        json!([">"]),
        json!([">", "0"]),
        json!(["!=", 0]),
        json!([">", 0, ">", 1]),
        json!(["<", 5, ">", 0]),
        json!([">", 5, "<", 0]),
        json!([">=", 1, "<=", 1]),
        json!(["=", 1, "=", 2]),
        json!([">", 0, "<", 5, "=", 3]),
        json!(5),
    ] {
        is_refused(json!({"numeric": terms}));
    }
}

#[test]
fn one_of_two_branches_is_enough() {
    let pattern = json!({"source": ["aws.ec2"], "detail": {"$or": [{"a": [1]}, {"b": [2], "c": [3]}]}});
    assert!(matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"a": 1}})));
    assert!(matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"b": 2, "c": 3}})));
    assert!(!matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"b": 2}})));
    assert!(!matches(pattern, json!({"source": "aws.ssm", "detail": {"a": 1}})));
}

#[test]
fn what_eventbridge_refuses_is_refused_with_its_place() {
    let error = Pattern::new(&json!({"detail": {"state": "running"}})).expect_err("not in an array");
    assert_eq!(error.path, "detail.state");
    assert!(Pattern::new(&json!({"x": [{"startswith": "a"}]})).is_err());
    assert!(Pattern::new(&json!({"x": []})).is_err());
    assert!(Pattern::new(&json!({})).is_err());
    for cidr in ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "a/8"] {
        is_refused(json!({"cidr": cidr}));
    }
    assert_eq!(
        problem(json!({"detail": {"ip": [{"cidr": "10.0.0.0"}]}})),
        "event pattern at `detail.ip`: \"10.0.0.0\" is not a block of addresses: write 10.0.0.0/8, with a mask shorter \
         than the address"
    );
}

#[test]
fn wildcards_that_make_eventbridge_look_in_too_many_places_are_refused() {
    assert!(problem(json!({"x": [{"wildcard": "a**b"}]})).contains("write one `*`"));
    tells_apart(json!({"wildcard": "*/a/*/b/*/c"}), &[json!("1/a/2/b/3/c")], &[json!("1/a/2/c")]);
    assert!(problem(json!({"x": [{"wildcard": "*/*/*/*/*/*/"}]})).contains("too complex"));
    assert!(problem(json!({"x": [{"anything-but": {"wildcard": "*aaaaaaaaaaa"}}]})).contains("too complex"));
}
