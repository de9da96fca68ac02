//! Images of several ages take turns at one volume: what one has made, the next has to be able to check and to mount.

use std::process::Command;

use crate::instance::{Instance, Ran, VOLUME};
use crate::releases::release;
use crate::volume::{must, with_a};

fn volume(instance: &Instance) -> Ran {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"])
}

#[test]
fn a_new_file_system_has_nothing_that_an_older_image_does_not_know() {
    let Some((instance, made)) = with_a("blank") else { return };
    // As e2fsprogs 1.47 has it, with which others are made by default.
    let newer = "[defaults]\nbase_features = sparse_super,filetype\n[fs_types]\next4 = {\nfeatures = \
                 has_journal,extent,metadata_csum,metadata_csum_seed,64bit,orphan_file\n}\n";
    instance.write("newer.conf", newer);
    let mut command = Command::new(env!("CARGO_BIN_EXE_durin-node"));
    command.args(["--root", instance.text("").trim_end_matches('/')]);
    command
        .args(["volume", "--volume", VOLUME, "--new", "--within", "2"])
        .env("MKE2FS_CONFIG", instance.path("newer.conf"));
    assert!(command.output().expect("it runs").status.success());
    let features = must("dumpe2fs", &["-h", &made.device]);
    let features = features.lines().find_map(|line| line.strip_prefix("Filesystem features:")).expect("its features");
    let mut features: Vec<_> = features.split_whitespace().filter(|feature| *feature != "needs_recovery").collect();
    features.sort_unstable();
    let known = "64bit dir_index dir_nlink ext_attr extent extra_isize filetype flex_bg has_journal huge_file large_file \
                 metadata_csum resize_inode sparse_super";
    assert_eq!(features.join(" "), known);
}

/// The kernel knows more than e2fsck does, and refuses what it does not know.
#[test]
fn a_file_system_of_a_newer_image_is_mounted_if_it_was_let_go_of_cleanly() {
    let Some((mut instance, mut made)) = with_a("ext4") else { return };
    must("debugfs", &["-w", "-R", "feature FEATURE_C14", &made.device]);
    let ran = volume(&instance);
    assert_eq!(ran.word(), "mounted", "{ran}");
    // e2fsck replays the journal before it gives up.
    instance.lose_power(&mut made);
    let ran = volume(&instance);
    assert_eq!(ran.word(), "mounted", "{ran}");
    assert_eq!(release(&instance).word(), "released");
    std::fs::remove_file(instance.path("run/durin-released")).expect("the marker");
    must("debugfs", &["-w", "-R", "set_super_value state 2", &made.device]);
    let ran = volume(&instance);
    assert!(
        ran.word() == "refused" && ran.why().contains("e2fsck is too old to check it (it has FEATURE_C14)"),
        "{ran}"
    );
    assert!(instance.mounts().is_empty());
}
