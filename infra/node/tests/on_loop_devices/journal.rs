//! The end of the journal, which a release keeps on the volume.

use std::fs;
use std::time::{Duration, Instant};

use crate::full::fill;
use crate::instance::Instance;
use crate::releases::{release, serving};
use crate::volume::must;

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
    assert!(ran.said.contains("keep the journal: failed"), "{ran}");
}
