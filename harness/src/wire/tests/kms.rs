//! Keys over the wire.

use super::*;
use crate::time::Time;
use crate::world::kms::KeyState;

fn describe(world: &mut World, key: &str) -> (StatusCode, serde_json::Value) {
    let mut request = signed(Service::Kms, Method::POST, "/", &serde_json::json!({"KeyId": key}).to_string());
    request.headers_mut().insert("x-amz-target", "TrentService.DescribeKey".parse().expect("a header"));
    let (status, body) = call(world, &request);
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[test]
fn a_key_shows_its_state() {
    let mut world = World::new(1);
    let arn = world.create_key();
    let id = arn.rsplit('/').next().expect("an id").to_owned();
    let (_, enabled) = describe(&mut world, &id);
    let metadata = &enabled["KeyMetadata"];
    assert_eq!((&metadata["Arn"], &metadata["KeyState"]), (&arn.as_str().into(), &"Enabled".into()));
    assert_eq!((&metadata["Enabled"], &metadata["KeyManager"]), (&true.into(), &"CUSTOMER".into()));
    world.change_key(&arn, |key| key.state = KeyState::PendingDeletion { from: Time(1_800_000_000_000) });
    let (_, pending) = describe(&mut world, &arn);
    let metadata = &pending["KeyMetadata"];
    assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&"PendingDeletion".into(), &false.into()));
    assert_eq!(metadata["DeletionDate"], 1_800_000_000.0);
}

#[test]
fn an_encrypted_volume_names_its_key() {
    let mut world = World::new(1);
    let own = world.create_key();
    let create = "Action=CreateVolume&AvailabilityZone=eu-central-1a&Size=8";
    let (_, plain) = call(&mut world, &ec2(create));
    assert!(!plain.contains("kmsKeyId"), "{plain}");
    let (_, of_account) = call(&mut world, &ec2(&format!("{create}&Encrypted=true")));
    let key = of_account.split("<kmsKeyId>").nth(1).and_then(|rest| rest.split('<').next()).expect("a key").to_owned();
    assert_eq!(describe(&mut world, &key).1["KeyMetadata"]["KeyManager"], "AWS");
    let (_, with_own) = call(&mut world, &ec2(&format!("{create}&Encrypted=true&KmsKeyId={own}")));
    assert!(with_own.contains(&own), "{with_own}");
}

#[test]
fn a_key_that_does_not_exist_is_not_found() {
    let mut world = World::new(1);
    let (status, error) = describe(&mut world, "01234567-0123-0123-0123-0123456789ab");
    assert_eq!((status, &error["__type"]), (StatusCode::BAD_REQUEST, &"NotFoundException".into()));
}
