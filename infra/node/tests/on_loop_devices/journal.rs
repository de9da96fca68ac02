//! The end of the journal, which a release keeps on the volume.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::full::fill;
use crate::instance::{Instance, wait_until};
use crate::releases::{release, serving};
use crate::volume::{must, with_a};

/// The kept files with what is in them, oldest first. Those of a volume that has been released.
fn kept(instance: &Instance) -> Vec<(String, String)> {
    let (at, device) = (instance.text("looked.at"), fs::read_link(instance.path("dev/nvme1n1")).expect("a link"));
    fs::create_dir_all(&at).expect("a directory");
    must("mount", &["-o", "ro", &device.display().to_string(), &at]);
    let files = fs::read_dir(format!("{at}/durin/journal")).map(|files| {
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        let name = |file: &std::path::PathBuf| file.file_name().expect("a name").to_string_lossy().into_owned();
        files.iter().map(|file| (name(file), fs::read_to_string(file).expect("text"))).collect()
    });
    must("umount", &[&at]);
    files.unwrap_or_default()
}

#[test]
fn a_release_keeps_the_end_of_the_journal_on_the_volume() {
    let Some(instance) = serving() else { return };
    instance.stand_in("journalctl", "echo \"$*\" >\"$root/read\"; echo 'k3s: Stopped Lightweight Kubernetes.'");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    let read = fs::read_to_string(instance.path("read")).expect("it was read");
    assert_eq!(read, "--boot --lines=5000 --output=short-iso --no-pager\n");
    let kept = kept(&instance);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].1, "k3s: Stopped Lightweight Kubernetes.\n");
    assert!(kept[0].0.starts_with("20") && kept[0].0.ends_with('Z'), "{kept:?}");
}

#[test]
fn eight_are_kept_of_a_megabyte_each() {
    let Some(instance) = serving() else { return };
    fs::create_dir_all(instance.path("data/durin/journal")).expect("a directory");
    for year in 2010..2020 {
        instance.write(&format!("data/durin/journal/{year}-01-01T00:00:00Z"), "old");
    }
    instance.stand_in("journalctl", "yes 'a line' | head -c 3000000; echo the end");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    let kept = kept(&instance);
    assert_eq!((kept.len(), kept[0].0.as_str()), (8, "2013-01-01T00:00:00Z"), "{:?}", kept.first());
    let newest = &kept[7].1;
    assert!(newest.len() == 1 << 20 && newest.ends_with("the end\n"), "{}", newest.len());
}

#[test]
fn a_journal_that_hangs_holds_nothing_up() {
    let Some(instance) = serving() else { return };
    instance.stand_in("journalctl", "sleep 60");
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("keep the journal: took too long"), "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{ran}");
}

#[test]
fn a_full_volume_is_released_without_it() {
    let Some(instance) = serving() else { return };
    fill(&instance.text("data"));
    instance.stand_in("journalctl", "echo a line");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("keep the journal: the volume is nearly full"), "{ran}");
}

/// k3s does not start without any.
#[test]
fn the_last_of_the_room_is_not_for_the_journal() {
    let Some(instance) = serving() else { return };
    must("fallocate", &["--length", "46M", &instance.text("data/fill")]);
    instance.stand_in("journalctl", "echo a line");
    let ran = release(&instance);
    assert!(ran.word() == "released" && ran.said.contains("keep the journal: the volume is nearly full"), "{ran}");
    assert_eq!(kept(&instance).len(), 0);
}

#[test]
fn what_else_lies_beside_the_kept_files_stays() {
    let Some(instance) = serving() else { return };
    fs::create_dir_all(instance.path("data/durin/journal")).expect("a directory");
    for number in 10..20 {
        for name in [format!("20{number}-01-01T00:00:00Z"), format!("notes-{number}"), format!("20{number}")] {
            instance.write(&format!("data/durin/journal/{name}"), "old");
        }
    }
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    let kept = kept(&instance);
    assert_eq!(kept.iter().filter(|(name, _)| name.ends_with('Z')).count(), 8, "{kept:?}");
    assert_eq!(kept.len(), 28, "{kept:?}");
}

/// Nobody waits for it to go.
#[test]
fn what_has_the_name_of_a_kept_file_and_is_none_keeps_no_other_from_being_kept() {
    let Some(instance) = serving() else { return };
    for year in 2010..2020 {
        fs::create_dir_all(instance.path(&format!("data/durin/journal/{year}-01-01T00:00:00Z"))).expect("a directory");
    }
    instance.stand_in("journalctl", "echo a line");
    let ran = release(&instance);
    assert!(ran.word() == "released" && !ran.said.contains("keep the journal"), "{ran}");
    let at = instance.text("looked.at");
    fs::create_dir_all(&at).expect("a directory");
    let device = fs::canonicalize(instance.path("dev/nvme1n1")).expect("a device").display().to_string();
    must("mount", &["-o", "ro", &device, &at]);
    let kept = fs::read_dir(format!("{at}/durin/journal")).expect("the kept").count();
    must("umount", &[&at]);
    assert_eq!(kept, 11);
}

/// Nothing is written to where it leads, and nothing removed.
#[test]
fn a_link_in_the_place_of_the_directory_is_not_followed() {
    let Some(instance) = serving() else { return };
    fs::create_dir_all(instance.path("elsewhere")).expect("a directory");
    (2000..2020).for_each(|year| instance.write(&format!("elsewhere/{year}-01-01T00:00:00Z"), "another's"));
    symlink(instance.path("elsewhere"), instance.path("data/durin/journal")).expect("a link");
    let ran = release(&instance);
    assert!(ran.word() == "released" && ran.said.contains("keep the journal: failed"), "{ran}");
    assert_eq!(fs::read_dir(instance.path("elsewhere")).expect("a directory").count(), 20);
}

/// What it waits for inside the kernel is not on the volume, and neither is it.
#[test]
fn a_journal_that_cannot_be_killed_does_not_keep_the_volume() {
    let Some(instance) = serving() else { return };
    let (image, frozen) = (instance.text("image"), instance.text("frozen"));
    fs::create_dir_all(&frozen).expect("a directory");
    fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).expect("an image");
    must("mkfs.ext4", &["-q", &image]);
    must("mount", &["-o", "loop", &image, &frozen]);
    must("fsfreeze", &["--freeze", &frozen]);
    instance.stand_in("journalctl", "exec touch \"$root/frozen/x\"");
    let ran = release(&instance);
    must("fsfreeze", &["--unfreeze", &frozen]);
    assert!(ran.word() == "released" && ran.said.contains("keep the journal: took too long"), "{ran}");
    wait_until("end of the journal", || {
        Command::new("umount").arg(&frozen).status().is_ok_and(|ended| ended.success())
    });
}

/// It is not the node's, for all that is known.
#[test]
fn nothing_is_kept_on_what_somebody_else_has_mounted() {
    let Some((instance, made)) = with_a("ext4") else { return };
    must("mount", &[&made.device, &instance.text("data")]);
    instance.stand_in("journalctl", "echo a line");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert_eq!(kept(&instance).len(), 0);
}
