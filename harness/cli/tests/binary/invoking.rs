use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{durin, refused};

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A function that answers nothing and writes down its environment.
fn nosy_function(folder: &Path) -> PathBuf {
    let script = folder.join("function");
    fs::write(&script, format!("#!/bin/sh\nexport > {}\n", folder.join("environment").display())).expect("a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    script
}

#[test]
fn it_runs_with_the_settings_of_its_manifest_and_says_so() {
    let folder = folder("settings");
    let binary = nosy_function(&folder);
    let invoked = durin(&["invoke", "ami-prune", "schedule", "--binary"]).arg(&binary).output().expect("a process");
    let (told, error) = (String::from_utf8_lossy(&invoked.stdout), String::from_utf8_lossy(&invoked.stderr));
    assert_eq!(invoked.status.code(), Some(1), "{error}");
    assert!(error.contains("the function ended before it answered"), "{error}");
    assert!(told.contains("with the settings of functions/ami-prune/Cargo.toml: DURIN_DRY_RUN=false "), "{told}");
    let environment = fs::read_to_string(folder.join("environment")).expect("an environment");
    // As dash and bash write it.
    let has = |line: &str| environment.lines().any(|it| it.ends_with(line));
    assert!(has("DURIN_DRY_RUN='false'") || has("DURIN_DRY_RUN=\"false\""), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
}

#[test]
fn an_event_is_found_in_the_current_folder_and_among_the_recorded_with_or_without_its_ending() {
    let folder = folder("finding");
    fs::write(folder.join("mine.json"), r#"{"time": "2020-01-01T00:00:00Z", "source": "me"}"#).expect("a file");
    let event = |name: &str| {
        let output = durin(&["event", name]).current_dir(&folder).output().expect("a process");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(event("mine.json").contains("\"source\": \"me\""));
    for name in ["launch", "launch.json"] {
        assert!(event(name).contains("EC2 Instance-launch Lifecycle Action"));
    }
    // Dated now: the functions do nothing about an old warning.
    assert!(!event("mine.json").contains("2020-01-01"));
}

#[test]
fn an_event_that_is_none_is_not_understood() {
    let folder = folder("none");
    let bad = folder.join("bad.json");
    fs::write(&bad, "{\"time\": }").expect("a file");
    let bad = bad.display().to_string();
    for (arguments, says) in [
        (&["invoke", "node-resync", &bad][..], "bad.json is not JSON: expected value at line 1 column 10"),
        (&["invoke", "node-resync", "nothing"], "it is neither a file nor one of events/, which has ami-available, "),
        (&["invoke", "juggler", "launch"], "there are ami-prune, ami-publish, node-lifecycle"),
        (&["invoke", "node-resync", "schedule", "--binary", "/no/such"], "there is no binary /no/such"),
        (&["event", ""], "there is no event \"\""),
    ] {
        let text = refused(arguments, 2);
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}
