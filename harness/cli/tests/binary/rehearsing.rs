use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::{durin, refused, run};

/// A directory in which these programs are, and no others.
fn only(programs: &[&str]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("without-qemu");
    drop(fs::remove_dir_all(&directory));
    fs::create_dir_all(&directory).expect("a directory");
    for program in programs {
        let found = ["/bin", "/usr/bin"].iter().map(|place| Path::new(place).join(program)).find(|path| path.exists());
        symlink(found.unwrap_or_else(|| panic!("no {program}")), directory.join(program)).expect("a link");
    }
    directory
}

#[test]
fn without_qemu_it_says_what_to_install_and_claims_nothing() {
    let path = only(&["bash", "env", "id", "dirname"]);
    let Output { status, stdout, stderr } = durin(&["rehearse"]).env("PATH", path).output().expect("the program");
    let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(3), "{complained}");
    assert!(complained.contains("apt install qemu-system-x86 mmdebstrap"), "{complained}");
    assert!(complained.contains("error: nothing was rehearsed: a program is missing"), "{complained}");
    assert_eq!(said, "");
}

#[test]
fn a_scenario_that_is_not_there_is_refused_and_the_others_are_listed() {
    assert!(refused(&["rehearse", "nothing"], 2).contains("just rehearse --list"));
    let listed = String::from_utf8(run(&["rehearse", "--list"]).stdout).expect("UTF-8");
    assert!(listed.starts_with("interruption ") && listed.lines().count() >= 7, "{listed}");
}
