"""The documents' node, declared by hand, becomes one: played in the local AWS with Durin in it."""

import json
import re

from commands import DOCUMENTS, ROOT
from conftest import run
from local_aws import serving
from waiting import until

NODE = "home"


def played_blocks():
    """The blocks that are played as a whole, unlike those whose lines are."""
    found = {}
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        for block in re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            found.setdefault(document, []).append(block)
    return found


def test_nothing_else_is_played():
    assert {name: len(blocks) for name, blocks in played_blocks().items()} == {"docs/node.md": 1}


def test_a_node_declared_by_hand_comes_up(tmp_path):
    (block,) = played_blocks()["docs/node.md"]
    world = tmp_path / "world.json"
    another = {"name": "other", "record_name": "other.example.internal", "hosted_zone": "example.internal"}
    world.write_text(json.dumps({"seed": 7, "nodes": [another]}))
    with serving(speed=20, world=world) as aws:
        image = aws.ssm.get_parameter(Name="/durin/image")["Parameter"]["Value"]
        # A reader's first node: the parameter is not there yet.
        aws.ssm.delete_parameter(Name="/durin/image")
        (zone,) = aws.route53.list_hosted_zones()["HostedZones"]
        of_the_zone = [{"Name": "availability-zone", "Values": ["eu-central-1a"]}]
        subnet, *_ = [it for it in aws.ec2.describe_subnets(Filters=of_the_zone)["Subnets"] if not it["Ipv6Native"]]
        # What a reader fills in; the volume's id is in an answer.
        script = block.replace("ami-…", image).replace("Z…", zone["Id"].split("/")[-1])
        script = script.replace("subnet-…", subnet["SubnetId"])
        before, after = script.split("aws ec2 create-launch-template")
        ended = run(f"set -e\n{before}", AWS_ENDPOINT_URL=aws.endpoint, AWS_PAGER="")
        assert ended.returncode == 0, ended.stderr
        volume = re.search(r"vol-[0-9a-f]{17}", ended.stdout)[0]
        after = after.replace("vol-…", volume)
        assert "…" not in after
        ended = run(f"set -e\naws ec2 create-launch-template{after}", AWS_ENDPOINT_URL=aws.endpoint, AWS_PAGER="")
        assert ended.returncode == 0, ended.stderr

        def in_service():
            found = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NODE])["AutoScalingGroups"]
            return [it["InstanceId"] for it in found[0]["Instances"] if it["LifecycleState"] == "InService"]

        until("the node is in service", in_service, 60)
        (holder,) = in_service()
        (found,) = aws.ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
        assert [(it["InstanceId"], it["State"]) for it in found["Attachments"]] == [(holder, "attached")]
        (instance,) = aws.ec2.describe_instances(InstanceIds=[holder])["Reservations"][0]["Instances"]
        records = aws.route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        addresses = {it["Name"]: it["ResourceRecords"][0]["Value"] for it in records if it["Type"] == "A"}
        assert addresses[f"{NODE}.example.internal."] == instance["PrivateIpAddress"]
