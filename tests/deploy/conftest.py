"""The scripts in infra/, run as `just` runs them, against a server on loopback.

By hand: `DURIN=target/debug/durin python -m pytest tests/deploy`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from local_aws import CONFIG, serving, started  # noqa: E402
from only_loopback import REGION, forget_the_callers_aws  # noqa: E402

forget_the_callers_aws(os.environ)
# The CLI, cargo-lambda and cargo, of which cargo-lambda is a part.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

INFRA = HERE.parent.parent / "infra"


def functions_of_the_manifests():
    """Every function's name, and what its manifest says about deploying it."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    said = subprocess.run(command, cwd=INFRA, capture_output=True, text=True, check=True).stdout
    deployed = [it for it in json.loads(said)["packages"] if (it["metadata"] or {}).get("lambda")]
    return {it["name"]: it["metadata"]["lambda"]["deploy"] for it in deployed}


FUNCTIONS = functions_of_the_manifests()
DOCUMENTS = ["durin-prepared", "durin-release", "durin-resume", "durin-serves"]


class Account:
    """An account on a server, and what a person types to work in it."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint}

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, config=CONFIG)

    def variables(self, function):
        """What a function is deployed with: what its manifest says, and the documents that it may send."""
        variables = {"RUST_LOG": "info", **FUNCTIONS[function].get("env", {})}
        if function.startswith("durin-ami-"):
            return variables
        there = [self.client("ssm").describe_document(Name=name)["Document"] for name in DOCUMENTS]
        of = ",".join(f"{it['Name']}:{it['DocumentVersion']}:{it['Hash']}" for it in there)
        return {**variables, "DURIN_DOCUMENTS": of}

    def start(self, script, *arguments):
        """In a process group of its own, so that all of it can be killed."""
        return subprocess.Popen(
            [INFRA / script, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, script, *arguments, within_s=300):
        """What it says, and whether that was a success."""
        process = self.start(script, *arguments)
        try:
            said, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            raise AssertionError(f"{script} does not end:\n{process.communicate()[0]}") from None
        return process.returncode == 0, said

    def done(self, script, *arguments):
        succeeded, said = self.run(script, *arguments, "--yes")
        assert succeeded, said
        return said

    def refused(self, script, *arguments):
        succeeded, said = self.run(script, *arguments, "--yes")
        assert not succeeded, said
        return said


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """A binary for each function, of this machine's architecture and each another one. Nothing here runs them, and ours
    without optimization take seconds to pack."""
    folder = tmp_path_factory.mktemp("binaries")
    some = Path(shutil.which("true")).read_bytes()
    for name in FUNCTIONS:
        (folder / name).write_bytes(some + name.encode())
    (folder / "durin-node-x86_64").write_bytes(some)
    return ["--binaries", str(folder)]


@pytest.fixture(scope="module")
def account():
    """An empty account in moto."""
    command = [sys.executable, str(HERE / "moto_server.py"), "-H", "127.0.0.1", "-p", "0"]
    with started(command, announcement=r"Running on (http://127\.0\.0\.1:[0-9]+)") as endpoint:
        yield Account(endpoint)


@pytest.fixture
def live():
    """The local AWS, in which a node serves."""
    with serving(speed=20) as aws:
        yield Account(aws.endpoint)
