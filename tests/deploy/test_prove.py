"""`just prove`: what moto can be asked, what a person reads, and that it ends with a clean account."""

import json
import os
import re
import signal
import subprocess

import pytest

from conftest import INFRA

# What moto answers otherwise than the code assumes, and why that says nothing about AWS.
UNLIKE_AWS = {
    "a-bad-image-parameter-never-comes": "moto validates no image",
    "a-listing-begins-at-a-name": "moto lists no wildcard before the name that is asked for",
    "a-record-moves-by-comparison": "moto wants a DELETE to say what a CREATE says, in another order",
    "command-to-nobody-is-refused": "moto sends commands to nobody",
    "disabled-images-are-asked-for": "moto knows no disabled images",
    "overwriting-keeps-the-types": "moto overwrites a parameter's type",
    "tags-decide-before-existence": "moto checks no permissions",
    "unknown-instance-is-refused": "moto tags what does not exist",
}
# It fails at these, and the SDK tries for half a minute.
# Nor does it have what would be asked about images.
FAILS = {
    "a-hand-off-is-as-quick-inside",
    "no-group-is-not-no-action",
    "systems-manager-answers-in-time",
    "unknown-command-has-no-invocations",
    "unknown-member-is-not-ended",
}


@pytest.fixture
def prove(account, tmp_path):
    """Runs it in moto's account, with the `cargo prove` that is built; proofs go to a folder of the test."""
    cargo = tmp_path / "bin" / "cargo"
    cargo.parent.mkdir()
    cargo.write_text(f'#!/bin/sh\nshift\nexec "$DURIN_PROVE" "$@" --folder {tmp_path}/proof\n')
    cargo.chmod(0o755)

    def start(*arguments):
        environment = {**account.environment, "PATH": f"{cargo.parent}{os.pathsep}{account.environment['PATH']}"}
        return subprocess.Popen(
            [INFRA / "prove.sh", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    start.folder = tmp_path / "proof"
    return start


def findings(prove):
    (path,) = prove.folder.glob("*.json")
    return path, json.loads(path.read_text())


def left_in(account):
    zones = account.client("route53").list_hosted_zones()["HostedZones"]
    parameters = account.client("ssm").describe_parameters()["Parameters"]
    templates = account.client("ec2").describe_launch_templates()["LaunchTemplates"]
    names = [*(it["Name"] for it in [*zones, *parameters]), *(it["LaunchTemplateName"] for it in templates)]
    return [name for name in names if "proof" in name]


def test_moto_is_asked_what_it_can_be_asked(account, prove):
    listed = re.findall(r"^probe +(.*)$\nlevel +(read|cheap)$", prove("--list").communicate(timeout=60)[0], re.MULTILINE)
    only = [argument for name, _ in listed if name not in FAILS for argument in ("--only", name)]
    said, _ = prove("--yes", *only).communicate(timeout=300)
    assert prove.folder.exists(), said
    path, proof = findings(prove)
    assert path.name.endswith("-not-aws.json"), "moto proves nothing"
    assert proof["finished"] and not proof["runs"], said
    verdicts = {name: found["verdict"] for name, found in proof["findings"].items()}
    # How soon it answers depends on what else this machine does.
    refuted = {name for name, verdict in verdicts.items() if verdict == "refuted" and not name.endswith("-answers-in-time")}
    assert refuted == set(UNLIKE_AWS), said
    assert list(verdicts.values()).count("proved") >= 12, said
    assert left_in(account) == []
    report, _ = prove("--report").communicate(timeout=60)
    assert "none has been asked on AWS yet" in report


def test_one_that_is_stopped_takes_away_what_it_has_made_and_goes_on_another_time(account, prove):
    only = ["--only", "a-parameter-goes-by-its-arn", "--only", "a-bad-image-parameter-never-comes", "--only", "a-listing-begins-at-a-name"]
    process = prove("--yes", *only)
    for line in process.stdout:
        if "[3/3]" in line:
            break
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 3 and "run it again to go on" in said, said
    assert left_in(account) == []
    _, proof = findings(prove)
    assert not proof["finished"] and len(proof["findings"]) == 2
    process = prove("--yes", *only)
    said = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
    process.kill()
    process.communicate()
    assert "2 of them answered already" in said, said


def test_what_was_left_can_be_removed_at_once(account, prove):
    account.client("ssm").put_parameter(Name="/durin/proof/1767590000/identical", Value="v", Type="String")
    account.client("ssm").put_parameter(Name="/durin/proof/notes", Value="v", Type="String")
    process = prove("--clean", "--yes")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "removed parameter /durin/proof/1767590000/identical" in said, said
    assert left_in(account) == ["/durin/proof/notes"], "it is not a probe's"


def test_without_a_terminal_it_asks_for_a_yes_and_does_nothing(prove):
    process = prove("--read")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "pass --yes" in said
    assert not prove.folder.exists()
