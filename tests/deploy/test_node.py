"""What `just deploy-node` refuses before it does anything, and what it says that it will do. Nothing here is ever made."""

import json
import shlex
import subprocess

import pytest

from conftest import INFRA
from only_loopback import REGION

IMAGE = "ami-03cf127a"
ZONE = f"{REGION}a"
PROPAGATED = {"durin:volume-id": "vol-0123456789abcdef0", "durin:record-name": "other.mine.internal"}


def make_stack(account, name, outputs):
    """All that the script asks of a stack here is that it exists, and its outputs."""
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    account.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def make_group(account, name, tags, hooks=True):
    autoscaling, ec2 = account.client("autoscaling"), account.client("ec2")
    template = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.medium"})
    described = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=0,
        AvailabilityZones=[ZONE],
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"]},
        Tags=[{**described, "Key": key, "Value": value} for key, value in tags.items()],
    )
    if hooks:
        for hook, transition, result in [("launch", "LAUNCHING", "ABANDON"), ("terminate", "TERMINATING", "CONTINUE")]:
            put_hook(account, name, f"durin-{hook}", transition, result, 900)


def put_hook(account, group, hook, transition, result, seconds):
    account.client("autoscaling").put_lifecycle_hook(
        AutoScalingGroupName=group,
        LifecycleHookName=hook,
        LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
        DefaultResult=result,
        HeartbeatTimeout=seconds,
    )


@pytest.fixture(scope="module")
def place(account):
    """A subnet with its security group, a hosted zone, and in it the node `other`: the options for the first two."""
    make_stack(account, "durin-rules", {})
    ec2, route53 = account.client("ec2"), account.client("route53")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone=ZONE)["Subnet"]["SubnetId"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    in_vpc = {"VPC": {"VPCRegion": REGION, "VPCId": vpc}, "HostedZoneConfig": {"PrivateZone": True}}
    zone = route53.create_hosted_zone(Name="mine.internal", CallerReference="1", **in_vpc)["HostedZone"]["Id"]
    zone = zone.split("/")[-1]
    make_group(account, "other", PROPAGATED | {"durin:hosted-zone-id": zone})
    records = [("taken", "A", "10.0.0.1"), ("theirs", "A", "10.0.0.2"), ("_durin.theirs", "TXT", '"node=other"')]
    records += [("ours", "A", "10.0.0.3"), ("_durin.ours", "TXT", '"node=home"')]
    for name, kind, value in records:
        it = {"Name": f"{name}.mine.internal", "Type": kind, "TTL": 10, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": it}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    return {"zone": zone, "place": ["--subnet", subnet, "--security-group", group["GroupId"]], "vpc": vpc}


def said(account, node, *arguments):
    """Everything up to the question, which nobody is there to answer."""
    succeeded, text = account.run("deploy-node.sh", node, *arguments)
    assert not succeeded
    return text


def checked(account, node, check, *arguments):
    """What one of the script's checks says, on its own: each run of the AWS CLI takes a while."""
    script = '. "$0/common.sh"; region=$AWS_DEFAULT_REGION node=$1; shift; "$@"'
    command = ["bash", "-euc", script, str(INFRA), node, check, *arguments]
    ended = subprocess.run(command, env=account.environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode in (0, 1), ended
    return f"{ended.stdout}{ended.stderr}{'' if ended.returncode else 'passes'}"


def test_the_plan_names_all_that_there_will_be(account, place):
    options = ["--image", IMAGE, *place["place"], "--hosted-zone", place["zone"], "--record", "Ours.mine.internal."]
    text = said(account, "home", *options, "--volume-size", "7")
    assert "there is no terminal" in text
    named = [IMAGE, "x86_64", "t3a.medium", place["place"][1], ZONE, "7 GiB", place["zone"], "Ours.mine.internal"]
    for it in [*named, "role", "16 to 21 dollars"]:
        assert it in text


def test_an_arm_image_gets_arm_instances(account, place):
    of_arm = [{"Name": "architecture", "Values": ["arm64"]}]
    image = account.client("ec2").describe_images(Filters=of_arm)["Images"][0]["ImageId"]
    text = said(account, "home", "--image", image)
    assert "there is no terminal" in text and "t4g.medium" in text and "t3a" not in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["other", "--image", IMAGE], "there is an Auto Scaling group other already"),
        (["home", "--image", "ami-0000000000000000f"], "there is no image ami-0000000000000000f"),
        (["home", "--image", IMAGE, "--subnet", "subnet-0000000f"], "--subnet needs --security-group"),
    ],
)
def test_the_script_asks_its_checks(account, place, arguments, told):
    text = said(account, *arguments)
    assert told in text and "This will" not in text


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ("free.mine.internal", "passes"),
        ("Ours.mine.internal.", "passes"),
        ("home.elsewhere.internal", "ends in .mine.internal"),
        ("notmine.internal", "ends in .mine.internal"),
        ("Taken.mine.internal", "has a record already (10.0.0.1)"),
        ("theirs.mine.internal", 'has the value "node=other"'),
    ],
)
def test_a_record_has_to_be_free_or_the_nodes(account, place, record, told):
    assert told in checked(account, "home", "check_record", place["zone"], record)


def test_a_zone_has_to_exist(account, place):
    assert "there is no hosted zone" in checked(account, "home", "check_record", "Z0NOWHERE", "home.mine.internal")


def test_a_record_and_a_volume_are_one_nodes(account, place):
    volume, zone = PROPAGATED["durin:volume-id"], place["zone"]
    assert "is that of the node other" in checked(account, "home", "check_unshared", volume, "", "")
    assert "is that of the node other" in checked(account, "home", "check_unshared", "", zone, "OTHER.mine.internal.")
    assert "passes" in checked(account, "other", "check_unshared", volume, zone, "other.mine.internal")
    assert "passes" in checked(account, "home", "check_unshared", "", "Z0ANOTHER", "other.mine.internal")


def test_a_place_has_to_be_one(account, place):
    _, subnet, _, security_group = place["place"]
    assert "passes" in checked(account, "home", "check_place", subnet, security_group, "", "")
    assert f"{REGION} has no availability zone us-east-1a" in checked(account, "home", "check_place", "", "", "us-east-1a", "")
    ec2 = account.client("ec2")
    elsewhere = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [elsewhere]}])["SecurityGroups"]
    assert f"is in {elsewhere}" in checked(account, "home", "check_place", subnet, group["GroupId"], "", "")


@pytest.fixture
def volume(account, place):
    """Makes data volumes of the node home."""
    tags = [{"Key": "durin:volume", "Value": "data"}, {"Key": "durin:node", "Value": "home"}]
    specification = [{"ResourceType": "volume", "Tags": tags}]

    def make(**more):
        made = account.client("ec2").create_volume(AvailabilityZone=ZONE, Size=1, TagSpecifications=specification, **more)
        return made["VolumeId"]

    return make


def test_a_volume_that_another_instance_holds_is_refused(account, volume):
    ec2 = account.client("ec2")
    made = volume()
    assert "passes" in checked(account, "home", "check_volume", made)
    assert "Key=durin:node,Value=away" in checked(account, "away", "check_volume", made)
    started = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, Placement={"AvailabilityZone": ZONE})
    instance = started["Instances"][0]["InstanceId"]
    ec2.attach_volume(VolumeId=made, InstanceId=instance, Device="/dev/sdf")
    assert f"is attached to {instance}" in checked(account, "home", "check_volume", made)


def test_a_key_with_which_nothing_is_attached_is_refused(account, volume):
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    said = checked(account, "home", "check_volume", volume(Encrypted=True, KmsKeyId=key))
    assert "kms:CreateGrant" in said and "passes" in said
    kms.disable_key(KeyId=key)
    assert "is disabled" in checked(account, "home", "check_key", key)
    kms.schedule_key_deletion(KeyId=key)
    assert "cancel-key-deletion" in checked(account, "home", "check_key", key)
    said = checked(account, "home", "check_key", "00000000-0000-0000-0000-000000000000")
    assert "Not checked: whether the volume's key" in said and "passes" in said


@pytest.mark.parametrize("name", ["home", "a, b", "x'; touch pwned; '", 'quoted "\\', "$(touch pwned)", "é"])
def test_the_command_to_copy_is_one_command_whatever_a_group_is_called(account, name):
    said = checked(account, "home", "agreement", "vol-0123456789abcdef0", name).removesuffix("passes")
    *command, last = shlex.split(said)
    assert command[:6] == ["aws", "ec2", "create-tags", "--resources", "vol-0123456789abcdef0", "--tags"]
    if name == "home":
        assert [*command[6:], last] == ["Key=durin:volume,Value=data", "Key=durin:node,Value=home"]
    else:
        assert {tag["Key"]: tag["Value"] for tag in json.loads(last)} == {"durin:volume": "data", "durin:node": name}


@pytest.fixture
def old(account, place):
    """A node that exists, with nothing wrong."""
    volume = account.client("ec2").create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
    make_stack(account, "durin-node-old", {"VolumeId": volume, "HostedZoneId": place["zone"]})
    tags = {"durin:volume-id": volume, "durin:hosted-zone-id": place["zone"], "durin:record-name": "old.mine.internal"}
    make_group(account, "old", tags)
    yield account.client("autoscaling")
    account.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="old", ForceDelete=True)
    account.client("ec2").delete_launch_template(LaunchTemplateName="old")
    account.client("cloudformation").delete_stack(StackName="durin-node-old")


def test_what_keeps_a_node_from_moving_is_told(account, old):
    def told():
        return checked(account, "old", "check_group")

    assert told() == "passes"
    put_hook(account, "old", "durin-launch", "LAUNCHING", "CONTINUE", 900)
    assert "--lifecycle-hook-name durin-launch" in told()
    put_hook(account, "old", "durin-launch", "LAUNCHING", "ABANDON", 60)
    assert "after 60 s" in told()
    old.delete_lifecycle_hook(AutoScalingGroupName="old", LifecycleHookName="durin-launch")
    assert "has no hook durin-launch" in told()

    tag = {"ResourceId": "old", "ResourceType": "auto-scaling-group", "Key": "kubernetes.io/cluster/k3s", "Value": "owned"}
    old.create_or_update_tags(Tags=[{**tag, "PropagateAtLaunch": True}])
    assert "kubernetes.io/cluster/k3s" in told()
    old.create_or_update_tags(Tags=[{**tag, "PropagateAtLaunch": False}])
    assert "kubernetes.io/cluster/k3s" not in told()
    old.suspend_processes(AutoScalingGroupName="old", ScalingProcesses=["Launch"])
    assert "resume-processes" in told()


def test_an_old_record_that_stays_is_told(account, place, old):
    text = said(account, "old", "--record", "new.mine.internal")
    assert f"The record old.mine.internal in {place['zone']} stays" in text
    old.suspend_processes(AutoScalingGroupName="old", ScalingProcesses=["Launch"])
    assert "resume-processes" in said(account, "old", "--capacity-rebalance", "false")
