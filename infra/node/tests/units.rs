//! The units: systemd understands them, and they call what there is.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const INSTALLED: &str = "/usr/local/bin/durin-node";

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("units")
}

fn services() -> Vec<PathBuf> {
    let entries = fs::read_dir(units()).expect("the units").flatten();
    let mut found: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "service")).collect();
    found.sort();
    assert_eq!(found.len(), 5);
    found
}

/// systemd checks that programs are there, and knows no k3s: both are put beside the units.
#[test]
fn systemd_understands_the_units() {
    let directory = std::env::temp_dir().join(format!("durin-units-{}", std::process::id()));
    let drop_ins = directory.join("k3s.service.d");
    fs::create_dir_all(&drop_ins).expect("a directory");
    fs::write(directory.join("k3s.service"), "[Service]\nExecStart=/bin/true\n").expect("a unit");
    fs::copy(units().join("k3s.service.d/durin.conf"), drop_ins.join("durin.conf")).expect("a drop-in");
    for unit in services() {
        let text = fs::read_to_string(&unit).expect("a unit").replace(INSTALLED, env!("CARGO_BIN_EXE_durin-node"));
        fs::write(directory.join(unit.file_name().expect("a name")), text).expect("a unit");
    }
    let names = fs::read_dir(&directory).expect("the units").flatten().map(|entry| entry.path());
    let names: Vec<_> = names.filter(|path| path.is_file()).collect();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=yes"])
        .args(&names)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", directory.display()))
        .output();
    drop(fs::remove_dir_all(&directory));
    let Ok(verified) = verified else {
        let told = writeln!(io::stderr(), "NOT RUN: systemd-analyze verify, because there is none");
        return told.expect("standard error");
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<_> = said.lines().filter(|line| line.contains("durin") || line.contains("k3s")).collect();
    assert!(ours.is_empty() && verified.status.success(), "{said}");
}

#[test]
fn every_command_of_a_unit_is_one_that_the_program_has() {
    let mut commands = Vec::new();
    for unit in services() {
        let text = fs::read_to_string(&unit).expect("a unit");
        let lines = text.lines().filter_map(|line| line.split_once('=')?.1.strip_prefix(INSTALLED));
        commands.extend(lines.map(|line| line.trim().to_owned()));
    }
    commands.sort();
    assert_eq!(commands, ["prepare", "release --at-shutdown", "settle", "volume", "watch"]);
    for command in commands {
        let arguments = command.split(' ').chain(["--help"]);
        let help = Command::new(env!("CARGO_BIN_EXE_durin-node")).args(arguments).output();
        assert!(help.expect("durin-node").status.success(), "{command}");
    }
}

/// systemd says how the stop has ended. (systemd.exec(5), "SERVICE_RESULT")
#[test]
fn a_shutdowns_release_is_run_again_only_if_it_was_killed() {
    let text = fs::read_to_string(units().join("durin-node.service")).expect("a unit");
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStopPost=")).expect("a command");
    let line = line.replace("$$", "$").replace(INSTALLED, "echo durin-node");
    for (result, runs) in
        [("success", false), ("exit-code", false), ("timeout", true), ("signal", true), ("oom-kill", true)]
    {
        let ran = Command::new("sh").args(["-c", &line]).env("SERVICE_RESULT", result).output().expect("a shell");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(said.trim(), if runs { "durin-node release --at-shutdown" } else { "" }, "{result}");
        assert!(ran.status.success(), "{result}");
    }
}

#[test]
fn every_unit_that_mounts_or_starts_k3s_honours_the_marker() {
    for unit in ["durin-volume.service", "durin-settle.service", "k3s.service.d/durin.conf"] {
        let text = fs::read_to_string(units().join(unit)).expect("a unit");
        assert!(text.lines().any(|line| line == "ConditionPathExists=!/run/durin-released"), "{unit}");
    }
}

/// What keeps it from mounting may pass: a slow device, another mount, a tag that comes late.
#[test]
fn the_volume_is_tried_again_for_ever_and_starts_k3s_each_time() {
    let text = fs::read_to_string(units().join("durin-volume.service")).expect("a unit");
    let has = |wanted: &str| text.lines().any(|line| line == wanted);
    assert!(has("Restart=on-failure") && has("RestartSec=10") && has("StartLimitIntervalSec=0"), "{text}");
    // What is ordered after it does not start when a later try succeeds, unless that starts it.
    assert!(has("ExecStartPost=/usr/bin/systemctl start --no-block k3s.service"), "{text}");
    assert!(has("ExecStartPost=-/usr/bin/systemctl start --no-block durin-settle.service"), "{text}");
}

#[test]
fn nothing_that_the_boot_waits_for_waits_for_the_volume() {
    for unit in services() {
        let text = fs::read_to_string(&unit).expect("a unit");
        let is_waited_for = text.contains("WantedBy=") && text.contains("Type=oneshot");
        assert!(!(is_waited_for && text.contains("TimeoutStartSec=infinity")), "{}", unit.display());
    }
}

#[test]
fn provisioning_enables_what_the_boot_starts() {
    let script = include_str!("../../image/provision.sh");
    let mut enabled = script.lines().filter_map(|line| line.split_once(" enable ")).map(|(_, units)| units);
    let enabled = enabled.find(|units| units.contains("durin-")).expect("a command");
    let mut enabled: Vec<_> = enabled.split(' ').filter_map(|unit| unit.strip_suffix(".service")).collect();
    enabled.sort_unstable();
    let is_wanted = |unit: &PathBuf| fs::read_to_string(unit).expect("a unit").contains("WantedBy=");
    let wanted: Vec<_> = services().into_iter().filter(is_wanted).collect();
    let wanted: Vec<_> = wanted.iter().filter_map(|unit| unit.file_stem()?.to_str()).collect();
    assert_eq!(enabled, wanted);
    assert!(script.contains(&format!(" {INSTALLED}\n")), "where the units look for the program");
}
