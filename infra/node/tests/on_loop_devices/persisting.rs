//! What stays with the volume, and what does not.

use std::fs;
use std::os::unix::fs::symlink;

use crate::instance::{Instance, Ran, VOLUME};
use crate::volume::Volume;

const READ_BY_K3S: &str = "etc/rancher/k3s/config.yaml.d/60-durin-volume.yaml";

/// An instance of this name that has mounted a volume of this kind.
fn mounted(kind: &str, name: &str) -> Option<Instance> {
    let instance = Instance::boot()?;
    let volume = Volume::make(&instance.path("volumes"), kind).expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    prepared(&instance, name, VOLUME);
    mount(&instance);
    Some(instance)
}

/// As `durin-node prepare` notes it.
fn prepared(instance: &Instance, name: &str, new_volume: &str) {
    let boot = fs::read_to_string(instance.path("proc/sys/kernel/random/boot_id")).expect("the boot");
    let note = serde_json::json!({
        "boot": boot.trim(), "instance": "i-1", "address": null, "volume": VOLUME, "new_volume": new_volume,
        "record": "home.internal", "node_name": name, "unfit": [], "warnings": []
    });
    fs::create_dir_all(instance.path("run/durin")).expect("a directory");
    instance.write("run/durin/prepared.json", &note.to_string());
}

fn mount(instance: &Instance) {
    let ran = instance.durin_node(&["volume", "--within", "2"]);
    assert!(matches!(ran.word(), "mounted" | "formatted"), "{ran}");
}

fn next_boot(instance: &mut Instance, name: &str) {
    instance.unmount_everything(&[]);
    instance.new_boot();
    drop(fs::remove_dir_all(instance.path("etc")));
    prepared(instance, name, VOLUME);
    mount(instance);
}

fn settings(instance: &Instance) -> Vec<String> {
    let text = fs::read_to_string(instance.path(READ_BY_K3S)).expect("a configuration");
    text.lines().skip(1).map(str::to_owned).collect()
}

const CHOSEN: [&str; 3] =
    ["node-name: \"home\"", "secrets-encryption: true", "disable: [traefik, servicelb, metrics-server]"];

#[test]
fn a_new_datastore_gets_its_choices_once_and_keeps_them() {
    let Some(mut instance) = mounted("blank", "home") else { return };
    assert_eq!(settings(&instance), CHOSEN);
    next_boot(&mut instance, "renamed");
    assert_eq!(settings(&instance), CHOSEN, "the tags have changed, the datastore has not");
}

#[test]
fn an_edited_choice_counts() {
    let Some(mut instance) = mounted("blank", "home") else { return };
    instance.write("data/durin/k3s.yaml", "# ours\nnode-name: home\ndisable: [traefik]\n");
    next_boot(&mut instance, "home");
    assert_eq!(settings(&instance), ["node-name: home", "disable: [traefik]"]);
}

/// Who may write to the volume may put anything there.
#[test]
fn a_choice_that_is_no_file_is_refused_and_does_not_hang() {
    let Some(mut instance) = mounted("blank", "home") else { return };
    fs::remove_file(instance.path("data/durin/k3s.yaml")).expect("the choices");
    crate::volume::must("mkfifo", &[&instance.text("data/durin/k3s.yaml")]);
    instance.unmount_everything(&[]);
    instance.new_boot();
    prepared(&instance, "home", VOLUME);
    let mut mounting = instance.begin(&["volume", "--within", "2"]);
    for _ in 0..100 {
        if mounting.try_wait().expect("how it is").is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(mounting.kill());
    let ran = Ran::of(mounting);
    assert!(ran.word() == "failed" && ran.why().contains("is no regular file: remove it"), "{ran}");
}

/// Nobody makes us write somewhere else.
#[test]
fn a_link_beside_the_choices_is_not_followed() {
    let Some(mut instance) = mounted("blank", "home") else { return };
    fs::remove_file(instance.path("data/durin/k3s.yaml")).expect("the choices");
    instance.write("victim", "untouched");
    symlink(instance.path("victim"), instance.path("data/durin/k3s.yaml.new")).expect("a link");
    next_boot(&mut instance, "home");
    assert_eq!(fs::read_to_string(instance.path("victim")).expect("it is there"), "untouched");
}

#[test]
fn a_datastore_that_is_there_already_gets_a_name_and_nothing_else() {
    let Some(mut instance) = mounted("ext4", "home") else { return };
    fs::remove_file(instance.path("data/durin/k3s.yaml")).expect("the choices");
    fs::create_dir_all(instance.path("data/k3s/server")).expect("a directory");
    next_boot(&mut instance, "home");
    assert_eq!(settings(&instance), ["node-name: \"home\""]);
}

/// The unit runs again when what a person has added to it fails; settle removes what is older than the mount.
#[test]
fn a_second_run_leaves_the_note_of_the_mount_alone() {
    let Some(instance) = mounted("blank", "home") else { return };
    let note = || fs::metadata(instance.path("run/durin/volume.json")).and_then(|it| it.modified()).expect("a note");
    let before = note();
    mount(&instance);
    assert_eq!(note(), before);
    let text = fs::read_to_string(instance.path("run/durin/volume.json")).expect("a note");
    assert!(text.contains(r#""formatted":true"#), "{text}");
}

#[test]
fn a_volume_is_new_only_if_the_tag_names_it() {
    let Some(instance) = Instance::boot() else { return };
    let volume = Volume::make(&instance.path("volumes"), "blank").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    prepared(&instance, "home", "vol-0fedcba9876543210");
    let ran = instance.durin_node(&["volume", "--within", "2"]);
    assert_eq!(ran.word(), "refused", "{ran}");
    assert!(volume.is_as_made());
}

#[test]
fn the_nodes_password_lies_on_the_volume() {
    let Some(mut instance) = mounted("ext4", "home") else { return };
    let link = instance.path("etc/rancher/node");
    assert_eq!(fs::read_link(&link).expect("a link").display().to_string(), "/data/durin/node");
    instance.write("data/durin/node/password", "secret");
    next_boot(&mut instance, "home");
    assert_eq!(fs::read_to_string(instance.path("data/durin/node/password")).expect("the password"), "secret");
    assert!(fs::read_link(&link).is_ok());
}

#[test]
fn a_password_of_the_image_is_set_aside_and_serves_a_volume_that_has_none() {
    let Some(mut instance) = mounted("ext4", "home") else { return };
    for (on_volume, then) in [(None, "of the image"), (Some("of the volume"), "of the volume")] {
        instance.unmount_everything(&[]);
        instance.new_boot();
        drop(fs::remove_dir_all(instance.path("etc")));
        fs::create_dir_all(instance.path("etc/rancher/node")).expect("a directory");
        instance.write("etc/rancher/node/password", "of the image");
        prepared(&instance, "home", VOLUME);
        if let Some(password) = on_volume {
            mount(&instance);
            instance.write("data/durin/node/password", password);
            instance.unmount_everything(&[]);
        }
        mount(&instance);
        let password = fs::read_to_string(instance.path("data/durin/node/password"));
        assert_eq!(password.expect("a password"), then);
        assert!(fs::read_link(instance.path("etc/rancher/node")).is_ok());
    }
}

/// An image was made on a machine that had been a node.
#[test]
fn what_was_set_aside_before_stays_beside_what_is_set_aside_now() {
    let Some((instance, _volume)) = crate::volume::with_a("ext4") else { return };
    for (directory, password) in [("node", "new"), ("node.of-the-image", "old")] {
        fs::create_dir_all(instance.path("etc/rancher").join(directory)).expect("a directory");
        instance.write(&format!("etc/rancher/{directory}/password"), password);
    }
    prepared(&instance, "home", VOLUME);
    mount(&instance);
    let read = |place: &str| fs::read_to_string(instance.path(place)).expect("a password");
    assert_eq!(read("data/durin/node/password"), "new");
    assert_eq!(read("etc/rancher/node.of-the-image/password"), "old");
    assert_eq!(read("etc/rancher/node.of-the-image.1/password"), "new");
}

/// The next instance is another one, which has no password of its own.
#[test]
fn a_password_that_was_carried_over_survives_a_power_cut() {
    let Some((mut instance, mut volume)) = crate::volume::with_a("ext4") else { return };
    fs::create_dir_all(instance.path("etc/rancher/node")).expect("a directory");
    instance.write("etc/rancher/node/password", "of the image");
    prepared(&instance, "home", VOLUME);
    mount(&instance);
    instance.lose_power(&mut volume);
    fs::remove_file(instance.path("etc/rancher/node")).expect("a link");
    prepared(&instance, "home", VOLUME);
    mount(&instance);
    let password = fs::read_to_string(instance.path("data/durin/node/password")).expect("the password");
    assert_eq!(password, "of the image");
}

#[test]
fn an_empty_password_is_removed_so_that_k3s_makes_one() {
    let Some(mut instance) = mounted("ext4", "home") else { return };
    instance.write("data/durin/node/password", "");
    next_boot(&mut instance, "home");
    assert!(!instance.path("data/durin/node/password").exists());
    // Nor is one of an image carried over.
    drop(fs::remove_dir_all(instance.path("etc")));
    fs::create_dir_all(instance.path("etc/rancher/node")).expect("a directory");
    instance.write("etc/rancher/node/password", "");
    mount(&instance);
    assert!(!instance.path("data/durin/node/password").exists());
}

#[test]
fn a_password_that_an_image_has_linked_to_the_volume_is_carried_over() {
    let Some(instance) = mounted("ext4", "home") else { return };
    let link = instance.path("etc/rancher/node");
    fs::remove_file(&link).expect("our link");
    fs::create_dir_all(instance.path("data/rancher-node")).expect("a directory");
    instance.write("data/rancher-node/password", "secret");
    symlink(instance.path("data/rancher-node"), &link).expect("a link");
    mount(&instance);
    assert_eq!(fs::read_to_string(instance.path("data/durin/node/password")).expect("the password"), "secret");
    assert_eq!(fs::read_link(&link).expect("a link").display().to_string(), "/data/durin/node");
}

#[test]
fn a_file_system_that_cannot_grow_serves_at_its_size_and_says_so() {
    let Some(instance) = Instance::boot() else { return };
    let volume = Volume::make(&instance.path("volumes"), "ext4").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    instance.stand_in("resize2fs", "echo no >&2; exit 1");
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!((ran.word(), &ran.answer["not_grown"]), ("mounted", &"resize2fs: no".into()), "{ran}");
}
