"""`just prove`: what moto can be asked, what a person reads, and that it ends with a clean account."""

import json
import os
import signal
import subprocess
import time

import pytest

from conftest import INFRA

# Of what moto is asked, it answers these otherwise than the code assumes. Nothing in the code follows moto.
UNLIKE_AWS = {}


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


def test_moto_is_asked_what_it_can_be_asked(prove):
    process = prove("--read", "--yes")
    said, _ = process.communicate(timeout=120)
    path, proof = findings(prove)
    assert path.name.endswith("-not-aws.json"), "moto proves nothing"
    assert proof["finished"]
    refuted = {name for name, found in proof["findings"].items() if found["verdict"] == "refuted"}
    proved = {name for name, found in proof["findings"].items() if found["verdict"] == "proved"}
    print(said)
    assert refuted - {name for name in refuted if name.endswith("-in-time")} == set(UNLIKE_AWS), said
    assert len(proved) >= 8, said


def test_without_a_terminal_it_asks_for_a_yes_and_does_nothing(prove):
    process = prove("--read")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "pass --yes" in said
    assert not prove.folder.exists()
