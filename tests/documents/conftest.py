"""What the documents' commands run in: a home of their own, and the AWS that has what they name."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "conformance"), str(HERE)]

from commands import ROOT  # noqa: E402
from local_aws import CONFIG, serving, started  # noqa: E402
from only_loopback import REGION, forget_the_callers_aws  # noqa: E402

forget_the_callers_aws(os.environ)
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# Cargo finds what the suite has built, and builds nothing anew.
os.environ["CARGO_TARGET_DIR"] = str(Path(os.environ["DURIN"]).parent.parent)


def run(command, within_s=60, **environment):
    """Runs a line as a person's shell does, in the repository."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )


@pytest.fixture(scope="session")
def account():
    """moto, with what the documents' AWS commands name. A dict of their placeholders is its `ids`."""
    command = [sys.executable, str(HERE.parent / "deploy" / "moto_server.py"), "-H", "127.0.0.1", "-p", "0"]
    with started(command, announcement=r"Running on (http://127\.0\.0\.1:[0-9]+)") as endpoint:
        yield Account(endpoint)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The local AWS, with the node that the documents speak of."""
    file = tmp_path_factory.mktemp("world") / "world.json"
    file.write_text('{"seed": 7, "nodes": [{"name": "home"}]}')
    with serving(functions=False, world=file) as aws:
        yield aws.endpoint


class Account:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        client = lambda service: boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=CONFIG)  # noqa: E731
        ec2, ssm = client("ec2"), client("ssm")
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        zone = f"{REGION}a"
        volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
        for name in ["/durin/image", "/images/k3s"]:
            ssm.put_parameter(Name=name, Type="String", DataType="aws:ec2:image", Value=image)
        template = ec2.create_launch_template(LaunchTemplateName="home", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.medium"})
        client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName="home",
            MinSize=0,
            MaxSize=2,
            AvailabilityZones=[zone],
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"]},
        )
        stack = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
        client("cloudformation").create_stack(StackName="durin-rules", TemplateBody=stack)
        topic = client("sns").list_topics()["Topics"][0]["TopicArn"]
        instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        security_group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        self.ids = {"i-…": instance["InstanceId"], "eipalloc-…": address, "sg-…": security_group}
        snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        self.ids |= {"vol-…": volume, "snap-…": snapshot, "ami-…": image, "--topic-arn …": f"--topic-arn {topic}"}
