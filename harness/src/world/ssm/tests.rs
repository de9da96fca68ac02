mod documents;
mod run_command;

use super::*;
use crate::testing::code;
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::{ImageSpec, ImageState};
use crate::world::latency::Range;

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
    assert_eq!(world.ssm.get_parameter("/a/b").unwrap().1.value, "two");
    assert_eq!(world.ssm.get_parameter("/a/b:1").unwrap().1.value, "one");
    assert_eq!(code(world.ssm.get_parameter("/a/b:3").map(|_| ())), "ParameterVersionNotFound");
    let operations: Vec<_> =
        world.events("Parameter Store Change").iter().map(|event| event["detail"]["operation"].clone()).collect();
    assert_eq!(operations, ["Create", "Update"]);
    world.delete_parameter("/a/b").unwrap();
    assert_eq!(code(world.ssm.get_parameter("/a/b").map(|_| ())), "ParameterNotFound");
}

#[test]
fn a_hundred_versions_are_kept() {
    let mut world = World::new(1);
    for number in 0..105 {
        world.put_parameter(put("a", &number.to_string(), true)).unwrap();
    }
    let versions = &world.ssm.parameters["a"].versions;
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

fn put_image(name: &str, image: &str) -> PutParameter {
    PutParameter { data_type: Some(IMAGE_DATA_TYPE.to_owned()), ..put(name, image, true) }
}

fn validated(world: &mut World) {
    world.pass_until(180, |world| world.ssm.pending_parameters.is_empty());
}

#[test]
fn an_image_is_validated_after_the_answer() {
    let mut world = World::new(1);
    assert_eq!(world.put_parameter(put_image("/image", PUBLIC_IMAGE)), Ok(1));
    assert_eq!(code(world.ssm.get_parameter("/image").map(|_| ())), "ParameterNotFound", "not yet");
    let another = PutParameter { data_type: Some("text".to_owned()), ..put("/image", "a", true) };
    assert_eq!(code(world.put_parameter(another)), "TooManyUpdates");
    validated(&mut world);
    assert_eq!(world.ssm.get_parameter("/image").unwrap().1.value, PUBLIC_IMAGE);
    let own = world.add_image(ImageSpec::named("own"));
    // A parameter keeps its data type.
    assert_eq!(world.put_parameter(put("/image", &own, true)), Ok(2));
    assert_eq!(world.ssm.get_parameter("/image").unwrap().1.value, PUBLIC_IMAGE, "the old one until then");
    validated(&mut world);
    let (parameter, version) = world.ssm.get_parameter("/image").unwrap();
    assert_eq!((parameter.data_type.as_str(), version.version, &version.value), (IMAGE_DATA_TYPE, 2, &own));
}

#[test]
fn an_image_that_cannot_be_launched_leaves_the_parameter_as_it_was() {
    let mut world = World::new(1);
    let private = world.add_image(ImageSpec { owner: Some("210987654321".to_owned()), ..ImageSpec::named("private") });
    let disabled = world.add_image(ImageSpec { state: Some(ImageState::Disabled), ..ImageSpec::named("disabled") });
    for value in ["not an image", "ami-00000000000000000", &private, &disabled] {
        assert_eq!(world.put_parameter(put_image("/image", value)), Ok(1), "{value}");
        validated(&mut world);
        assert_eq!(code(world.ssm.get_parameter("/image").map(|_| ())), "ParameterNotFound", "{value}");
    }
    let event = world.events("Parameter Store Change").pop().unwrap();
    let expected = serde_json::json!({
        "exception": "Unable to Describe Resource",
        "dataType": "aws:ec2:image",
        "name": "/image",
        "type": "String",
        "operation": "Create",
    });
    assert_eq!(event["detail"], expected);
    assert_eq!(event["resources"][0], "arn:aws:ssm:eu-central-1:123456789012:parameter/image");
}

#[test]
fn a_label_is_on_one_version_and_selects_it() {
    let mut world = World::new(1);
    for value in ["one", "two"] {
        world.put_parameter(put("/a", value, true)).unwrap();
    }
    let labels = ["live".to_owned(), "aws-not".to_owned(), "1st".to_owned()];
    let (version, invalid) = world.label_parameter_version("/a", None, &labels).unwrap();
    assert_eq!((version, invalid), (2, labels[1..].to_vec()));
    world.label_parameter_version("/a", Some(1), &labels[..1]).unwrap();
    assert_eq!(world.ssm.get_parameter("/a:live").unwrap().1.value, "one");
    assert!(world.ssm.parameters["/a"].versions[1].labels.is_empty());
    assert_eq!(code(world.label_parameter_version("/a", Some(3), &labels[..1])), "ParameterVersionNotFound");
    let many: Vec<_> = (0..10).map(|number| format!("label-{number}")).collect();
    assert_eq!(code(world.label_parameter_version("/a", Some(1), &many)), "ParameterVersionLabelLimitExceeded");
    let (removed, strangers) = world.unlabel_parameter_version("/a", 1, &labels[..2]).unwrap();
    assert_eq!((removed, strangers), (vec!["live".to_owned()], vec!["aws-not".to_owned()]));
    assert_eq!(code(world.ssm.get_parameter("/a:live").map(|_| ())), "ParameterVersionNotFound");
}

#[test]
fn an_oldest_version_with_a_label_makes_no_room() {
    let mut world = World::new(1);
    for number in 0..100 {
        world.put_parameter(put("/a", &number.to_string(), true)).unwrap();
    }
    world.label_parameter_version("/a", Some(1), &["kept".to_owned()]).unwrap();
    assert_eq!(code(world.put_parameter(put("/a", "more", true))), "ParameterMaxVersionLimitExceeded");
    world.label_parameter_version("/a", Some(2), &["kept".to_owned()]).unwrap();
    assert_eq!(world.put_parameter(put("/a", "more", true)), Ok(101));
}

#[test]
fn tags_of_a_parameter_come_and_go() {
    let mut world = World::new(1);
    world.put_parameter(put("/a", "one", true)).unwrap();
    let pair = |key: &str| (key.to_owned(), String::new());
    world.tag_parameter("/a", vec![pair("b"), pair("c")], &[]).unwrap();
    world.tag_parameter("/a", Vec::new(), &["b".to_owned()]).unwrap();
    assert_eq!(world.ssm.parameters["/a"].tags.keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!(code(world.tag_parameter("/b", Vec::new(), &[])), "InvalidResourceId");
}

#[test]
fn a_parameter_is_got_by_its_arn_too() {
    let mut world = World::new(1);
    for (name, value) in [("/a/b", "one"), ("/a/b", "two"), ("flat", "three")] {
        world.put_parameter(put(name, value, true)).unwrap();
    }
    let arn = |name: &str| format!("arn:aws:ssm:eu-central-1:123456789012:parameter/{name}");
    let value = |world: &World, selector: &str| world.ssm.get_parameter(selector).map(|(_, it)| it.value.clone());
    assert_eq!(value(&world, &arn("a/b")).unwrap(), "two");
    assert_eq!(value(&world, &arn("a/b:1")).unwrap(), "one");
    assert_eq!(value(&world, &arn("flat")).unwrap(), "three");
    assert_eq!(code(value(&world, &arn("a"))), "ParameterNotFound");
    assert_eq!(code(value(&world, &arn("flat").replace("1234", "4321"))), "ParameterNotFound", "another account's");
    assert_eq!(code(value(&world, "a/b")), "ParameterNotFound");
}

#[test]
fn an_overwrite_keeps_the_data_type() {
    let mut world = World::new(1);
    world.put_parameter(put("/text", "one", false)).unwrap();
    let text = || Some("text".to_owned());
    assert_eq!(code(world.put_parameter(put_image("/text", PUBLIC_IMAGE))), "ValidationException");
    assert_eq!(world.put_parameter(PutParameter { data_type: text(), ..put("/text", "two", true) }), Ok(2));
    world.put_parameter(put_image("/image", PUBLIC_IMAGE)).unwrap();
    validated(&mut world);
    assert_eq!(
        code(world.put_parameter(PutParameter { data_type: text(), ..put("/image", "three", true) })),
        "ValidationException"
    );
    assert_eq!(world.ssm.parameters["/text"].data_type, "text");
}

#[test]
fn what_is_being_validated_is_neither_in_the_history_nor_can_it_be_labelled() {
    let mut world = World::new(1);
    world.put_parameter(put_image("/image", PUBLIC_IMAGE)).unwrap();
    validated(&mut world);
    let own = world.add_image(ImageSpec::named("own"));
    assert_eq!(world.put_parameter(put_image("/image", &own)), Ok(2));
    assert_eq!(world.ssm.parameters["/image"].versions.len(), 1);
    assert_eq!(code(world.ssm.get_parameter("/image:2").map(|_| ())), "ParameterVersionNotFound");
    let live = ["live".to_owned()];
    assert_eq!(code(world.label_parameter_version("/image", Some(2), &live)), "ParameterVersionNotFound");
    assert_eq!(world.label_parameter_version("/image", None, &live).unwrap().0, 1, "the newest that there is");
    validated(&mut world);
    assert_eq!(world.ssm.parameters["/image"].versions[0].labels, live, "a label stays where it is");
    assert_eq!(world.ssm.get_parameter("/image:2").unwrap().1.value, own);
}

#[test]
fn an_image_may_take_minutes_in_which_the_old_one_is_served_and_nothing_can_be_put() {
    let mut world = World::new(1);
    world.put_parameter(put_image("/image", PUBLIC_IMAGE)).unwrap();
    validated(&mut world);
    world.latency.parameter_validation = Range::from_secs(170, 170);
    world.put_parameter(put_image("/image", "ami-00000000000000000")).unwrap();
    world.pass(169);
    assert_eq!(world.ssm.get_parameter("/image").unwrap().1.value, PUBLIC_IMAGE);
    let own = world.add_image(ImageSpec::named("own"));
    assert_eq!(code(world.put_parameter(put_image("/image", &own))), "TooManyUpdates");
    world.pass(1);
    let refused = world.events("Parameter Store Change").pop().unwrap();
    assert_eq!(refused["detail"]["exception"], "Unable to Describe Resource");
    assert_eq!(world.put_parameter(put_image("/image", &own)), Ok(2));
    world.pass(170);
    assert_eq!(world.ssm.get_parameter("/image").unwrap().1.value, own);
}
