"""`just status` and `just check-node`, as scripts see them: in moto, and in the local AWS."""

import json
import os
import subprocess

import pytest

from conftest import INFRA
from only_loopback import REGION
from waiting import until

TAGS = {"durin:hosted-zone-id": "", "durin:record-name": "home.example.internal", "durin:volume-id": ""}


@pytest.fixture
def nodes(tmp_path):
    """Runs a task with the operator that is built: status, answer and complaint."""
    cargo = tmp_path / "cargo"
    cargo.write_text('#!/bin/sh\n[ "$1" = operator ] || exit 0\nshift\nexec "$DURIN_OPERATOR" "$@"\n')
    cargo.chmod(0o755)

    def run(account, *arguments, **changed):
        environment = {**account.environment, "PATH": f"{tmp_path}{os.pathsep}{account.environment['PATH']}", **changed}
        command = [INFRA / "nodes.sh", *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    return run


@pytest.fixture
def home(account):
    """A group that somebody else's tool has made in moto, with the tags of a node and nothing else that one needs."""
    ec2, groups, zones = account.client("ec2"), account.client("autoscaling"), account.client("route53")
    zone = f"{REGION}a"
    volume = ec2.create_volume(AvailabilityZone=zone, Size=20)["VolumeId"]
    hosted = zones.create_hosted_zone(Name="example.internal", CallerReference="home")["HostedZone"]["Id"].split("/")[-1]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(LaunchTemplateName="home", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.medium"})
    values = TAGS | {"durin:hosted-zone-id": hosted, "durin:volume-id": volume}
    groups.create_auto_scaling_group(
        AutoScalingGroupName="home",
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=0,
        AvailabilityZones=[zone],
        LaunchTemplate={"LaunchTemplateName": "home", "Version": "$Latest"},
        Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in values.items()],
    )
    yield volume
    groups.delete_auto_scaling_group(AutoScalingGroupName="home", ForceDelete=True)
    ec2.delete_launch_template(LaunchTemplateName="home")
    ec2.delete_volume(VolumeId=volume)
    zones.delete_hosted_zone(Id=hosted)


def test_a_region_without_nodes_is_well(account, nodes):
    status, said, _ = nodes(account, "status")
    assert status == 0 and "no node, nothing is wrong" in said
    status, said, _ = nodes(account, "status", "--json")
    assert status == 0 and json.loads(said)["nodes"] == []


def test_a_group_of_somebody_elses_tool_is_told_what_it_lacks(account, nodes, home):
    status, said, complaint = nodes(account, "check-node", "home", "--json")
    assert status == 1, complaint
    lines = {it["id"]: it for it in json.loads(said)["lines"]}
    missing = {name for name, it in lines.items() if it["verdict"] == "missing"}
    assert {"functions", "hook-launch", "hook-terminate", "metadata-tags", "profile", "size", "volume-data", "volume-node"} <= missing
    assert {"tag-volume-id", "tag-hosted-zone-id", "tag-record-name", "volume", "record", "template"} <= lines.keys() - missing
    assert lines["volume-data"]["missing"]["do"].endswith(f"--resources {home} --tags Key=durin:volume,Value=data")
    status, said, _ = nodes(account, "check-node", "home")
    assert status == 1 and said.startswith("home in ") and "because" in said


def test_what_check_node_says_to_do_does_it(account, nodes, home):
    def missing():
        _, said, _ = nodes(account, "check-node", "home", "--json")
        return {it["id"]: it["missing"]["do"] for it in json.loads(said)["lines"] if it["missing"]}

    before = missing()
    done = ["hook-launch", "hook-terminate", "size", "volume-data", "volume-node"]
    for line in done:
        command = before[line][before[line].index("aws ") :]
        ended = subprocess.run(["bash", "-c", command], env=account.environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, f"{command}\n{ended.stderr}"
    assert before.keys() - missing().keys() == set(done)


def test_a_node_at_rest_that_could_not_come_back_is_told(account, nodes, home):
    status, said, complaint = nodes(account, "status", "home", "--json")
    assert status == 1, complaint
    (node,) = json.loads(said)["nodes"]
    assert (node["node"], node["volume"]["id"], node["holder"]) == ("home", home, None)
    assert (node["state"], bool(node["wrong"])) == ("rests", True)


@pytest.fixture
def whole(account, home):
    """The same group with all that a node needs, and an instance that has the volume. Its image has no parameter, which moto
    would not resolve."""
    ec2, groups, zones, ssm = (account.client(name) for name in ["ec2", "autoscaling", "route53", "ssm"])
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ssm.create_document(Name="durin-release", DocumentType="Command", Content='{"schemaVersion": "2.2", "mainSteps": []}')
    metadata = {"InstanceMetadataTags": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    data = {"ImageId": image, "InstanceType": "t3.medium", "MetadataOptions": metadata, "IamInstanceProfile": {"Name": "home"}}
    ec2.create_launch_template_version(LaunchTemplateName="home", LaunchTemplateData=data)
    ec2.create_tags(Resources=[home], Tags=[{"Key": "durin:volume", "Value": "data"}, {"Key": "durin:node", "Value": "home"}])
    for name, transition, result in [("launch", "LAUNCHING", "ABANDON"), ("terminate", "TERMINATING", "CONTINUE")]:
        groups.put_lifecycle_hook(
            AutoScalingGroupName="home",
            LifecycleHookName=f"durin-{name}",
            LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
            DefaultResult=result,
            HeartbeatTimeout=900,
        )
    groups.update_auto_scaling_group(AutoScalingGroupName="home", MinSize=1, DesiredCapacity=1, MaxSize=2)
    (group,) = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["home"])["AutoScalingGroups"]
    (instance,) = [it["InstanceId"] for it in group["Instances"]]
    ec2.attach_volume(VolumeId=home, InstanceId=instance, Device="/dev/sdf")
    (zone,) = [it["Value"] for it in group["Tags"] if it["Key"] == "durin:hosted-zone-id"]
    address = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["PrivateIpAddress"]
    sets = [("home.example.internal", "A", 10, address), ("_durin.home.example.internal", "TXT", 300, '"node=home"')]

    def change(action):
        records = [{"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]} for name, kind, ttl, value in sets]
        changes = [{"Action": action, "ResourceRecordSet": it} for it in records]
        zones.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    change("CREATE")
    yield instance
    change("DELETE")
    ec2.detach_volume(VolumeId=home, InstanceId=instance)
    ssm.delete_document(Name="durin-release")


def test_a_whole_node_of_moto_lacks_nothing_that_moto_has(account, nodes, home, whole):
    status, said, complaint = nodes(account, "check-node", "home", "--json")
    lines = {it["id"]: it["verdict"] for it in json.loads(said)["lines"]}
    assert (status, {name for name, verdict in lines.items() if verdict == "missing"}) == (0, {"image"}), complaint
    status, said, complaint = nodes(account, "status", "home", "--json")
    (node,) = json.loads(said)["nodes"]
    # moto launches without the template's metadata options, which is told.
    assert [status, ["shows no tags" in it["what"] for it in node["wrong"]]] == [1, [True]], complaint
    assert (node["holder"]["instance"], node["volume"]["id"], node["backup"]) == (whole, home, None)
    # moto has no Systems Manager that instances would answer to.
    assert node["state"] == "held" and any("says of itself" in it for it in node["unknown"])


def test_the_node_of_the_local_aws_is_shown(live, nodes):
    def well():
        status, said, _ = nodes(live, "status", "k3s", "--json")
        return status == 0 and json.loads(said)

    until("it has said that it serves", lambda: well() and well()["nodes"][0]["state"] == "serves", 60)
    status, said, _ = nodes(live, "status", "--local", AWS_ACCESS_KEY_ID="", AWS_REGION="")
    assert status == 0 and said.splitlines()[2] == "k3s serves"
    status, said, _ = nodes(live, "check-node", "k3s", "--local")
    assert status == 0 and said.startswith("k3s in eu-central-1 lacks nothing that a node needs")


@pytest.mark.parametrize("arguments", [["status", "nobody"], ["check-node", "nobody"]])
def test_what_does_not_exist_is_wrong(live, nodes, arguments):
    status, said, complaint = nodes(live, *arguments)
    assert (status, said) == (1, "") and complaint.startswith("error: ") and "nobody" in complaint


@pytest.mark.parametrize("arguments", [["status", "--wat"], ["status", "a", "b"], ["check-node"], ["check-node", "a*"], ["wat"]])
def test_what_is_not_understood_ends_with_2(account, nodes, arguments):
    status, said, complaint = nodes(account, *arguments)
    assert (status, said) == (2, "") and complaint.startswith("error: ")


@pytest.mark.parametrize("arguments", [["status"], ["check-node", "home"]])
def test_an_aws_that_cannot_be_asked_ends_with_3(account, nodes, arguments):
    status, said, complaint = nodes(account, *arguments, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (status, said) == (3, "") and complaint.startswith("error: ")
