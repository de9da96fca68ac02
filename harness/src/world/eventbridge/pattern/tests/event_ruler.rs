//! What AWS's User Guide does not say, decided by the code of aws/event-ruler (file in brackets).

use super::*;

/// (JsonRuleCompiler.java, CIDR.java: a text that is an address becomes a range of one.)
#[test]
fn an_address_is_the_same_however_it_is_written() {
    tells_apart(json!("fd00:ec2::254"), &[json!("fd00:0ec2:0:0:0:0:0:0254")], &[json!("fd00:ec2::255")]);
    tells_apart(json!("10.0.0.1"), &[json!("10.0.0.1")], &[json!("10.0.0.10")]);
    // anything-but compares the texts alone.
    tells_apart(json!({"anything-but": "fd00:ec2::254"}), &[json!("fd00:ec2:0::254")], &[json!("fd00:ec2::254")]);
    tells_apart(json!("10.0.0.256"), &[json!("10.0.0.256")], &[]);
}

/// (CIDR.java: "IPv4 mask bits must be < 32", "IPv6 mask bits must be < 128"; the bits after the mask do not count.)
#[test]
fn a_block_has_more_than_one_address() {
    is_refused(json!({"cidr": "10.0.0.1/32"}));
    is_refused(json!({"cidr": "fd00::1/128"}));
    tells_apart(json!({"cidr": "10.0.0.7/31"}), &[json!("10.0.0.6"), json!("10.0.0.7")], &[json!("10.0.0.8")]);
    tells_apart(json!({"cidr": "0.0.0.0/0"}), &[json!("255.255.255.255")], &[json!("::1"), json!("ten"), json!(10)]);
}

/// (WildcardParser.java: a backslash escapes a star or itself, and nothing else.)
#[test]
fn a_star_can_be_meant() {
    tells_apart(json!({"wildcard": r"a\**"}), &[json!("a*"), json!("a*b")], &[json!("a"), json!("ab")]);
    tells_apart(json!({"wildcard": r"C:\\*"}), &[json!(r"C:\temp")], &[json!("C:temp")]);
    tells_apart(json!({"wildcard": "*"}), &[json!(""), json!("é")], &[json!(1), json!(null)]);
    for wrong in [r"a\b", r"a\", r"**"] {
        is_refused(json!({"wildcard": wrong}));
    }
}

/// (ComparableNumber.java: "Cannot compare number", when a double cannot hold it.)
#[test]
fn a_number_that_no_double_holds_is_only_equal_to_itself() {
    let (holds, holds_not) = (9_007_199_254_740_992_u64, 9_007_199_254_740_993_u64);
    tells_apart(json!(holds_not), &[json!(holds_not)], &[json!(holds)]);
    is_refused(json!({"numeric": [">", holds_not]}));
    is_refused(json!({"anything-but": holds_not}));
    tells_apart(json!({"numeric": [">=", holds]}), &[json!(holds)], &[json!(holds_not)]);
    tells_apart(json!({"numeric": ["=", -0.0]}), &[json!(0)], &[json!("0"), json!(false)]);
}

/// (EqualsIgnoreCaseParser.java: each character by its own lower and upper case, not only in ASCII.)
#[test]
fn case_is_ignored_in_every_script() {
    tells_apart(json!({"equals-ignore-case": "GRÖSSE"}), &[json!("grösse")], &[json!("grosse")]);
    tells_apart(json!({"equals-ignore-case": "ß"}), &[json!("SS"), json!("ß")], &[json!("ss")]);
    tells_apart(json!({"suffix": {"equals-ignore-case": "ŉß"}}), &[json!("xʼNSS")], &[json!("xNʼSS")]);
    tells_apart(json!({"anything-but": {"equals-ignore-case": "É"}}), &[json!("e")], &[json!("é")]);
}

/// (Event.java, `loadArray`: an array inside an array is no level, but which element something is in still counts.)
#[test]
fn arrays_in_arrays_are_looked_into() {
    tells_apart(json!(null), &[json!([[1], [null]])], &[json!([[]]), json!([{"y": null}]), json!("null")]);
    let pattern = json!({"x": {"a": [1], "b": [2]}});
    assert!(matches(pattern.clone(), json!({"x": [[{"a": 0}], [{"a": 1, "b": 2}]]})));
    assert!(!matches(pattern.clone(), json!({"x": [[{"a": 1}, {"b": 2}]]})));
    assert!(!matches(pattern, json!({"x": [[{"a": 1}], [{"b": 2}]]})));
}

/// (NameState.java, `getNameTransitions`: absence is asked of the elements found so far, in the order of the paths.)
#[test]
fn a_field_can_be_absent_from_one_element() {
    let event = json!({"x": [{"b": 1}, {"a": 2, "c": 3}]});
    assert!(matches(json!({"x": {"b": [1], "c": [{"exists": false}]}}), event.clone()));
    assert!(!matches(json!({"x": {"a": [2], "c": [{"exists": false}]}}), event.clone()));
    // `x.a` comes before `x.b`, and at that time no element is chosen.
    assert!(!matches(json!({"x": {"b": [1], "a": [{"exists": false}]}}), event));
}

/// (RuleCompiler.java, `writeRules`: the path is the name, and the last one written counts.)
#[test]
fn a_path_that_is_named_twice_means_the_last() {
    let pattern = json!({"x": {"a": [1]}, "x.a": [2], "y": {"b.c": [3], "b": {"d": [4]}}});
    assert!(matches(pattern.clone(), json!({"x": {"a": 2}, "y": {"b": {"c": 3, "d": 4}}})));
    assert!(!matches(pattern, json!({"x": {"a": 1}, "y.b.c": 3, "y": {"b.d": 4}})));
}

/// (JsonRuleCompiler.java, `parseIntoOrRelationship`; over 1000 combinations: EventBridge User Guide, "Or matching".)
#[test]
fn or_wants_two_branches_of_ordinary_fields_and_not_too_many() {
    for or in [
        json!([]),
        json!([{"a": [1]}]),
        json!([{"a": [1]}, {}]),
        json!([{"a": [1]}, "b"]),
        json!({"a": [1]}),
        json!([{"a": [1]}, {"b": {"numeric": [1]}}]),
    ] {
        assert!(Pattern::new(&json!({"x": {"$or": or}})).is_err(), "{or}");
    }
    // The same key is an ordinary one outside.
    assert!(matches(json!({"b": {"numeric": [1]}}), json!({"b": {"numeric": 1}})));
    let ten: Vec<Value> = (0..10).map(|value| json!({"a": [value]})).collect();
    let thousand = json!({"x": {"$or": ten}, "y": {"$or": ten}, "z": {"$or": ten}});
    assert!(matches(thousand.clone(), json!({"x": {"a": 9}, "y": {"a": 0}, "z": {"a": 5}})));
    let mut more = thousand;
    more["v"] = json!({"$or": [{"a": [1]}, {"b": [1]}]});
    assert!(problem(more).contains("over 1000 combinations"));
}

/// (MachineComplexityEvaluator.java: the wildcards of one field count together. With one extension EventBridge took
/// four, and with a folder before it two of them, but not four.)
#[test]
fn the_wildcards_of_a_field_count_together() {
    let wildcards = |beginning: &str, count: usize| {
        let all = ["qcow2", "iso", "raw", "vmdk"].map(|kind| json!({"wildcard": format!("{beginning}*.{kind}")}));
        Pattern::new(&json!({"key": all[..count]}))
    };
    assert!(wildcards("", 4).is_ok());
    assert!(wildcards("*/images/", 2).is_ok());
    assert!(wildcards("*/images/", 4).is_err());
}
