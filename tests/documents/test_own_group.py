"""The examples for other people's tools have all that docs/own-group.md says that a node needs."""

import json
import re
import shutil

import hcl2
import pytest
import yaml

from commands import ROOT
from conftest import run

DOCUMENT = ROOT / "docs/own-group.md"
EXAMPLES = ROOT / "docs" / "examples"
# What no file of such a tool can have.
ELSEWHERE = {"functions", "unshared", "record", "zone-allowed", "agent", "volume-key"}


def unquoted(value):
    """HCL's strings come with their quotation marks, and blocks with remarks about them."""
    if isinstance(value, dict):
        return {unquoted(key): unquoted(it) for key, it in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [unquoted(it) for it in value]
    return value.strip('"') if isinstance(value, str) else value


def snake(name):
    return re.sub(r"([A-Z])", lambda letter: f"_{letter[1].lower()}", name)


class Node:
    """The same of both tools, by Terraform's names."""

    def __init__(self, volume, parameter, template, group, policy):
        self.volume, self.parameter, self.template, self.group, self.policy = volume, parameter, template, group, policy
        self.tags = {it["key"]: (it["value"], it["propagate_at_launch"]) for it in group["tag"]}
        self.hooks = {it["name"]: it for it in group["initial_lifecycle_hook"]}
        self.metadata = template["metadata_options"]


@pytest.fixture(scope="module")
def terraform():
    with (EXAMPLES / "terraform" / "main.tf").open() as file:
        read = unquoted(hcl2.load(file))
    of = {kind: list(named.values())[0] for it in read["resource"] for kind, named in it.items()}
    template, group = of["aws_launch_template"], of["aws_autoscaling_group"]
    for blocks in ["metadata_options", "iam_instance_profile"]:
        (template[blocks],) = template[blocks]
    return Node(of["aws_ebs_volume"], of["aws_ssm_parameter"], template, group, of["aws_iam_role_policy"]["policy"])


@pytest.fixture(scope="module")
def pulumi():
    read = yaml.safe_load((EXAMPLES / "pulumi" / "Pulumi.yaml").read_text())

    def by_terraforms_names(value):
        if isinstance(value, dict):
            return {key if ":" in key else snake(key): by_terraforms_names(it) for key, it in value.items()}
        return [by_terraforms_names(it) for it in value] if isinstance(value, list) else value

    of = {it["type"]: by_terraforms_names(it["properties"]) | it.get("options", {}) for it in read["resources"].values()}
    group = of["aws:autoscaling:Group"]
    group |= {"tag": group["tags"], "initial_lifecycle_hook": group["initial_lifecycle_hooks"]}
    for one in [of["aws:ssm:Parameter"], group]:
        one["lifecycle"] = [{"ignore_changes": [snake(name) for name in one["ignoreChanges"]]}]
    policy = json.dumps(of["aws:iam:RolePolicy"]["policy"])
    return Node(of["aws:ebs:Volume"], of["aws:ssm:Parameter"], of["aws:ec2:LaunchTemplate"], group, policy)


def hook(name, transition, result):
    def judge(node):
        it = node.hooks[name]
        return it["lifecycle_transition"].endswith(transition) and it["default_result"] == result and it["heartbeat_timeout"] >= 900

    return judge


CHECKS = {
    "volume": lambda it: not it.volume.get("multi_attach_enabled", False),
    "volume-data": lambda it: it.volume["tags"]["durin:volume"] == "data",
    "volume-node": lambda it: it.volume["tags"]["durin:node"] == it.group["name"],
    "tag-volume-id": lambda it: it.tags["durin:volume-id"][1] is True,
    "tag-hosted-zone-id": lambda it: "durin:hosted-zone-id" in it.tags,
    "tag-record-name": lambda it: "durin:record-name" in it.tags,
    "tags-optional": lambda it: it.tags["durin:new-volume"] == it.tags["durin:volume-id"],
    "tags-metadata": lambda it: all(re.fullmatch(r"[A-Za-z0-9_+=,.@:-]+", key) for key in it.tags),
    "size": lambda it: [it.group["min_size"], it.group["desired_capacity"], it.group["max_size"]] == [1, 1, 2]
    and it.group["lifecycle"][0]["ignore_changes"] == ["desired_capacity"],
    "hook-launch": hook("durin-launch", "EC2_INSTANCE_LAUNCHING", "ABANDON"),
    "hook-terminate": hook("durin-terminate", "EC2_INSTANCE_TERMINATING", "CONTINUE"),
    "processes": lambda it: "suspended_processes" not in it.group,
    "subnets": lambda it: "vpc_zone_identifier" in it.group or "vpc_zone_identifiers" in it.group,
    "template": lambda it: "launch_configuration" not in it.group,
    "metadata-tags": lambda it: (it.metadata["instance_metadata_tags"], it.metadata["http_endpoint"]) == ("enabled", "enabled"),
    "metadata-private": lambda it: (it.metadata["http_tokens"], it.metadata["http_put_response_hop_limit"]) == ("required", 1),
    "image": lambda it: it.template["image_id"].startswith("resolve:ssm:")
    and "durin:image-parameter" in it.parameter["tags"]
    and it.parameter["data_type"] == "aws:ec2:image"
    and it.parameter["lifecycle"][0]["ignore_changes"] == ["value"],
    "device": lambda it: "block_device_mappings" not in it.template,
    "profile": lambda it: "arn" in it.template["iam_instance_profile"],
    "protection": lambda it: it.template["disable_api_termination"] is False,
}


@pytest.mark.parametrize("line", CHECKS)
@pytest.mark.parametrize("tool", ["terraform", "pulumi"])
def test_an_example_has_each_line_of_the_list(tool, line, request):
    assert CHECKS[line](request.getfixturevalue(tool))


def test_every_line_of_the_list_is_looked_for():
    lines = re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(lines) == sorted(CHECKS.keys() | ELSEWHERE)


@pytest.mark.parametrize("tool", ["terraform", "pulumi"])
def test_the_agent_may_do_what_it_may_on_a_node_of_ours(tool, request):
    ours = re.search(r"PolicyName: durin-agent.*?(?=\n  [A-Z])", (ROOT / "infra" / "node.yaml").read_text(), re.DOTALL)[0]
    actions = r"\b(?:ssm|ssmmessages|ec2messages):[A-Za-z]+"
    assert set(re.findall(actions, request.getfixturevalue(tool).policy)) == set(re.findall(actions, ours))


def test_terraform_would_write_it_like_this():
    if shutil.which("terraform") is None:
        pytest.skip("NOT RUN: there is no terraform on this machine")
    ended = run("terraform fmt -check -diff -recursive docs/examples/terraform")
    assert ended.returncode == 0, ended.stdout + ended.stderr
