//! `durin-node status`, as the functions wait with it.

use std::thread;
use std::time::{Duration, Instant};

use crate::instance::{Instance, Ran, VOLUME};
use crate::metadata::Metadata;

#[test]
fn a_wait_for_prepared_ends_when_the_instance_is_prepared() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    let waiting = instance.begin(metadata.address, &["status", "--wait", "prepared", "--within", "10"]);
    thread::sleep(Duration::from_millis(300));
    instance.durin_node(metadata.address, &["prepare"]);
    let ran = Ran::of(waiting);
    assert_eq!((ran.word(), ran.status), ("prepared", Some(0)), "{}", ran.text);
}

#[test]
fn an_unfit_instance_is_not_waited_for() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    std::fs::remove_file(instance.path("usr/bin/k3s")).expect("it was there");
    instance.durin_node(metadata.address, &["prepare"]);
    let begun = Instant::now();
    let ran = instance.durin_node(metadata.address, &["status", "--wait", "prepared", "--within", "10"]);
    assert_eq!((ran.word(), ran.status), ("unfit", Some(1)), "{}", ran.text);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(ran.text.contains("the image lacks k3s"), "{}", ran.text);
}

/// Its image is not to blame, and the unit asks again.
#[test]
fn an_instance_whose_metadata_service_is_away_is_not_prepared_yet() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    let nowhere = "127.0.0.1:1".parse().expect("an address");
    instance.durin_node(nowhere, &["prepare", "--within", "0"]);
    let ran = instance.durin_node(nowhere, &["status", "--wait", "prepared", "--within", "0"]);
    assert_eq!((ran.word(), ran.status), ("not prepared", Some(1)), "{}", ran.text);
    let waiting = instance.begin(metadata.address, &["status", "--wait", "prepared", "--within", "10"]);
    instance.durin_node(metadata.address, &["prepare"]);
    assert_eq!(Ran::of(waiting).word(), "prepared");
}

#[test]
fn an_instance_that_is_not_prepared_in_time_says_so() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    let ran = instance.durin_node(metadata.address, &["status", "--wait", "prepared", "--within", "0"]);
    assert_eq!((ran.word(), ran.status), ("not prepared", Some(1)), "{}", ran.text);
}

#[test]
fn an_instance_that_has_released_does_not_serve_and_never_will() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.write("run/durin-released", &format!("{VOLUME}\nboot b1\n"));
    let begun = Instant::now();
    let ran = instance.durin_node(metadata.address, &["status", "--wait", "serves", "--within", "10"]);
    assert_eq!((ran.word(), ran.status), ("does not serve", Some(1)), "{}", ran.text);
    assert!(ran.text.contains("has been released") && begun.elapsed() < Duration::from_secs(5), "{}", ran.text);
}

#[test]
fn an_instance_without_its_volume_does_not_serve_whatever_its_note_says() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    let note = format!(
        r#"{{"boot":"b1","volume":"{VOLUME}","device":"nvme1n1","file_system":"ext4","at":"/data","formatted":false}}"#
    );
    instance.write("run/durin/volume.json", &note);
    let ran = instance.durin_node(metadata.address, &["status", "--wait", "serves", "--within", "0"]);
    assert!(ran.text.contains("the volume is not mounted"), "{}", ran.text);
    assert_eq!((&ran.answer["mounted"], ran.status), (&false.into(), Some(1)));
}

#[test]
fn without_a_question_it_says_how_it_is() {
    let instance = Instance::new();
    let ran = instance.durin_node("127.0.0.1:1".parse().expect("an address"), &["status"]);
    assert_eq!((ran.word(), ran.status), ("status", Some(0)), "{}", ran.text);
    assert_eq!((&ran.answer["protocol"], &ran.answer["boot"]), (&1.into(), &"b1".into()));
}
