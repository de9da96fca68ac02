"""What the scripts say of tags that are wrong or missing, in answers of a stand-in."""

import re

import pytest

from conftest import FUNCTIONS
from stand_in import VOLUME, ZONE, StandIn

NOBODYS = ("autoscaling describe-auto-scaling-groups *tag-key*durin:record-name*", "")
OF_THE_GROUP = "autoscaling describe-auto-scaling-groups *OnDemandPercentage*"


@pytest.fixture
def said(tmp_path):
    """Runs a script, and gives its status and all that it says."""
    binaries = tmp_path / "binaries"
    binaries.mkdir()
    for name in FUNCTIONS:
        (binaries / name).write_text(name)

    def run(answers, script, *arguments):
        more = ["--binaries", str(binaries), "--hosted-zone", ZONE] if script == "deploy.sh" else []
        ended = StandIn(tmp_path / "bin", answers).run(script, *arguments, *more, "--yes")
        return ended.returncode, ended.stdout + ended.stderr

    return run


@pytest.mark.parametrize(
    ("tags", "told"),
    [("data\thome", ""), ("None\thome", "durin:volume= and"), ("data\tNone", "durin:node=,"), ("data\taway", "durin:node=away")],
)
@pytest.mark.parametrize("command", [["deploy.sh"], ["deploy-node.sh", "home"]])
def test_a_volume_that_a_node_would_lose_is_told_while_it_serves(said, command, tags, told):
    status, text = said([NOBODYS, ("ec2 describe-volumes *durin:node*", tags)], *command)
    assert status == 0, text
    commands = re.findall("aws ec2 create-tags .*", text)
    assert commands == ([f"aws ec2 create-tags --resources {VOLUME} --tags Key=durin:volume,Value=data Key=durin:node,Value=home"] if told else [])
    assert told in text


@pytest.mark.parametrize("command", [["deploy.sh"], ["deploy-node.sh", "home"]])
def test_a_volume_that_is_gone_is_told(said, command):
    missing = "An error occurred (InvalidVolume.NotFound) when calling it"
    status, text = said([NOBODYS, ("ec2 describe-volumes *durin:node*", (missing,))], *command)
    assert status == 0 and f"The volume {VOLUME} of the node home does not exist" in text


@pytest.mark.parametrize(("key", "name"), [("VolumeId", "volume-id"), ("HostedZoneId", "hosted-zone-id"), ("RecordName", "record-name")])
def test_a_tag_that_the_cli_would_read_as_a_file_is_refused(said, key, name):
    status, text = said([NOBODYS, (OF_THE_GROUP, f"DesiredCapacity\t1\n{key}\tfile:///etc/passwd")], "deploy-node.sh", "home")
    assert status == 1
    assert f'the tag durin:{name} of the Auto Scaling group home is "file:///etc/passwd", and has to be' in text
