"""Plain sequences of calls: created, described, changed, deleted. Each is played on two servers and compared.

A play calls through `stage.call(service, operation, **parameters)`, which remembers each answer.
"""

import datetime
import re

from botocore.exceptions import ClientError

from waiting import until

ZONE = "eu-central-1a"
IMAGE = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro"}
TAG = {"Key": "made-by", "Value": "play"}


class Stage:
    """A server, and what it answered: operation and answer, in the order of the calls."""

    def __init__(self, client):
        self.client = client
        self.answers = []

    def call(self, service, operation, **parameters):
        client = self.client(service)
        answer = getattr(client, operation)(**parameters)
        self.answers.append((client.meta.method_to_api_mapping[operation], masked(answer)))
        return answer

    def refused(self, service, operation, **parameters):
        """A call that fails. Of the error, code and status are compared: texts differ between versions."""
        client = self.client(service)
        name = client.meta.method_to_api_mapping[operation]
        try:
            getattr(client, operation)(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            self.answers.append(
                (name, {"Error": {"Code": error.response["Error"]["Code"], "Status": status}})
            )
        else:
            self.answers.append((name, {"Error": None}))

    def wait(self, what, look):
        """Looks without remembering: how long things take is nobody's business here."""
        until(what, lambda: look(self.client))


# What is different in each world and means nothing: ids, addresses, who did it.
MASKED_MEMBERS = {
    *(
        "PrivateIpAddress",
        "PrivateDnsName",
        "PublicIpAddress",
        "PublicDnsName",
        "AutoScalingGroupARN",
        "ClientToken",
    ),
    *(
        "Id",
        "ReservationId",
        "Location",
        "NameServers",
        "CreatedBy",
        "LastModifiedUser",
        "ServiceLinkedRoleARN",
    ),
}
MASKED_VALUES = re.compile(r"[a-z]+-[0-9a-f]{17}|User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def masked(value, member=None):
    """An answer without what is different each time, and without what is about the request."""
    if isinstance(value, dict):
        kept = {key: masked(inner, key) for key, inner in value.items() if key != "ResponseMetadata"}
        if kept.get("Type") in ("NS", "SOA"):
            # Which name servers a zone gets is the server's own affair.
            kept["ResourceRecords"] = "<masked>"
        return kept
    if isinstance(value, list):
        return [masked(inner, member) for inner in value]
    if isinstance(value, datetime.datetime):
        return "<time>"
    if isinstance(value, str):
        return "<masked>" if value and member in MASKED_MEMBERS else MASKED_VALUES.sub("<masked>", value)
    return value


def volumes(stage):
    tags = [{"ResourceType": "volume", "Tags": [TAG]}]
    made = {"AvailabilityZone": ZONE, "Size": 8, "VolumeType": "gp2", "TagSpecifications": tags}
    volume = stage.call("ec2", "create_volume", **made)["VolumeId"]
    ids = {"VolumeIds": [volume]}
    available = lambda client: client("ec2").describe_volumes(**ids)["Volumes"][0]["State"] == "available"  # noqa: E731
    stage.wait("available", available)
    stage.call("ec2", "describe_volumes", **ids)
    stage.call("ec2", "describe_volumes", Filters=[{"Name": "tag:made-by", "Values": ["pl*"]}])
    stage.call("ec2", "create_tags", Resources=[volume], Tags=[{"Key": "b", "Value": "2"}])
    by_resource = [{"Name": "resource-id", "Values": [volume]}]
    stage.call("ec2", "describe_tags", Filters=by_resource)
    stage.call("ec2", "delete_tags", Resources=[volume], Tags=[{"Key": "b"}])
    stage.call("ec2", "describe_tags", Filters=by_resource)
    stage.call("ec2", "delete_volume", VolumeId=volume)
    stage.refused("ec2", "describe_volumes", **ids)


def launch_templates(stage):
    name = {"LaunchTemplateName": "play"}
    stage.call("ec2", "create_launch_template", **name, LaunchTemplateData=IMAGE)
    stage.call("ec2", "describe_launch_templates", LaunchTemplateNames=["play"])
    stage.refused("ec2", "create_launch_template", **name, LaunchTemplateData=IMAGE)
    stage.call("ec2", "delete_launch_template", **name)
    stage.refused("ec2", "describe_launch_templates", LaunchTemplateNames=["play"])


def instances(stage):
    stage.client("ec2").create_launch_template(LaunchTemplateName="instances", LaunchTemplateData=IMAGE)
    tags = [{"ResourceType": "instance", "Tags": [TAG]}]
    template = {"LaunchTemplate": {"LaunchTemplateName": "instances"}, "TagSpecifications": tags}
    run = stage.call(
        "ec2", "run_instances", **template, MinCount=1, MaxCount=1, Placement={"AvailabilityZone": ZONE}
    )
    instance = run["Instances"][0]["InstanceId"]
    ids = {"InstanceIds": [instance]}
    stage.wait("running", lambda client: instance_state(client, instance) == "running")
    stage.call("ec2", "describe_instances", **ids)
    stage.wait("checks passed", lambda client: instance_check(client, instance) == "ok")
    stage.call("ec2", "describe_instance_status", **ids)
    stage.call("ec2", "stop_instances", **ids)
    stage.wait("stopped", lambda client: instance_state(client, instance) == "stopped")
    stage.call("ec2", "describe_instance_status", **ids)
    stage.call("ec2", "start_instances", **ids)
    stage.wait("running", lambda client: instance_state(client, instance) == "running")
    stage.call("ec2", "terminate_instances", **ids)
    stage.wait("terminated", lambda client: instance_state(client, instance) == "terminated")
    stage.call("ec2", "terminate_instances", **ids)
    stage.call("ec2", "describe_instances", **ids)


def attachments(stage):
    ec2 = stage.client("ec2")
    [run] = ec2.run_instances(**IMAGE, MinCount=1, MaxCount=1, Placement={"AvailabilityZone": ZONE})[
        "Instances"
    ]
    volume = ec2.create_volume(AvailabilityZone=ZONE, Size=8, VolumeType="gp2")["VolumeId"]
    both = {"VolumeId": volume, "InstanceId": run["InstanceId"]}
    stage.wait("available", lambda client: volume_state(client, volume) == ("available", []))
    stage.wait("running", lambda client: instance_state(client, run["InstanceId"]) == "running")
    stage.call("ec2", "attach_volume", **both, Device="/dev/sdf")
    stage.wait("attached", lambda client: volume_state(client, volume) == ("in-use", ["attached"]))
    stage.call("ec2", "describe_volumes", VolumeIds=[volume])
    stage.refused("ec2", "delete_volume", VolumeId=volume)
    # Stopped, because a mounted volume does not detach on its own.
    ec2.stop_instances(InstanceIds=[run["InstanceId"]])
    stage.wait("stopped", lambda client: instance_state(client, run["InstanceId"]) == "stopped")
    stage.call("ec2", "detach_volume", **both)
    stage.wait("available", lambda client: volume_state(client, volume) == ("available", []))
    stage.call("ec2", "describe_volumes", VolumeIds=[volume])
    stage.refused("ec2", "detach_volume", **both)


def groups(stage):
    stage.client("ec2").create_launch_template(LaunchTemplateName="groups", LaunchTemplateData=IMAGE)
    group = {"AutoScalingGroupName": "play"}
    tag = {"ResourceId": "play", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True, **TAG}
    template = {"LaunchTemplate": {"LaunchTemplateName": "groups", "Version": "$Latest"}}
    size = {"MinSize": 0, "MaxSize": 1, "DesiredCapacity": 1}
    stage.call(
        "autoscaling",
        "create_auto_scaling_group",
        **group,
        **template,
        **size,
        AvailabilityZones=[ZONE],
        Tags=[tag],
    )
    stage.wait("in service", lambda client: states(client, "play") == ["InService"])
    stage.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=["play"])
    stage.call("autoscaling", "describe_auto_scaling_instances")
    in_group = [{"Name": "auto-scaling-group", "Values": ["play"]}]
    stage.call("autoscaling", "describe_tags", Filters=in_group)
    hook = {**group, "LifecycleHookName": "hook"}
    launching = "autoscaling:EC2_INSTANCE_LAUNCHING"
    stage.call(
        "autoscaling", "put_lifecycle_hook", **hook, LifecycleTransition=launching, HeartbeatTimeout=60
    )
    stage.call("autoscaling", "describe_lifecycle_hooks", **group)
    stage.call("autoscaling", "delete_lifecycle_hook", **hook)
    stage.call("autoscaling", "create_or_update_tags", Tags=[{**tag, "Value": "again"}])
    stage.call("autoscaling", "delete_tags", Tags=[tag])
    stage.call("autoscaling", "update_auto_scaling_group", **group, MaxSize=2, HealthCheckGracePeriod=30)
    stage.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=["play"])
    stage.call("autoscaling", "delete_auto_scaling_group", **group, ForceDelete=True)
    stage.wait("gone", lambda client: states(client, "play") is None)
    stage.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=["play"])


def hosted_zones(stage):
    zone = stage.call("route53", "create_hosted_zone", Name="play.example", CallerReference="play")[
        "HostedZone"
    ]["Id"]
    stage.call("route53", "get_hosted_zone", Id=zone)
    stage.call("route53", "list_hosted_zones")
    stage.call("route53", "list_hosted_zones_by_name", DNSName="play.example")
    old = {"Name": "a.play.example", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    new = {**old, "ResourceRecords": [{"Value": "10.0.0.2"}]}
    star = {**old, "Name": "*.play.example"}
    change = stage.call(
        "route53",
        "change_resource_record_sets",
        HostedZoneId=zone,
        ChangeBatch=batch(("CREATE", old), ("UPSERT", star)),
    )
    stage.wait("in sync", lambda client: in_sync(client, change["ChangeInfo"]["Id"]))
    stage.call("route53", "get_change", Id=change["ChangeInfo"]["Id"])
    stage.call("route53", "list_resource_record_sets", HostedZoneId=zone)
    stage.call(
        "route53",
        "list_resource_record_sets",
        HostedZoneId=zone,
        StartRecordName="a.play.example",
        MaxItems="1",
    )
    stage.refused(
        "route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch(("CREATE", new))
    )
    stage.refused(
        "route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch(("DELETE", new))
    )
    stage.refused("route53", "delete_hosted_zone", Id=zone)
    end = batch(("DELETE", old), ("DELETE", star))
    stage.call("route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=end)
    stage.call("route53", "delete_hosted_zone", Id=zone)
    stage.refused("route53", "get_hosted_zone", Id=zone)


def parameters(stage):
    made = {"Name": "/play/a", "Type": "String", "Description": "of the play", "Tags": [TAG]}
    stage.call("ssm", "put_parameter", **made, Value="1")
    stage.refused("ssm", "put_parameter", **made, Value="2")
    stage.call("ssm", "put_parameter", Name="/play/a", Value="2", Overwrite=True)
    stage.call("ssm", "get_parameter", Name="/play/a")
    stage.call("ssm", "get_parameter", Name="/play/a:1")
    stage.call("ssm", "get_parameters", Names=["/play/a", "/play/nobody"])
    stage.call("ssm", "get_parameters_by_path", Path="/play")
    stage.call("ssm", "get_parameter_history", Name="/play/a")
    stage.call("ssm", "describe_parameters", ParameterFilters=[{"Key": "Name", "Values": ["/play/a"]}])
    stage.call("ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId="/play/a")
    stage.call("ssm", "delete_parameter", Name="/play/a")
    stage.refused("ssm", "get_parameter", Name="/play/a")


def mistakes(stage):
    """Things of nobody."""
    volume, instance = {"VolumeId": "vol-0123456789abcdef0"}, {"InstanceId": "i-0123456789abcdef0"}
    stage.refused("ec2", "describe_volumes", VolumeIds=list(volume.values()))
    stage.refused("ec2", "delete_volume", **volume)
    stage.refused("ec2", "detach_volume", **volume)
    stage.refused("ec2", "attach_volume", **volume, **instance, Device="/dev/sdf")
    stage.refused("ec2", "describe_instances", InstanceIds=list(instance.values()))
    stage.refused("ec2", "terminate_instances", InstanceIds=list(instance.values()))
    stage.refused("ec2", "create_tags", Resources=list(instance.values()), Tags=[TAG])
    stage.refused("ec2", "create_volume", AvailabilityZone="eu-central-1x", Size=1)
    stage.refused("ec2", "delete_launch_template", LaunchTemplateId="lt-0123456789abcdef0")
    stage.refused(
        "ec2", "run_instances", LaunchTemplate={"LaunchTemplateName": "nobody"}, MinCount=1, MaxCount=1
    )
    group = {"AutoScalingGroupName": "nobody"}
    stage.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=["nobody"])
    stage.refused("autoscaling", "update_auto_scaling_group", **group, MaxSize=1)
    stage.refused("autoscaling", "delete_auto_scaling_group", **group)
    stage.refused("autoscaling", "set_instance_health", **instance, HealthStatus="Healthy")
    zone = {"HostedZoneId": "ZNOBODY"}
    stage.refused("route53", "get_hosted_zone", Id="ZNOBODY")
    stage.refused("route53", "list_resource_record_sets", **zone)
    stage.refused("route53", "change_resource_record_sets", **zone, ChangeBatch=batch(("CREATE", RECORD)))
    stage.refused("route53", "delete_hosted_zone", Id="ZNOBODY")
    stage.refused("ssm", "get_parameter", Name="/nobody")
    stage.refused("ssm", "get_parameter_history", Name="/nobody")
    stage.refused("ssm", "delete_parameter", Name="/nobody")
    stage.refused("ssm", "put_parameter", Name="/aws/mine", Value="1", Type="String")
    stage.refused("ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId="/nobody")


PLAYS = [volumes, launch_templates, instances, attachments, groups, hosted_zones, parameters, mistakes]

RECORD = {"Name": "a.example", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.0.1"}]}


def batch(*changes):
    return {
        "Changes": [{"Action": action, "ResourceRecordSet": record_set} for action, record_set in changes]
    }


def in_sync(client, change):
    return client("route53").get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"


def instance_state(client, instance):
    [reservation] = client("ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    return reservation["Instances"][0]["State"]["Name"]


def instance_check(client, instance):
    [status] = client("ec2").describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
    return status["InstanceStatus"]["Status"]


def volume_state(client, volume):
    [found] = client("ec2").describe_volumes(VolumeIds=[volume])["Volumes"]
    return found["State"], [attachment["State"] for attachment in found.get("Attachments", [])]


def states(client, group):
    found = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])[
        "AutoScalingGroups"
    ]
    return [instance["LifecycleState"] for instance in found[0]["Instances"]] if found else None
