"""What a person does about images with the program `durin-operator` itself: the same calls, through a socket."""

import os
import subprocess

import pytest
from test_images import PARAMETER, new_image
from waiting import until


class Operator:
    """`operator("pin", …)` is what that command prints."""

    def __init__(self, endpoint):
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "any",
        }

    def run(self, *arguments, without=()):
        environment = {name: value for name, value in self.environment.items() if name not in without}
        command = [os.environ["DURIN_OPERATOR"], *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *arguments):
        finished = self.run(*arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def refused(self, *arguments, without=()):
        finished = self.run(*arguments, without=without)
        assert finished.returncode != 0, finished.stdout
        return finished.stderr


@pytest.fixture
def operator(quick):
    return Operator(quick.endpoint)


def pin_of(aws):
    tags = aws.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=PARAMETER)["TagList"]
    return {tag["Key"]: tag["Value"] for tag in tags}.get("durin:pinned")


def value(aws):
    return aws.ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]


def test_a_parameter_is_pinned_and_unpinned(quick, operator):
    operator("pin", PARAMETER, "1.34", "breaks", "the ingress")
    assert pin_of(quick).endswith("1.34 breaks the ingress")
    operator("unpin", PARAMETER)
    assert pin_of(quick) is None


def test_a_parameter_is_rolled_back_and_stays_so(quick, operator):
    old, new = value(quick), new_image(quick.ec2, "newer")
    quick.ssm.put_parameter(Name=PARAMETER, Value=new, Overwrite=True)
    until("the new image is there", lambda: value(quick) == new)
    said = operator("rollback", PARAMETER)
    assert f"names {old} again, instead of {new}" in said
    assert value(quick) == old
    assert pin_of(quick)


def test_the_prune_plan_says_why_each_image_stays(quick, operator):
    image = value(quick)
    [line] = [line for line in operator("prune-plan").splitlines() if line.startswith(image)]
    assert "keep: in use: instance i-" in line
    assert f"parameter {PARAMETER} version 1" in line


def test_what_is_missing_or_wrong_is_named(operator):
    assert "AWS_REGION is not set" in operator.refused("prune-plan", without=["AWS_REGION"])
    assert "aws configure" in operator.refused("prune-plan", without=["AWS_ACCESS_KEY_ID"])
    for command in ["pin", "unpin", "rollback"]:
        assert "no parameter /nobody/has/it" in operator.refused(command, "/nobody/has/it")
    assert PARAMETER in operator.refused("rollback", PARAMETER)


def test_a_pin_needs_a_reason_and_is_listed_with_it(operator):
    assert operator("pins") == "No parameter is pinned.\n"
    assert "why is" in operator.refused("pin", PARAMETER)
    said = operator("pin", PARAMETER, "1.34", "breaks")
    assert "1.34 breaks" in said
    [line] = operator("pins").splitlines()
    assert line.split()[0] == PARAMETER and line.endswith("  1.34 breaks")
    assert operator("pin", PARAMETER) == said, "without a reason the earlier one stays"


def test_a_name_that_is_none_is_not_understood(operator):
    for command in ["pin", "unpin", "rollback"]:
        finished = operator.run(command, "/durin/*")
        assert finished.returncode == 2 and "/durin/*" in finished.stderr


def test_the_prune_plan_says_with_which_settings_it_plans(operator):
    assert "keep the newest 3 of each family" in operator("prune-plan")
    operator.environment |= {"DURIN_KEEP_DAYS": "1", "DURIN_DRY_RUN": "true", "DURIN_SETTINGS_OF": "the function's"}
    said = operator("prune-plan", "--keep-newest", "5").splitlines()[0]
    for text in ["newest 5", "younger than 1 days", "They are the function's, but for your options.", "DURIN_DRY_RUN"]:
        assert text in said
    operator.environment["DURIN_KEEP_DAYS"] = "soon"
    assert "DURIN_KEEP_DAYS" in operator.refused("prune-plan")
