//! The command documents: what Systems Manager runs is this program, with the volume that the functions name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use durin_node::decide::protocol::PROTOCOL;
use rstest::rstest;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../release.yaml");
const INSTALLED: &str = "/usr/local/bin/durin-node";
const PROVISIONING: &str = "/etc/durin/provisioning";
const VOLUME: &str = "vol-0abcdef0123456789";

/// A new text is a new protocol, or the same one in other words: instances with the program of the release before get
/// it at once.
#[rstest]
#[case::release("Release", "release", "release {{ VolumeId }}", "not released", 45)]
#[case::resume("Resume", "resume", "resume {{ VolumeId }}", "not resumed", 180)]
fn a_document_says_this_and_nothing_else(
    #[case] resource: &str,
    #[case] name: &str,
    #[case] command: &str,
    #[case] refusal: &str,
    #[case] seconds: u64,
) {
    let script = format!(
        "node={INSTALLED}
if [ ! -x \"$node\" ]; then
    echo \"{refusal}: there is no $node on this instance: bake it into the image (DEPLOY.md), and replace the instance\" >&2
    exit 1
fi
exec \"$node\" --protocol {PROTOCOL} {command}
"
    );
    // Nothing in it means anything to a shell.
    assert_document(resource, name, &script, seconds, &[("VolumeId", &json!("^vol-[0-9a-f]{8,17}$"))]);
}

#[rstest]
#[case::prepared("Prepared", "prepared", "not prepared", "unfit")]
#[case::serves("Serves", "serves", "does not serve", "does not serve")]
fn a_question_says_this_and_nothing_else(
    #[case] resource: &str,
    #[case] goal: &str,
    #[case] refusal: &str,
    #[case] failed: &str,
) {
    let script = format!(
        "node={INSTALLED} within=120
# On a stock image user data writes the file first, and provision.sh removes it last. The agent may be there
# before: then cloud-init has user data that will. Once cloud-init has ended, nobody removes it any more.
comes() {{
    [ ! -e /run/cloud-init/result.json ] && {{ [ -e {PROVISIONING} ] ||
        grep -qs {PROVISIONING} /var/lib/cloud/instance/user-data.txt; }}
}}
while [ ! -x \"$node\" ] && comes && [ $within -gt 20 ]; do
    sleep 2
    within=$((within - 2))
done
if [ ! -x \"$node\" ] && comes; then
    echo '{{\"protocol\":{PROTOCOL},\"answer\":\"{refusal}\",\"why\":\"it is still being provisioned\"}}'
    exit 1
elif [ ! -x \"$node\" ] && [ -e {PROVISIONING} ]; then
    echo '{{\"protocol\":{PROTOCOL},\"answer\":\"{failed}\",\"why\":\"its provisioning has failed: look at /var/log/cloud-init-output.log on it\"}}'
    exit 1
elif [ ! -x \"$node\" ]; then
    echo \"{refusal}: there is no $node on this instance: bake it into the image (DEPLOY.md), and replace the instance\" >&2
    exit 1
fi
exec \"$node\" --protocol {PROTOCOL} status --wait {goal} --within $within
"
    );
    assert_document(resource, goal, &script, 130, &[]);
}

fn assert_document(resource: &str, name: &str, script: &str, seconds: u64, parameters: &[(&str, &Value)]) {
    let content = content(resource);
    let steps = json!([{
        "action": "aws:runShellScript",
        "name": name,
        "precondition": { "StringEquals": ["platformType", "Linux"] },
        "inputs": { "timeoutSeconds": seconds, "runCommand": [script] },
    }]);
    assert_eq!((&content["schemaVersion"], &content["mainSteps"]), (&json!("2.2"), &steps));
    let given = content["parameters"].as_object();
    let patterns: Vec<_> =
        given.into_iter().flatten().map(|(name, it)| (name.as_str(), &it["allowedPattern"])).collect();
    assert_eq!(patterns, parameters);
}

#[rstest]
#[case::released("Release", "release", 0)]
#[case::not_released("Release", "release", 1)]
#[case::resumed("Resume", "resume", 0)]
#[case::to_be_rebooted("Resume", "resume", 194)]
fn a_document_passes_on_the_volume_and_the_exit_status(
    #[case] resource: &str,
    #[case] command: &str,
    #[case] status: i32,
) {
    let place = Place::new();
    let program = place.program(&format!("echo \"$@\"\nexit {status}"));
    let ran = run(resource, &program);
    assert_eq!(ran.status.code(), Some(status));
    assert_eq!(String::from_utf8_lossy(&ran.stdout), format!("--protocol {PROTOCOL} {command} {VOLUME}\n"));
}

/// The functions take anything else for an instance that cannot be asked.
#[rstest]
#[case::prepared("Prepared", "prepared")]
#[case::serves("Serves", "serves")]
fn a_question_passes_on_the_exit_status(#[case] resource: &str, #[case] goal: &str, #[values(0, 1)] status: i32) {
    let place = Place::new();
    let program = place.program(&format!("echo \"$@\"\nexit {status}"));
    let ran = run(resource, &program);
    let expected = format!("--protocol {PROTOCOL} status --wait {goal} --within 120\n");
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stdout).as_ref()), (Some(status), expected.as_str()));
}

#[rstest]
#[case::release("Release", "not released: there is no ")]
#[case::resume("Resume", "not resumed: there is no ")]
#[case::prepared("Prepared", "not prepared: there is no ")]
#[case::serves("Serves", "does not serve: there is no ")]
fn an_instance_without_the_program_says_so_and_fails(#[case] resource: &str, #[case] says: &str) {
    let place = Place::new();
    let ran = run(resource, &place.path.join("durin-node"));
    assert_eq!(ran.status.code(), Some(1));
    let problem = String::from_utf8_lossy(&ran.stderr);
    assert!(problem.starts_with(says) && problem.lines().count() == 1, "{problem}");
}

/// What the functions take for "not yet", and not for an instance that cannot be asked. (`shared/src/node/words.rs`)
#[rstest]
#[case::prepared("Prepared", "not prepared")]
#[case::serves("Serves", "does not serve")]
fn an_instance_that_is_still_being_provisioned_says_so(#[case] resource: &str, #[case] answer: &str) {
    let place = Place::new();
    place.write("provisioning", "");
    place.write("sleep", "#!/bin/sh\n");
    let ran = run(resource, &place.path.join("durin-node"));
    assert_eq!(ran.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&ran.stdout).expect("a line of JSON");
    assert_eq!(said, json!({ "protocol": PROTOCOL, "answer": answer, "why": "it is still being provisioned" }));
}

#[rstest]
#[case::prepared("Prepared", "prepared")]
#[case::serves("Serves", "serves")]
fn a_program_that_arrives_is_asked_for_as_long_as_is_left(#[case] resource: &str, #[case] goal: &str) {
    let place = Place::new();
    place.write("provisioning", "");
    let program = place.path.join("durin-node");
    place.write("comes", "#!/bin/sh\necho \"$@\"\n");
    place.write("sleep", &format!("#!/bin/sh\ncp {} {}\n", place.path.join("comes").display(), program.display()));
    let ran = run(resource, &program);
    let expected = format!("--protocol {PROTOCOL} status --wait {goal} --within 118\n");
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stdout).as_ref()), (Some(0), expected.as_str()));
}

#[rstest]
#[case::release("Release", "not released")]
#[case::resume("Resume", "not resumed")]
fn the_program_understands_its_document(#[case] resource: &str, #[case] refusal: &str) {
    let place = Place::new();
    fs::create_dir(place.path.join("run")).expect("a directory");
    let real = format!("exec {} --root {} \"$@\"", env!("CARGO_BIN_EXE_durin-node"), place.path.display());
    let ran = run(resource, &place.program(&real));
    assert_eq!(ran.status.code(), Some(1));
    let problem = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(problem, format!("{refusal}: {VOLUME} is not attached: no NVMe device has its serial number\n"));
}

fn content(resource: &str) -> Value {
    let template: Value = serde_saphyr::from_str(TEMPLATE).expect("YAML");
    template["Resources"][resource]["Properties"]["Content"].clone()
}

/// As the agent runs it: the parameter is put in, and the commands are one script.
fn run(resource: &str, program: &Path) -> Output {
    let content = content(resource);
    let commands = content["mainSteps"][0]["inputs"]["runCommand"].as_array().expect("commands").iter();
    let script = commands.filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    let beside = program.parent().expect("a directory");
    let script = script.replace("{{ VolumeId }}", VOLUME).replace(INSTALLED, &program.display().to_string());
    let script = script.replace(PROVISIONING, &beside.join("provisioning").display().to_string());
    // Programs beside it come before the machine's.
    let path = format!("{}:{}", beside.display(), std::env::var("PATH").expect("a path"));
    Command::new("sh").args(["-c", &script]).env("PATH", path).output().expect("a shell")
}

/// A directory of the test's own. One at a time: a program that is being written when another test starts a process
/// cannot be run, because that process has it open for a moment.
struct Place {
    path: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("durin-documents-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = std::env::temp_dir().join(name);
        fs::create_dir_all(&place).expect("a directory");
        Place { path: place, _alone: alone }
    }

    fn program(&self, body: &str) -> PathBuf {
        self.write("durin-node", &format!("#!/bin/sh\n{body}\n"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable");
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}
