"""`just prune-plan`: what it plans with is what the function prunes with. `just pin` and the like: what they say."""

import io
import json
import os
import subprocess
import time
import zipfile

import pytest

from conftest import FUNCTIONS, INFRA
from stand_in import StandIn

PARAMETER = "/durin/image"

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


def test_the_local_aws_is_not_quoted_at_length(account, planned, live, monkeypatch):
    monkeypatch.setitem(account.environment, "AWS_ENDPOINT_URL", live.endpoint)
    there = planned()
    assert settings(there) == MANIFEST
    assert there["DURIN_SETTINGS_OF"] == "those of functions/ami-prune/Cargo.toml, because the local AWS does not have Lambda"


@pytest.fixture
def images(live, tmp_path):
    """Runs a task in the local AWS, with the `cargo operator` that is built: status, answer and complaint."""
    cargo = tmp_path / "cargo"
    cargo.write_text('#!/bin/sh\nshift\nexec "$DURIN_OPERATOR" "$@"\n')
    cargo.chmod(0o755)

    def run(*arguments):
        environment = {**live.environment, "PATH": f"{tmp_path}{os.pathsep}{live.environment['PATH']}"}
        command = [INFRA / "images.sh", *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    return run


def test_what_was_not_pinned_is_not_said_to_have_been(images):
    status, said, _ = images("unpin", PARAMETER)
    assert (status, said) == (0, f"{PARAMETER} was not pinned, so nothing has changed. `just pins` lists those that are.\n")
    assert images("pin", PARAMETER, "-", "breaks", "the ingress")[0] == 0
    status, said, _ = images("unpin", PARAMETER)
    assert status == 0 and "is not pinned any more" in said


@pytest.mark.parametrize("task", [["pin", "/nobody", "why"], ["unpin", "/nobody"], ["rollback", "/nobody"]])
def test_what_does_not_exist_is_told_at_once(images, task):
    status, said, complaint = images(*task)
    assert (status, said) == (1, "")
    assert complaint.startswith("error: there is no parameter /nobody in this region")


def test_a_roll_back_says_first_what_comes_back(live, images):
    ec2, ssm = live.client("ec2"), live.client("ssm")
    (old,) = [ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]]
    assert "minutes" not in images("rollback", PARAMETER)[2], "there is nothing to go back to"
    (instance,) = [it for of in ec2.describe_instances()["Reservations"] for it in of["Instances"]]
    new = ec2.create_image(InstanceId=instance["InstanceId"], Name="new", NoReboot=True)["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[new], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    ssm.put_parameter(Name=PARAMETER, Value=new, Type="String", DataType="aws:ec2:image", Overwrite=True)
    for _ in range(60):
        if ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"] == new:
            break
        time.sleep(1)
    status, said, told = images("rollback", PARAMETER)
    assert status == 0, told
    assert told == f"{PARAMETER} goes back to {old}, which Parameter Store may take some minutes to check.\n"
    assert f"{PARAMETER} names {old} again" in said


OLDER, OLD, NOW = (f"ami-{number:017x}" for number in range(1, 4))
HISTORY = "ssm get-parameter-history *"
# As EC2 describes them, in the text of the script's query.
STOCK, BAKED = "available\tamazon\tal2023-ami-2023.9.1", "available\tNone\tdurin-node"
GONE = ("An error occurred (InvalidAMIID.NotFound) when calling it: it does not exist",)


@pytest.mark.parametrize(
    ("history", "images", "goes"),
    [
        ([OLD, NOW], {OLD: STOCK}, False),
        ([OLD, NOW], {OLD: BAKED}, True),
        # Somebody else may call an image so; and of what is Amazon's, EC2 says it.
        ([OLD, NOW], {OLD: "available\tNone\tal2023-ami-2023.9.1"}, True),
        ([OLDER, OLD, NOW], {OLD: GONE, OLDER: STOCK}, False),
        ([OLDER, OLD, NOW], {OLD: "disabled\tNone\tdurin-node", OLDER: STOCK}, False),
        ([OLDER, OLD, NOW], {OLD: BAKED, OLDER: STOCK}, True),
        # Set again, and never an image.
        ([OLDER, "none", NOW, OLD, NOW], {OLD: GONE, OLDER: STOCK}, False),
        # By number, and not as text.
        ([OLDER] * 8 + [OLD, NOW], {OLD: BAKED, OLDER: STOCK}, True),
    ],
)
def test_a_roll_back_goes_to_amazons_image_only_if_one_says_so(tmp_path, history, images, goes):
    listed = "\n".join(f"{number}\t{value}" for number, value in reversed(list(enumerate(history, 1))))
    answers = [(HISTORY, listed), *((f"ec2 describe-images *{id_}*", said) for id_, said in images.items())]
    aws = StandIn(tmp_path / "bin", answers)
    ended = aws.run("images.sh", "rollback", PARAMETER)
    assert ("names the image" in ended.stdout) is goes, ended
    if not goes:
        assert ended.returncode == 1 and f"just rollback {PARAMETER} --to-stock" in ended.stderr
        chosen = aws.run("images.sh", "rollback", PARAMETER, "--to-stock")
        assert (chosen.returncode, chosen.stdout) == (0, f"{PARAMETER} names the image before again\n"), chosen


@pytest.mark.parametrize(
    ("now", "then", "goes"),
    [
        ("v1.36.4+k3s1", "v1.35.9+k3s1", False),
        ("v1.10.0+k3s1", "v1.9.12+k3s1", False),
        ("v2.0.0+k3s1", "v1.40.0+k3s1", False),
        ("v1.36.4+k3s1", "v1.36.3+k3s1", True),
        ("v1.9.12+k3s1", "v1.10.0+k3s1", True),
        # Baked by somebody, or before there was the tag.
        ("None", "v1.35.9+k3s1", True),
        ("v1.36.4+k3s1", "None", True),
        ("v1.36.4+k3s1", "mine", True),
        ("v08.09.1+k3s1", "v8.9.0+k3s1", True),
    ],
)
def test_a_roll_back_goes_to_an_older_k3s_only_if_one_says_so(tmp_path, now, then, goes):
    images = {NOW: now, OLD: then, OLDER: now}
    answers = [(f"ec2 describe-images *{id_}*", f"{BAKED}\t{k3s}") for id_, k3s in images.items()]
    aws = StandIn(tmp_path / "bin", [(HISTORY, f"1\t{OLDER}\n2\t{OLD}\n3\t{NOW}"), *answers])
    ended = aws.run("images.sh", "rollback", PARAMETER)
    assert ("names the image" in ended.stdout) is goes, ended
    if not goes:
        assert ended.returncode == 1 and f"to {OLD}, whose k3s is {then} and not {now}" in ended.stderr
        assert aws.run("images.sh", "rollback", PARAMETER, "--to-stock").returncode == 1
        assert aws.run("images.sh", "rollback", PARAMETER, "--older-k3s").returncode == 0


def test_a_roll_back_from_an_image_that_is_gone_goes(tmp_path):
    answers = [(HISTORY, f"1\t{OLD}\n2\t{NOW}"), (f"ec2 describe-images *{NOW}*", GONE), (f"ec2 describe-images *{OLD}*", f"{BAKED}\tv1.35.9+k3s1")]
    ended = StandIn(tmp_path / "bin", answers).run("images.sh", "rollback", PARAMETER)
    assert ended.returncode == 0, ended


@pytest.mark.parametrize("option", ["--to-stock", "--older-k3s"])
def test_other_tasks_have_no_such_option(tmp_path, option):
    assert StandIn(tmp_path / "bin", []).run("images.sh", "unpin", PARAMETER, option).returncode == 2


@pytest.mark.parametrize("task", [["prune-plan"], ["pins"], ["unpin", PARAMETER]])
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(live, task):
    command = f'"$DURIN_OPERATOR" {" ".join(task)} | true; exit "${{PIPESTATUS[0]}}"'
    ended = subprocess.run(["bash", "-c", command], env=live.environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("task", [["pins"], ["prune-plan"], ["pin", PARAMETER, "why"], ["unpin", PARAMETER], ["rollback", PARAMETER]])
def test_a_refusal_ends_in_what_to_do(live, task):
    # The local AWS knows a caller by the access key, and this one's role allows nothing of the kind.
    assert "may not do that" in complaint(live, task, AWS_ACCESS_KEY_ID="durin-node-resync")


def test_a_place_where_nobody_answers_is_named(live):
    assert "AWS_ENDPOINT_URL is set" in complaint(live, ["pins"], AWS_ENDPOINT_URL="http://127.0.0.1:9")


def complaint(live, task, **environment):
    command = [os.environ["DURIN_OPERATOR"], *task]
    environment = {**live.environment, **environment}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended
    (error,) = ended.stderr.splitlines()
    return error
