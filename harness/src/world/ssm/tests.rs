mod run_command;

use super::*;
use crate::world::testing::code;

fn put(name: &str, value: &str, overwrite: bool) -> PutParameter {
    PutParameter {
        name: name.to_owned(),
        value: value.to_owned(),
        parameter_type: Some("String".to_owned()),
        overwrite,
        ..PutParameter::default()
    }
}

#[test]
fn an_overwrite_makes_a_version() {
    let mut world = World::new(1);
    assert_eq!(world.put_parameter(put("/a/b", "one", false)), Ok(1));
    assert_eq!(code(world.put_parameter(put("/a/b", "two", false))), "ParameterAlreadyExists");
    assert_eq!(world.put_parameter(put("/a/b", "two", true)), Ok(2));
    assert_eq!(world.get_parameter("/a/b").unwrap().1.value, "two");
    assert_eq!(world.get_parameter("/a/b:1").unwrap().1.value, "one");
    assert_eq!(code(world.get_parameter("/a/b:3").map(|_| ())), "ParameterVersionNotFound");
    let operations: Vec<_> =
        world.events("Parameter Store Change").iter().map(|event| event["detail"]["operation"].clone()).collect();
    assert_eq!(operations, ["Create", "Update"]);
    world.delete_parameter("/a/b").unwrap();
    assert_eq!(code(world.get_parameter("/a/b").map(|_| ())), "ParameterNotFound");
}

#[test]
fn a_hundred_versions_are_kept() {
    let mut world = World::new(1);
    for number in 0..105 {
        world.put_parameter(put("a", &number.to_string(), true)).unwrap();
    }
    let versions = &world.parameters["a"].versions;
    assert_eq!((versions.len(), versions[0].version), (100, 6));
}

#[test]
fn wrong_requests_are_refused() {
    let mut world = World::new(1);
    for name in ["aws-thing", "/ssm/thing", "a/b", "/a b", "/"] {
        assert_eq!(code(world.put_parameter(put(name, "x", false))), "ValidationException", "{name}");
    }
    let mut tagged = put("a", "x", true);
    tagged.tags.insert("k".to_owned(), "v".to_owned());
    assert_eq!(code(world.put_parameter(tagged)), "ValidationException");
    let untyped = PutParameter { parameter_type: None, ..put("a", "x", false) };
    assert_eq!(code(world.put_parameter(untyped)), "ValidationException");
}
