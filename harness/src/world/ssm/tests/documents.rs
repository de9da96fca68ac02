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
