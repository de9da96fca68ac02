"""`just deploy` to `just destroy`, in one account: the tests tell one story, in this order."""

import base64
import hashlib
import io
import json
import os
import platform
import re
import shlex
import subprocess
import tarfile

import pytest
import yaml

from conftest import FUNCTIONS, INFRA
from only_loopback import REGION

ACCOUNT = "123456789012"
IMAGE = "ami-03cf127a"
RULES = {
    "durin-node-lifecycle": ["durin-node-lifecycle"],
    "durin-launch-watch": ["durin-node-resync"],
    "durin-spot-interruption": ["durin-spot-interruption", "durin-node-resync"],
    "durin-instance-retirement": ["durin-spot-interruption"],
    "durin-node-resync": ["durin-node-resync"],
    "durin-news": ["durin-alarms"],
    "durin-image-available": ["durin-ami-publish"],
    "durin-image-built": ["durin-ami-publish"],
    "durin-bake-finished": ["durin-ami-publish"],
    "durin-ami-publish": ["durin-ami-publish"],
    "durin-ami-prune": ["durin-ami-prune"],
}
FAMILY = {"durin:image-parameter": "/durin/image"}


def stacks(account):
    found = account.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in found}


def functions(account):
    return {it["FunctionName"]: it for it in account.client("lambda").list_functions()["Functions"]}


def everything(account):
    """All that a deployment could have touched, with when and how often it was."""
    lambda_ = account.client("lambda")
    versions = {name: lambda_.list_versions_by_function(FunctionName=name)["Versions"] for name in functions(account)}
    events = {
        name: len(account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"])
        for name in stacks(account)
    }
    return versions, events, account.client("events").list_rules()["Rules"]


def group(account, name):
    found = account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return next(iter(found["AutoScalingGroups"]), None)


def volumes(account):
    tagged = [{"Name": "tag:durin:volume", "Values": ["data"]}]
    return {it["VolumeId"]: it for it in account.client("ec2").describe_volumes(Filters=tagged)["Volumes"]}


def tags_of_the_image_parameter(account):
    found = account.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId="/durin/image")
    return {tag["Key"]: tag["Value"] for tag in found["TagList"]}


def output(account, stack, key):
    found = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return next(it["OutputValue"] for it in found if it["OutputKey"] == key)


def allowed_zones(account):
    """Those in which the functions may write records, as their policy says."""
    iam = account.client("iam")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/durin-node-loop-{REGION}"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    (resources,) = [it["Resource"] for it in document["Statement"] if it["Sid"] == "PointRecords"]
    return {arn.removeprefix("arn:aws:route53:::hostedzone/") for arn in resources}


def node_zone(account, name):
    tags = {tag["Key"]: tag["Value"] for tag in group(account, name)["Tags"]}
    return tags["durin:hosted-zone-id"]


def test_a_node_without_functions_is_refused(account):
    assert "first just deploy" in account.refused("deploy-node.sh", "home", "--image", IMAGE)


def test_nobody_is_there_to_agree(account, binaries):
    succeeded, said = account.run("deploy.sh", *binaries)
    assert not succeeded and "--yes" in said
    assert stacks(account) == {}


def test_a_failed_first_creation_is_told(account, binaries):
    # In the way of the stack: somebody's own document of that name.
    document = '{"schemaVersion": "2.2", "description": "mine", "mainSteps": []}'
    account.client("ssm").create_document(Name="durin-release", DocumentType="Command", Content=document)
    assert "durin-release could not be deployed" in account.refused("deploy.sh", *binaries)
    assert stacks(account) == {"durin-roles": "CREATE_COMPLETE", "durin-release": "ROLLBACK_COMPLETE"}
    account.client("ssm").delete_document(Name="durin-release")


def test_it_goes_on_from_there_and_is_killed_between_two_steps(account, binaries):
    process = account.start("deploy.sh", *binaries, "--yes")
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Function durin-node-resync"):
            os.killpg(process.pid, 9)
            break
    process.stdout.close()
    assert process.wait(10) == -9, said
    assert stacks(account) == {"durin-roles": "CREATE_COMPLETE", "durin-release": "CREATE_COMPLETE"}
    assert "durin-node-lifecycle" in functions(account)
    assert len(functions(account)) < len(FUNCTIONS)


def test_the_same_command_completes_it_and_puts_right_what_was_changed_by_hand(account, binaries):
    environment = {"Variables": {"RUST_LOG": "info", **FUNCTIONS["durin-ami-prune"]["env"], "DURIN_KEEP_DAYS": "99"}}
    account.client("lambda").update_function_configuration(FunctionName="durin-ami-prune", Environment=environment)
    account.client("lambda").update_function_configuration(FunctionName="durin-ami-publish", Timeout=7)
    said = account.done("deploy.sh", *binaries)
    assert re.findall(r"Function (\S+): unchanged", said) == ["durin-node-lifecycle"]
    assert set(stacks(account)) == {"durin-roles", "durin-release", "durin-bucket", "durin-rules"}
    assert set(stacks(account).values()) == {"CREATE_COMPLETE"}
    assert set(functions(account)) == set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_as_its_manifest_says(account, name):
    there = functions(account)[name]
    assert there["Runtime"] == "provided.al2023"
    assert there["Role"] == f"arn:aws:iam::{ACCOUNT}:role/{name}-{REGION}"
    assert (there["MemorySize"], there["Timeout"]) == (FUNCTIONS[name]["memory"], FUNCTIONS[name]["timeout"])
    assert there["Environment"]["Variables"] == account.variables(name)
    assert there["Architectures"] == [{"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]]
    assert there["State"] == "Active"


def test_each_function_has_its_own_code(account):
    assert len({there["CodeSha256"] for there in functions(account).values()}) == len(FUNCTIONS)


def test_every_role_is_there(account):
    roles = {role["RoleName"] for role in account.client("iam").list_roles()["Roles"]}
    assert {f"{name}-{REGION}" for name in FUNCTIONS} <= roles


def test_the_rules_invoke_the_functions(account):
    events = account.client("events")
    names = [rule["Name"] for rule in events.list_rules()["Rules"]]
    assert {
        name: [target["Arn"].split(":")[-1] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
        for name in names
    } == RULES
    for name in FUNCTIONS:
        policy = json.loads(account.client("lambda").get_policy(FunctionName=name)["Policy"])
        allowed = {statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]}
        ours = {rule for rule, functions in RULES.items() if name in functions}
        assert allowed == {f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}" for rule in ours}


def test_a_second_run_changes_nothing(account, binaries):
    before = everything(account)
    said = account.done("deploy.sh", *binaries)
    assert said.count(": unchanged") == len(FUNCTIONS) + 1, "and the bundle"
    assert everything(account) == before


def test_instances_fetch_from_a_private_versioned_bucket_by_hash(account):
    bucket, bundle = output(account, "durin-bucket", "Bucket"), output(account, "durin-bucket", "BundleX8664")
    # moto has neither of them from a template.
    template = yaml.safe_load((INFRA / "bucket.yaml").read_text())["Resources"]["Bucket"]["Properties"]
    assert template["VersioningConfiguration"] == {"Status": "Enabled"}
    assert len(template["PublicAccessBlockConfiguration"]) == 4 and all(template["PublicAccessBlockConfiguration"].values())
    body = account.client("s3").get_object(Bucket=bucket, Key=f"instances/{bundle}.tar")["Body"].read()
    assert hashlib.sha256(body).hexdigest() == bundle
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert {"./provision.sh", "./check.sh", "./durin-node", "./units/durin-prepare.service"} <= set(tar.getnames())


def test_a_pipeline_bakes_that_bundle(account):
    account.done("deploy-image.sh")
    assert stacks(account)["durin-bake-durin-image"] == "CREATE_COMPLETE"
    assert "durin-network" in stacks(account)
    parameters = account.client("cloudformation").describe_stacks(StackName="durin-bake-durin-image")["Stacks"][0]["Parameters"]
    assert {"ParameterKey": "BundleSha256", "ParameterValue": output(account, "durin-bucket", "BundleX8664")} in parameters
    version = re.search(r"^k3s_version=(.*)$", (INFRA / "image" / "versions.sh").read_text(), re.MULTILINE)[1]
    assert {"ParameterKey": "K3sVersion", "ParameterValue": version} in parameters
    # Another parameter's pipeline has components and recipes of its own, and stays one's own.
    assert "would be /durin-image's too" in account.refused("deploy-image.sh", "--image-parameter", "/durin-image")
    account.done("deploy-image.sh", "--image-parameter", "/images/k3s")
    assert content_baked(account, "durin-bake-images-k3s") != content_baked(account, "durin-bake-durin-image")
    account.done("deploy-image.sh", "--remove", "--image-parameter", "/images/k3s")
    account.done("deploy-image.sh", "--remove")
    account.client("cloudformation").delete_stack(StackName="durin-network")
    assert not {"durin-bake-durin-image", "durin-network"} & stacks(account).keys()
    assert "rustup target add aarch64-unknown-linux-musl" in account.refused("deploy-image.sh", "--arm64")


def content_baked(account, stack):
    parameters = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Parameters"]
    return next(it["ParameterValue"] for it in parameters if it["ParameterKey"] == "Content")


def test_at_first_the_functions_may_write_in_no_zone(account):
    assert allowed_zones(account) == {"NONE"}


def test_a_zone_is_allowed_by_name_and_the_next_deployment_keeps_it(account, binaries):
    account.done("deploy.sh", *binaries, "--hosted-zone", "Z0THEIRS", "--hosted-zone", "Z0OURS")
    assert allowed_zones(account) == {"Z0THEIRS", "Z0OURS"}
    account.done("deploy.sh", *binaries)
    assert allowed_zones(account) == {"Z0THEIRS", "Z0OURS"}


def test_a_first_node_without_an_image_is_provisioned_at_each_boot(account):
    said = account.done("deploy-node.sh", "stock")
    assert "for trying out" in said and "just deploy-image --now" in said
    bundle = bundle_at_boot(account)
    assert bundle == output(account, "durin-bucket", "BundleX8664")
    user_data = base64.b64decode(launch_template(account, "stock")["UserData"]).decode()
    assert f"instances/{bundle}.tar" in user_data and "./provision.sh --at-boot" in user_data
    assert len(user_data) < 16_000, "the most that EC2 takes"
    there = account.client("ssm").get_parameter(Name="/durin/image")["Parameter"]["Value"]
    (image,) = account.client("ec2").describe_images(ImageIds=[there])["Images"]
    assert image["ImageOwnerAlias"] == "amazon" and image["Name"].startswith("al2023-ami-")
    # And that this goes on until a baked image is there.
    assert "for trying out" in account.done("deploy-node.sh", "stock")


def test_another_node_on_that_image_is_provisioned_too(account):
    said = account.done("deploy-node.sh", "second")
    assert "for trying out" in said
    assert "./provision.sh --at-boot" in base64.b64decode(launch_template(account, "second")["UserData"]).decode()
    assert "which is x86_64: leave --arm64 out" in account.refused("deploy-node.sh", "third", "--arm64")
    # It has no record in the zone yet, nor has the first.
    zone = node_zone(account, "stock")
    volume = output(account, "durin-node-second", "VolumeId")
    assert "also that of stock" in account.done("destroy-node.sh", "second", "--delete-volume", volume)
    assert account.client("route53").get_hosted_zone(Id=zone) and zone in allowed_zones(account)


def test_a_baked_image_is_not_for_trying_out_and_leaves_the_bundle_alone(account):
    made = account.client("ec2").register_image(Name="durin-node-1", Architecture="x86_64")["ImageId"]
    account.client("ssm").put_parameter(Name="/durin/image", Value=made, Overwrite=True)
    assert "for trying out" not in account.done("deploy-node.sh", "stock")
    # Somebody may go back to Amazon's image, whose instances need it.
    assert bundle_at_boot(account) == output(account, "durin-bucket", "BundleX8664")
    # Back to nothing, as the other tests know it.
    account.done("destroy-node.sh", "stock", "--delete-volume", output(account, "durin-node-stock", "VolumeId"))
    account.client("ssm").delete_parameter(Name="/durin/image")
    account.client("ec2").deregister_image(ImageId=made)
    account.client("cloudformation").delete_stack(StackName="durin-network")


def bundle_at_boot(account):
    stack = account.client("cloudformation").describe_stacks(StackName="durin-node-stock")["Stacks"][0]
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}["BundleSha256"]


def launch_template(account, node):
    found = account.client("ec2").describe_launch_template_versions(LaunchTemplateId=template_of(account, node), Versions=["$Latest"])
    return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def template_of(account, node):
    policy = group(account, node)["MixedInstancesPolicy"]
    return policy["LaunchTemplate"]["LaunchTemplateSpecification"]["LaunchTemplateId"]


def place(account, zone, **subnet):
    """The options for a subnet of one's own."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    (range_,) = [it["Ipv6CidrBlock"] for it in vpc["Ipv6CidrBlockAssociationSet"]]
    subnet = {key: value or range_.replace("/56", "/64") for key, value in subnet.items()}
    made = ec2.create_subnet(VpcId=vpc["VpcId"], AvailabilityZone=zone, **subnet)["Subnet"]["SubnetId"]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    (group,) = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    return ["--subnet", made, "--security-group", group["GroupId"]]


def test_a_subnet_without_ipv4_is_refused(account):
    subnet = place(account, f"{REGION}a", Ipv6Native=True, Ipv6CidrBlock=None)
    assert "has no IPv4" in account.refused("deploy-node.sh", "home", "--image", IMAGE, *subnet)
    assert "durin-node-home" not in stacks(account)


def test_a_volume_that_could_never_be_attached_or_moved_is_refused(account):
    ec2 = account.client("ec2")
    agreed = [{"Key": "durin:volume", "Value": "data"}, {"Key": "durin:node", "Value": "home"}]
    tags = [{"ResourceType": "volume", "Tags": agreed}]
    elsewhere = ec2.create_volume(AvailabilityZone=f"{REGION}b", Size=1, TagSpecifications=tags)["VolumeId"]
    untagged = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    command = ["deploy-node.sh", "home", "--image", IMAGE, *place(account, f"{REGION}a", CidrBlock="10.9.1.0/24")]
    assert f"is in {REGION}b" in account.refused(*command, "--volume", elsewhere)
    assert f"is in {REGION}b" in account.refused(*command[:4], "--availability-zone", f"{REGION}a", "--volume", elsewhere)
    assert f"--resources {untagged} --tags" in account.refused(*command, "--volume", untagged)
    for volume in [elsewhere, untagged]:
        ec2.delete_volume(VolumeId=volume)
    assert not {"durin-node-home", "durin-network"} & stacks(account).keys()


def test_an_image_that_the_instance_types_cannot_run_is_refused(account):
    image = account.client("ec2").register_image(Name="k3s-0", Architecture="i386")["ImageId"]
    assert "instance types for x86_64 and arm64" in account.refused("deploy-node.sh", "home", "--image", image)
    assert "durin-network" not in stacks(account)


def propagated(account, node):
    return {tag["Key"]: tag["Value"] for tag in group(account, node)["Tags"] if tag["PropagateAtLaunch"]}


def test_a_node_from_nothing(account):
    account.done("deploy-node.sh", "home", "--image", IMAGE)
    ((volume, it),) = volumes(account).items()
    assert {tag["Key"]: tag["Value"] for tag in it["Tags"]}["durin:node"] == "home"
    zone = output(account, "durin-node-home", "HostedZoneId")
    assert propagated(account, "home") == {
        "Name": "home",
        "durin:volume-id": volume,
        "durin:hosted-zone-id": zone,
        "durin:record-name": "home.durin.internal",
        "durin:new-volume": volume,
    }
    assert group(account, "home")["DesiredCapacity"] == 1
    assert account.client("route53").get_hosted_zone(Id=zone)["HostedZone"]["Config"]["PrivateZone"]
    assert allowed_zones(account) == {"Z0THEIRS", "Z0OURS", zone}
    assert account.client("ssm").get_parameter(Name="/durin/image")["Parameter"]["Value"] == IMAGE
    assert tags_of_the_image_parameter(account) == FAMILY


def test_a_new_volume_is_called_new_until_the_node_is_in_service(account):
    (volume,) = volumes(account)
    resize = account.client("autoscaling").update_auto_scaling_group
    resize(AutoScalingGroupName="home", MinSize=0, DesiredCapacity=0)
    account.done("deploy-node.sh", "home", "--drain", "8")
    tags = propagated(account, "home")
    assert (tags["durin:new-volume"], tags["durin:drain"]) == (volume, "8")
    resize(AutoScalingGroupName="home", DesiredCapacity=1)
    account.done("deploy-node.sh", "home")
    tags = propagated(account, "home")
    assert "durin:new-volume" not in tags and tags["durin:drain"] == "8"


def test_a_second_run_of_the_node_changes_nothing_and_tells_of_a_missing_tag(account):
    parameter = {"ResourceType": "Parameter", "ResourceId": "/durin/image"}
    account.client("ssm").remove_tags_from_resource(**parameter, TagKeys=list(FAMILY))
    before = everything(account), group(account, "home")
    said = account.done("deploy-node.sh", "home")
    assert (everything(account), group(account, "home")) == before
    assert tags_of_the_image_parameter(account) == {}
    (told,) = re.findall("aws ssm add-tags-to-resource .*", said)
    subprocess.run(told.split(), env=account.environment, check=True, timeout=60)
    assert tags_of_the_image_parameter(account) == FAMILY


def test_an_existing_node_cannot_go_where_its_volume_is_not(account):
    (volume,) = volumes(account)
    elsewhere = place(account, f"{REGION}b", CidrBlock="10.9.2.0/24")
    assert f"the volume {volume} is in {REGION}a" in account.refused("deploy-node.sh", "home", *elsewhere)


def test_a_second_node_shares_network_zone_and_image(account):
    assert "add-tags-to-resource" not in account.done("deploy-node.sh", "away")
    of_home, of_away = group(account, "home"), group(account, "away")
    assert of_home["VPCZoneIdentifier"] == of_away["VPCZoneIdentifier"]
    zones = {output(account, f"durin-node-{node}", "HostedZoneId") for node in ["home", "away"]}
    assert len(zones) == 1
    assert allowed_zones(account) == {"Z0THEIRS", "Z0OURS", *zones}
    assert len(volumes(account)) == 2


def test_what_was_changed_at_run_time_survives(account):
    autoscaling, ec2 = account.client("autoscaling"), account.client("ec2")
    name = {"AutoScalingGroupName": "home"}
    (own,) = ec2.describe_subnets(SubnetIds=[group(account, "home")["VPCZoneIdentifier"]])["Subnets"]
    place = {"VpcId": own["VpcId"], "AvailabilityZone": own["AvailabilityZone"], "CidrBlock": "10.74.9.0/24"}
    other = ec2.create_subnet(**place)["Subnet"]["SubnetId"]
    subnets = f"{own['SubnetId']},{other}"
    policy = group(account, "home")["MixedInstancesPolicy"]
    policy["LaunchTemplate"]["LaunchTemplateSpecification"].pop("LaunchTemplateName", None)
    policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] = 100
    autoscaling.update_auto_scaling_group(
        **name, DesiredCapacity=0, VPCZoneIdentifier=subnets, MixedInstancesPolicy=policy
    )
    volume = ec2.create_volume(AvailabilityZone=own["AvailabilityZone"], Size=1)["VolumeId"]
    tags = {"durin:record-ttl": "30", "durin:record-name": "house.durin.internal", "durin:volume-id": volume}
    autoscaling.create_or_update_tags(
        Tags=[
            {"ResourceId": "home", "ResourceType": "auto-scaling-group", "Key": key, "Value": value, "PropagateAtLaunch": True}
            for key, value in tags.items()
        ]
    )
    created = output(account, "durin-node-home", "VolumeId")

    account.done("deploy-node.sh", "home", "--capacity-rebalance", "false")
    there = group(account, "home")
    assert (there["DesiredCapacity"], there["MaxSize"], there["VPCZoneIdentifier"]) == (0, 2, subnets)
    assert there["CapacityRebalance"] is False
    distribution = there["MixedInstancesPolicy"]["InstancesDistribution"]
    assert distribution["OnDemandPercentageAboveBaseCapacity"] == 100
    assert tags.items() <= {tag["Key"]: tag["Value"] for tag in there["Tags"]}.items()
    assert ec2.describe_volumes(VolumeIds=[created])["Volumes"], "what the stack has made and lost sight of stays"

    # Back to what the other tests know, by what can be said and what a person changes.
    autoscaling.update_auto_scaling_group(**name, DesiredCapacity=2)
    assert "being handed over" in account.refused("deploy-node.sh", "home")
    autoscaling.update_auto_scaling_group(**name, DesiredCapacity=1)
    ec2.create_tags(Resources=[created], Tags=[{"Key": "durin:node", "Value": "home"}])
    back = ["--volume", created, "--record", "home.durin.internal", "--subnet", own["SubnetId"], "--drain", "0"]
    account.done("deploy-node.sh", "home", *back)
    assert "durin:drain" not in propagated(account, "home")
    assert (group(account, "home")["DesiredCapacity"], group(account, "home")["VPCZoneIdentifier"]) == (1, own["SubnetId"])
    ec2.delete_volume(VolumeId=volume)
    ec2.delete_subnet(SubnetId=other)


def test_a_tag_alone_opens_no_zone(account, binaries):
    autoscaling = account.client("autoscaling")
    tag = {"ResourceId": "away", "ResourceType": "auto-scaling-group", "Key": "durin:hosted-zone-id"}
    zone = node_zone(account, "away")
    autoscaling.create_or_update_tags(Tags=[{**tag, "Value": "Z0VICTIM", "PropagateAtLaunch": True}])
    told = account.refused("deploy.sh", *binaries)
    assert "away" in told and "--hosted-zone Z0VICTIM" in told
    assert "Z0VICTIM" not in allowed_zones(account)
    autoscaling.create_or_update_tags(Tags=[{**tag, "Value": zone, "PropagateAtLaunch": True}])
    volume = output(account, "durin-node-away", "VolumeId")
    account.client("ec2").delete_tags(Resources=[volume], Tags=[{"Key": "durin:node"}])
    (command,) = re.findall("aws ec2 create-tags .*", account.done("deploy.sh", *binaries))
    subprocess.run(shlex.split(command), env=account.environment, check=True, timeout=60)
    assert "create-tags" not in account.done("deploy.sh", *binaries)


def test_the_functions_stay_while_there_are_nodes(account):
    assert "away home" in account.refused("destroy.sh") or "home away" in account.refused("destroy.sh")
    assert set(functions(account)) == set(FUNCTIONS)


def test_a_node_goes_and_its_volume_stays(account):
    zone, kept = output(account, "durin-node-home", "HostedZoneId"), volumes(account)
    for node, address in [("home", "10.74.0.9"), ("away", "10.74.0.10")]:
        record = {
            "Name": f"{node}.durin.internal",
            "Type": "A",
            "TTL": 10,
            "ResourceRecords": [{"Value": address}],
        }
        claim = {**record, "Name": f"_durin.{record['Name']}", "Type": "TXT"}
        claim["ResourceRecords"] = [{"Value": f'"node={node}"'}]
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": it} for it in (record, claim)]}
        account.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    image = account.client("ec2").register_image(Name="k3s-1")["ImageId"]
    account.client("ec2").create_tags(Resources=[image], Tags=[{"Key": k, "Value": v} for k, v in FAMILY.items()])
    assert image in account.done("destroy-node.sh", "home")
    assert zone in allowed_zones(account), "the other node is in it"
    assert account.client("ec2").describe_images(ImageIds=[image])["Images"]
    assert group(account, "home") is None
    assert "durin-node-home" not in stacks(account)
    assert volumes(account).keys() == kept.keys()
    records = account.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert {it["Name"] for it in records if it["Type"] in ("A", "TXT")} == {
        "away.durin.internal.",
        "_durin.away.durin.internal.",
    }
    assert group(account, "away") is not None
    assert account.client("ssm").get_parameter(Name="/durin/image")["Parameter"]["Value"] == IMAGE


def test_a_volume_is_deleted_only_by_its_own_name(account):
    of_away = output(account, "durin-node-away", "VolumeId")
    (of_home,) = volumes(account).keys() - {of_away}
    assert "data volume of the node away" in account.refused("destroy-node.sh", "home", "--delete-volume", of_away)
    assert "and not" in account.refused("destroy-node.sh", "away", "--delete-volume", of_home)
    assert volumes(account).keys() == {of_home, of_away}
    account.done("destroy-node.sh", "home", "--delete-volume", of_home)
    assert volumes(account).keys() == {of_away}


def test_a_volume_has_to_say_whose_it_is(account):
    of_away = output(account, "durin-node-away", "VolumeId")
    place = account.client("ec2").describe_volumes(VolumeIds=[of_away])["Volumes"][0]["AvailabilityZone"]
    theirs = account.client("ec2").create_volume(AvailabilityZone=place, Size=1)["VolumeId"]
    told = account.refused("deploy-node.sh", "home", "--image", IMAGE, "--volume", of_away)
    assert f"{of_away} is that of the node away" in told and "create-tags" not in told
    told = account.refused("deploy-node.sh", "home", "--image", IMAGE, "--volume", theirs)
    assert f"--resources {theirs}" in told and "Key=durin:node,Value=home" in told
    assert "durin-node-home" not in stacks(account)
    (command,) = re.findall("aws ec2 create-tags .*", told)
    subprocess.run(shlex.split(command), env=account.environment, check=True, timeout=60)
    account.done("deploy-node.sh", "home", "--volume", theirs)
    assert {tag["Key"]: tag["Value"] for tag in group(account, "home")["Tags"]}["durin:volume-id"] == theirs
    account.done("destroy-node.sh", "home", "--delete-volume", theirs)


def test_all_goes_but_the_data(account):
    (volume,) = volumes(account)
    zone = node_zone(account, "away")
    account.done("destroy-node.sh", "away")
    assert allowed_zones(account) == {"Z0THEIRS", "Z0OURS"}
    assert zone not in {it["Id"].split("/")[-1] for it in account.client("route53").list_hosted_zones()["HostedZones"]}
    account.done("destroy.sh")
    account.done("destroy.sh")
    assert (stacks(account), functions(account)) == ({}, {})
    assert account.client("events").list_rules()["Rules"] == []
    assert volumes(account).keys() == {volume}
