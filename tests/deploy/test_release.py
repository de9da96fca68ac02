"""A release is packed, checked against its list, and deployed without a toolchain."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from conftest import FUNCTIONS, INFRA

ROOT = INFRA.parent
VERSION = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
WORKFLOWS = ROOT / ".github" / "workflows"


def built(folder):
    """What a build leaves, as far as packing looks at it."""
    for architecture in ["arm64", "x86_64"]:
        (folder / architecture).mkdir(parents=True)
        for name in FUNCTIONS:
            (folder / architecture / name).write_bytes(f"{name} for {architecture}".encode() * 100)
    for architecture in ["x86_64", "aarch64"]:
        (folder / f"durin-node-{architecture}").write_bytes(f"durin-node for {architecture}".encode())
    return folder


def packed(from_, into):
    into.mkdir()
    return subprocess.run([INFRA / "pack.sh", into, "--built", from_], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A place with one release."""
    folder = tmp_path_factory.mktemp("releases")
    ended = packed(built(tmp_path_factory.mktemp("built") / "there"), folder / f"v{VERSION}")
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def released(account, releases, tmp_path, monkeypatch):
    """Runs `just deploy --release` where there is no toolchain."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ["cargo", "rustc", "rustup"]:
        (tools / name).write_text("#!/bin/sh\necho 'there is no toolchain here' >&2\nexit 99\n")
        (tools / name).chmod(0o755)
    monkeypatch.setitem(account.environment, "PATH", f"{tools}{os.pathsep}{account.environment['PATH']}")
    monkeypatch.setitem(account.environment, "DURIN_RELEASES", f"file://{releases}")
    return account


def sums(folder):
    return dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())


def test_a_release_has_every_function_for_both_processors_and_durin_node(releases):
    listed = sums(releases / f"v{VERSION}")
    archives = {f"{name}-{architecture}.zip" for name in FUNCTIONS for architecture in ["arm64", "x86_64"]}
    assert set(listed) == archives | {"durin-node-x86_64", "durin-node-aarch64"}
    for name, sha in listed.items():
        assert hashlib.sha256((releases / f"v{VERSION}" / name).read_bytes()).hexdigest() == sha


def test_packed_again_elsewhere_and_later_it_is_the_same(releases, tmp_path):
    again = built(tmp_path / "elsewhere")
    for path in again.rglob("*"):
        os.utime(path, (1, 1))
    assert packed(again, tmp_path / "release").returncode == 0
    assert sums(tmp_path / "release") == sums(releases / f"v{VERSION}")


def test_lambda_can_run_what_is_in_an_archive(releases):
    with zipfile.ZipFile(releases / f"v{VERSION}" / "durin-node-lifecycle-arm64.zip") as archive:
        (entry,) = archive.infolist()
    assert (entry.filename, oct(entry.external_attr >> 16)) == ("bootstrap", "0o100755")


def test_a_release_that_lacks_something_is_not_packed(tmp_path):
    there = built(tmp_path / "there")
    (there / "arm64" / "durin-ami-prune").unlink()
    ended = packed(there, tmp_path / "release")
    assert ended.returncode == 1 and "arm64/durin-ami-prune" in ended.stderr


@pytest.mark.parametrize("file", ["durin-ami-prune-arm64.zip", "durin-node-x86_64", "SHA256SUMS"])
def test_a_file_that_is_not_what_the_list_says_is_not_deployed(released, releases, tmp_path, monkeypatch, file):
    shutil.copytree(releases, tmp_path / "forged")
    (tmp_path / "forged" / f"v{VERSION}" / file).write_bytes(b"forged")
    monkeypatch.setitem(released.environment, "DURIN_RELEASES", f"file://{tmp_path / 'forged'}")
    told = released.refused("deploy.sh", "--release", f"v{VERSION}")
    assert "is not what SHA256SUMS of the release" in told
    assert released.client("lambda").list_functions()["Functions"] == []


def test_a_release_that_is_not_there_is_told(released, tmp_path, monkeypatch):
    monkeypatch.setitem(released.environment, "DURIN_RELEASES", f"file://{tmp_path}")
    assert "cannot be fetched" in released.refused("deploy.sh", "--release", f"v{VERSION}")


def test_a_release_of_another_version_needs_its_own_templates(released):
    assert "git checkout v99.0.0" in released.refused("deploy.sh", "--release", "v99.0.0")


def test_a_release_is_deployed_without_a_toolchain(released):
    said = released.done("deploy.sh", "--release", f"v{VERSION}")
    assert "Not checked: the release's provenance" in said
    there = {it["FunctionName"]: it for it in released.client("lambda").list_functions()["Functions"]}
    assert set(there) == set(FUNCTIONS)
    for name, function in there.items():
        settings = FUNCTIONS[name]
        assert (function["MemorySize"], function["Timeout"]) == (settings["memory"], settings["timeout"])
        assert function["Environment"]["Variables"] == released.variables(name)
        assert (function["Architectures"], function["Runtime"], function["Handler"]) == (["arm64"], "provided.al2023", "bootstrap")


def test_a_second_run_changes_nothing_and_another_processor_is_a_change(released):
    said = released.done("deploy.sh", "--release", f"v{VERSION}")
    assert said.count(": unchanged") >= len(FUNCTIONS) and "Function durin-ami-prune: unchanged" in said
    said = released.done("deploy.sh", "--release", f"v{VERSION}", "--log-level", "debug")
    assert said.count("Function ") == len(FUNCTIONS) == said.count(": deploy")
    variables = released.client("lambda").get_function_configuration(FunctionName="durin-ami-prune")["Environment"]["Variables"]
    assert variables["RUST_LOG"] == "debug"


def workflow(name):
    return yaml.safe_load((WORKFLOWS / name).read_text())


def test_actionlint_finds_nothing():
    # It asks shellcheck about what the steps run.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [Path(sys.executable).parent / "actionlint", "-no-color", *sorted(WORKFLOWS.glob("*.yml"))]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_every_action_is_pinned_to_a_commit():
    for path in WORKFLOWS.glob("*.yml"):
        for used in re.findall(r"uses: (\S+)", path.read_text()):
            assert used.startswith("./.github/workflows/") or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", used), used


def test_ci_runs_what_a_person_runs():
    (steps,) = [job["steps"] for job in workflow("ci.yml")["jobs"].values()]
    assert [step["run"] for step in steps if "run" in step][-1] == ".ci/run"


def test_only_the_last_job_of_a_release_may_write_and_only_after_two_equal_builds():
    release = workflow("release.yml")
    assert release["permissions"] == {"contents": "read"}
    writing = {name for name, job in release["jobs"].items() if "write" in job.get("permissions", {}).values()}
    assert writing == {"publish"}
    assert set(release["jobs"]["publish"]["needs"]) == {"test", "build"}


def steps(name, job):
    return {step["name"]: step["run"] for step in workflow(name)["jobs"][job]["steps"] if "run" in step}


def test_a_tag_that_is_not_the_version_is_not_released(tmp_path):
    (check,) = [run for name, run in steps("release.yml", "build").items() if "version" in name]
    for tag, status in [(f"v{VERSION}", 0), ("v99.0.0", 1)]:
        environment = {**os.environ, "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": tag}
        ended = subprocess.run(["bash", "-eo", "pipefail", "-c", check], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == status, ended.stdout + ended.stderr


def test_two_builds_that_differ_are_not_published(releases, tmp_path):
    (compare,) = [run for name, run in steps("release.yml", "publish").items() if "same" in name]
    for run in [1, 2]:
        shutil.copytree(releases / f"v{VERSION}", tmp_path / f"release-{run}")

    def compared():
        return subprocess.run(["bash", "-eo", "pipefail", "-c", compare], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False).returncode

    assert compared() == 0
    (tmp_path / "release-2" / "durin-node-x86_64").write_bytes(b"another")
    assert compared() != 0


@pytest.mark.skipif(platform.system() != "Linux", reason="NOT RUN: the workflows run on Linux")
def test_the_steps_name_only_recipes_that_there_are():
    recipes = set(re.findall(r"^([a-z-]+)(?: \*arguments)?:", (ROOT / "justfile").read_text(), re.MULTILINE))
    text = "".join(path.read_text() for path in WORKFLOWS.glob("*.yml"))
    assert set(re.findall(r"\bjust ([a-z-]+)", text)) <= recipes
    for script in re.findall(r"(?:infra|\.ci)/[a-z./]+", text):
        assert (ROOT / script).exists(), script
