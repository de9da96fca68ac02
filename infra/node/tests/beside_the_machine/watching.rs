//! `durin-node watch`.

use std::thread;
use std::time::{Duration, SystemTime};

use crate::instance::{Instance, Ran, VOLUME};
use crate::metadata::Metadata;

const NOTICE: &str = "meta-data/spot/instance-action";

fn notice_ending_in(seconds: u64) -> String {
    let end = humantime::format_rfc3339_seconds(SystemTime::now() + Duration::from_secs(seconds));
    format!(r#"{{"action":"terminate","time":"{end}"}}"#)
}

fn serving() -> (Instance, Metadata) {
    let instance = Instance::new();
    let note = format!(
        r#"{{"boot":"b1","volume":"{VOLUME}","device":"nvme1n1","file_system":"ext4","at":"/data","formatted":false}}"#
    );
    instance.write("run/durin/volume.json", &note);
    (instance, Metadata::of_a_node())
}

#[test]
fn a_notice_that_nobody_acts_on_releases_the_volume_at_the_last_moment() {
    let (instance, metadata) = serving();
    let watching = instance.begin(metadata.address, &["watch", "--poll", "50"]);
    thread::sleep(Duration::from_millis(300));
    metadata.set(NOTICE, &notice_ending_in(32));
    let ran = Ran::of(watching);
    // There is no device here, and so the attempt fails: but it is made, and for this volume.
    assert_eq!((ran.word(), &ran.answer["volume"]), ("not released", &VOLUME.into()), "{}", ran.text);
    assert!(ran.text.contains("EC2 says terminate"), "{}", ran.text);
    assert!(instance.read("run/durin/notice.json").contains(r#""action":"terminate""#));
}

#[test]
fn before_the_last_moment_the_functions_have_the_word() {
    let (instance, metadata) = serving();
    metadata.set(NOTICE, &notice_ending_in(120));
    let mut watching = instance.begin(metadata.address, &["watch", "--poll", "50"]);
    thread::sleep(Duration::from_millis(700));
    assert!(watching.try_wait().expect("how it is").is_none(), "it waits");
    instance.write("run/durin-released", &format!("{VOLUME}\nboot b1\n"));
    let ran = Ran::of(watching);
    assert_eq!((ran.word(), ran.status), ("nothing to do", Some(0)), "{}", ran.text);
}

#[test]
fn a_service_that_is_away_for_a_while_is_asked_again() {
    let (instance, metadata) = serving();
    metadata.fail(&[Some(500), None, Some(401), Some(404)]);
    metadata.set(NOTICE, &notice_ending_in(1));
    let ran = instance.durin_node(metadata.address, &["watch", "--poll", "20"]);
    assert_eq!(ran.word(), "not released", "{}", ran.text);
}

/// Ours is of another year.
#[test]
fn the_last_moment_is_by_the_clock_of_the_service() {
    for (now, is_at_once) in [("07:28:00", false), ("07:29:29", true)] {
        let (instance, metadata) = serving();
        metadata.says_it_is(&format!("Wed, 21 Oct 2015 {now} GMT"));
        metadata.set(NOTICE, r#"{"action":"terminate","time":"2015-10-21T07:30:00Z"}"#);
        let mut watching = instance.begin(metadata.address, &["watch", "--poll", "50"]);
        thread::sleep(Duration::from_millis(2500));
        assert_eq!(watching.try_wait().expect("how it is").is_some(), is_at_once, "{now}");
        assert!(instance.read("run/durin/notice.json").contains(r#""last_moment":"2015-10-21T07:29:30Z""#));
        drop(watching.kill());
        drop(watching.wait());
    }
}

/// Its volume may still come, and be mounted.
#[test]
fn an_instance_that_serves_from_nothing_yet_goes_on_watching() {
    let (instance, metadata) = serving();
    let note = instance.read("run/durin/volume.json");
    instance.write("proc/sys/kernel/random/boot_id", "b2\n");
    metadata.set(NOTICE, &notice_ending_in(1));
    let mut watching = instance.begin(metadata.address, &["watch", "--poll", "20"]);
    thread::sleep(Duration::from_millis(500));
    assert!(watching.try_wait().expect("how it is").is_none(), "it waits");
    instance.write("run/durin/volume.json", &note.replace("b1", "b2"));
    assert_eq!(Ran::of(watching).word(), "not released", "there is no device here");
}

#[test]
fn an_instance_that_serves_from_nothing_and_goes_on_has_nothing_to_release() {
    let (instance, metadata) = serving();
    instance.write("proc/sys/kernel/random/boot_id", "b2\n");
    metadata.says_it_is("Wed, 21 Oct 2015 07:32:00 GMT");
    metadata.set(NOTICE, r#"{"action":"terminate","time":"2015-10-21T07:30:00Z"}"#);
    let ran = instance.durin_node(metadata.address, &["watch", "--poll", "20"]);
    assert_eq!(ran.word(), "nothing to do", "{}", ran.text);
}
