"""`just prune-plan`: what it plans with is what the function prunes with."""

import io
import json
import os
import subprocess
import zipfile

import pytest

from conftest import FUNCTIONS, INFRA

MANIFEST = FUNCTIONS["durin-ami-prune"]["env"]


@pytest.fixture
def planned(account, tmp_path):
    """Runs `just prune-plan` up to `cargo operator`, which gives what it has got: the settings, and the arguments."""
    cargo = tmp_path / "cargo"
    cargo.write_text('#!/bin/sh\nenv | grep "^DURIN_"\necho "ARGUMENTS=$*"\n')
    cargo.chmod(0o755)

    def plan(*arguments):
        environment = {**account.environment, "PATH": f"{tmp_path}{os.pathsep}{account.environment['PATH']}"}
        environment |= {"DURIN_KEEP_NEWEST": "77"}
        command = [INFRA / "images.sh", "prune-plan", *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended
        return dict(line.split("=", 1) for line in ended.stdout.splitlines())

    return plan


def settings(planned):
    return {name: value for name, value in planned.items() if name in MANIFEST}


@pytest.fixture
def function(account):
    """Deploys the function with these variables of its environment."""
    trust = {"Version": "2012-10-17", "Statement": []}
    made = account.client("iam").create_role(RoleName="prune", AssumeRolePolicyDocument=json.dumps(trust))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as it:
        it.writestr("bootstrap", "")

    def deploy(variables):
        account.client("lambda").create_function(
            FunctionName="durin-ami-prune",
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=made["Role"]["Arn"],
            Code={"ZipFile": archive.getvalue()},
            **({"Environment": {"Variables": variables}} if variables else {}),
        )

    yield deploy
    account.client("lambda").delete_function(FunctionName="durin-ami-prune")
    account.client("iam").delete_role(RoleName="prune")


def test_without_the_function_the_settings_are_the_manifests(planned):
    there = planned()
    assert settings(there) == MANIFEST
    assert "of functions/ami-prune/Cargo.toml, because the function durin-ami-prune is not deployed" in there["DURIN_SETTINGS_OF"]


def test_with_the_function_the_settings_are_its_own(planned, function):
    of_the_function = {**MANIFEST, "DURIN_KEEP_DAYS": "1", "DURIN_DRY_RUN": "true"}
    del of_the_function["DURIN_SOAK_DAYS"]
    function(of_the_function)
    there = planned("--keep-days", "3")
    assert settings(there) == of_the_function, "what is not set there has the function's default"
    assert there["DURIN_SETTINGS_OF"].startswith("those of the function durin-ami-prune in ")
    assert there["ARGUMENTS"] == "operator prune-plan --keep-days 3"


def test_a_function_without_an_environment_has_its_defaults(planned, function):
    function(None)
    assert settings(planned()) == {}


def test_a_question_that_is_refused_is_told(account, planned, monkeypatch):
    monkeypatch.setitem(account.environment, "AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(account.environment, "AWS_MAX_ATTEMPTS", "1")
    there = planned()
    assert settings(there) == MANIFEST
    assert "because Lambda does not say those of the function" in there["DURIN_SETTINGS_OF"]
