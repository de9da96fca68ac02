//! Documents, and what a command may give to them.

use std::collections::BTreeMap;

use super::*;

const CONTENT: &str = r#"{
  "schemaVersion": "2.2",
  "parameters": {
    "VolumeId": { "type": "String", "allowedPattern": "^vol-[0-9a-f]{8,17}$" },
    "Speed": { "type": "String", "default": "fast", "allowedValues": ["fast", "slow"] }
  },
  "mainSteps": [{ "action": "aws:runShellScript", "name": "only", "inputs": { "runCommand": ["echo {{ VolumeId }}"] } }]
}"#;

/// A world with the document `only`, and an instance with an agent.
fn with_document() -> (World, String) {
    let mut world = World::new(1);
    world.put_document("only", CONTENT).unwrap();
    let instance = world.running();
    (world, instance)
}

fn send(world: &mut World, instance: &str, given: &[(&str, &str)]) -> Result<(), String> {
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
    let request = SendCommand {
        document: "only".to_owned(),
        instances: vec![instance.to_owned()],
        parameters: given.collect::<BTreeMap<_, _>>(),
        ..SendCommand::default()
    };
    world.send_command(request).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_value_that_the_document_does_not_allow_is_refused() {
    let (mut world, instance) = with_document();
    let refused = |world: &mut World, given: &[(&str, &str)]| send(world, &instance, given).unwrap_err();
    assert_eq!(
        refused(&mut world, &[("VolumeId", "vol-1; reboot")]),
        "InvalidParameters: Parameter \"VolumeId\" has value \"vol-1; reboot\" not matching \"^vol-[0-9a-f]{8,17}$\"."
    );
    assert_eq!(
        refused(&mut world, &[("VolumeId", "vol-01234567"), ("Speed", "slower")]),
        "InvalidParameters: Parameter \"Speed\" has value \"slower\" not in [fast, slow]."
    );
    assert_eq!(refused(&mut world, &[]), "InvalidParameters: Parameter VolumeId requires a value and has no default.");
    assert!(world.ssm.commands.is_empty());
    send(&mut world, &instance, &[("VolumeId", "vol-01234567"), ("Speed", "slow")]).unwrap();
}

#[test]
fn a_document_needs_patterns_that_are_some() {
    let mut world = World::new(1);
    let broken = CONTENT.replace("^vol-[", "^vol-[[");
    assert_eq!(code(world.put_document("only", &broken)), "InvalidDocumentContent");
}

#[test]
fn a_new_content_is_a_new_version_and_the_old_one_stays() {
    let (mut world, instance) = with_document();
    let first = world.ssm.document("only", Some("1")).unwrap().hash();
    world.put_document("only", CONTENT).unwrap();
    assert_eq!(world.ssm.document("only", None).unwrap().version, 1, "the same content");
    world.put_document("only", &CONTENT.replace("echo", "printf")).unwrap();
    assert_eq!(world.ssm.document("only", Some("2")).unwrap().version, 2);
    assert_eq!(world.ssm.document("only", Some("1")).unwrap().hash(), first);
    assert_eq!(code(world.ssm.document("only", Some("3")).map(drop)), "InvalidDocumentVersion");

    let second = world.ssm.document("only", None).unwrap().hash();
    let mut request = SendCommand {
        document: "only".to_owned(),
        document_version: Some("2".to_owned()),
        document_hash: Some(first.clone()),
        instances: vec![instance],
        parameters: BTreeMap::from([("VolumeId".to_owned(), vec!["vol-01234567".to_owned()])]),
        ..SendCommand::default()
    };
    let error = world.send_command(request.clone()).map(drop).unwrap_err();
    assert_eq!(error.to_string(), format!("InvalidDocument: document hash {first} does not match Sha256."));
    request.document_hash = Some(second);
    world.send_command(request.clone()).unwrap();
    request.document_version = Some("3".to_owned());
    assert_eq!(code(world.send_command(request.clone()).map(drop)), "InvalidDocumentVersion");
    request.document_version = Some("1".to_owned());
    request.document_hash = Some(first);
    world.send_command(request).unwrap();
}
