"""A walk through every operation of the local AWS, each succeeding at least once."""

import json

from waiting import until

DEVICE = "/dev/sdf"


def walk(aws):
    """Calls everything. What each answer looks like is checked where the clients are made."""
    parameters(aws.ssm)
    commands(aws.ssm, aws.autoscaling)
    records(aws.route53)
    network(aws.ec2)
    volumes_and_instances(aws.ec2)
    groups(aws.ec2, aws.autoscaling)
    lifecycle(aws.ec2, aws.autoscaling)


def parameters(ssm):
    tags = [{"Key": "made-by", "Value": "tour"}]
    ssm.put_parameter(Name="/tour/a", Value="1", Type="String", Description="of the tour", Tags=tags)
    ssm.put_parameter(Name="/tour/a", Value="2", Overwrite=True)
    ssm.put_parameter(Name="/tour/b", Value="x,y", Type="StringList")
    ssm.get_parameter(Name="/tour/a:1")
    ssm.get_parameters(Names=["/tour/a", "/tour/nobody"])
    ssm.get_parameters_by_path(Path="/tour", MaxResults=1)
    ssm.get_parameter_history(Name="/tour/a")
    ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/tour"]}])
    ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/tour/a")
    ssm.delete_parameter(Name="/tour/a")


def commands(ssm, autoscaling):
    """On the instance of the group `k3s`, where an agent runs."""
    document = {"schemaVersion": "2.2", "description": "tour", "parameters": {"words": {"type": "String"}}}
    step = {"action": "aws:runShellScript", "name": "speak", "inputs": {"runCommand": ["echo {{words}}"]}}
    content = json.dumps({**document, "mainSteps": [step]})
    ssm.create_document(Name="tour", Content=content, DocumentType="Command", DocumentFormat="JSON")
    ssm.describe_document(Name="tour")
    ssm.get_document(Name="tour")
    ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])
    [instance] = members(autoscaling, "k3s", "InService")
    ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [instance]}])
    sent = ssm.send_command(DocumentName="tour", InstanceIds=[instance], Parameters={"words": ["hello"]})
    command = {"CommandId": sent["Command"]["CommandId"]}
    invocations = {**command, "Details": True}
    until("delivered", lambda: ssm.list_command_invocations(**invocations)["CommandInvocations"])
    finished = {"Success", "Failed"}
    look = lambda: ssm.get_command_invocation(**command, InstanceId=instance)["Status"] in finished  # noqa: E731
    until("finished", look)
    ssm.list_command_invocations(**invocations)
    ssm.list_commands(**command)
    cancelled = ssm.send_command(
        DocumentName="tour", InstanceIds=[instance], Parameters={"words": ["nothing"]}
    )
    ssm.cancel_command(CommandId=cancelled["Command"]["CommandId"])
    ssm.delete_document(Name="tour")


def records(route53):
    created = route53.create_hosted_zone(Name="tour.example", CallerReference="tour")
    zone = created["HostedZone"]["Id"]
    weighted = {"Name": "w.tour.example", "Type": "A", "SetIdentifier": "one", "Weight": 10, "TTL": 5}
    target = {"HostedZoneId": zone, "DNSName": "w.tour.example", "EvaluateTargetHealth": False}
    sets = [
        {**weighted, "ResourceRecords": [{"Value": "10.0.0.1"}]},
        {"Name": "alias.tour.example", "Type": "A", "AliasTarget": target},
    ]
    change(route53, zone, "UPSERT", sets)
    route53.list_resource_record_sets(HostedZoneId=zone)
    route53.list_resource_record_sets(HostedZoneId=zone, MaxItems="3")
    change(route53, zone, "DELETE", sets)
    route53.get_change(Id=created["ChangeInfo"]["Id"])
    route53.get_hosted_zone(Id=zone)
    route53.list_hosted_zones(MaxItems="1")
    route53.list_hosted_zones_by_name(DNSName="tour.example", MaxItems="1")
    route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone.removeprefix("/hostedzone/"))
    vpc = {"VPCRegion": "eu-central-1", "VPCId": "vpc-0d4f1c6a2be093571"}
    private = route53.create_hosted_zone(Name="tour.internal", CallerReference="private", VPC=vpc)
    route53.get_hosted_zone(Id=private["HostedZone"]["Id"])
    route53.delete_hosted_zone(Id=zone)


def change(route53, zone, action, sets):
    changes = [{"Action": action, "ResourceRecordSet": record_set} for record_set in sets]
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Comment": "tour", "Changes": changes}
    )


def network(ec2):
    ec2.describe_availability_zones()
    ec2.describe_subnets()
    ec2.describe_vpcs()


def volumes_and_instances(ec2):
    image = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3a.medium"}
    ec2.create_launch_template(LaunchTemplateName="tour", LaunchTemplateData=image)
    ec2.describe_launch_templates(LaunchTemplateNames=["tour"])
    run = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "tour"}, MinCount=1, MaxCount=1)
    instance = run["Instances"][0]["InstanceId"]
    ec2.describe_instance_status(InstanceIds=[instance], IncludeAllInstances=True)
    volume = ec2.create_volume(AvailabilityZone="eu-central-1a", Size=8, VolumeType="gp3")["VolumeId"]
    ec2.create_tags(Resources=[instance, volume], Tags=[{"Key": "made-by", "Value": "tour"}])
    ec2.describe_tags(Filters=[{"Name": "key", "Values": ["made-by"]}])
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "made-by"}])
    instance_reaches(ec2, instance, "running")
    volume_reaches(ec2, volume, "available")
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device=DEVICE)
    attached = [{"Name": "attachment.status", "Values": ["attached"]}]
    until("attached", lambda: ec2.describe_volumes(VolumeIds=[volume], Filters=attached)["Volumes"])
    ec2.stop_instances(InstanceIds=[instance])
    instance_reaches(ec2, instance, "stopped")
    ec2.detach_volume(VolumeId=volume, InstanceId=instance)
    volume_reaches(ec2, volume, "available")
    ec2.start_instances(InstanceIds=[instance])
    instance_reaches(ec2, instance, "running")
    until("checks", lambda: ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"])
    ec2.terminate_instances(InstanceIds=[instance])
    instance_reaches(ec2, instance, "terminated")
    ec2.delete_volume(VolumeId=volume)
    ec2.delete_launch_template(LaunchTemplateName="tour")


def groups(ec2, autoscaling):
    image = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3a.medium"}
    ec2.create_launch_template(LaunchTemplateName="tour", LaunchTemplateData=image)
    name = {"AutoScalingGroupName": "tour"}
    zones = ["eu-central-1a", "eu-central-1b"]
    template = {"LaunchTemplateName": "tour"}
    autoscaling.create_auto_scaling_group(
        **name, MinSize=0, MaxSize=2, DesiredCapacity=1, AvailabilityZones=zones, LaunchTemplate=template
    )
    policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110}
    autoscaling.update_auto_scaling_group(**name, HealthCheckGracePeriod=60, InstanceMaintenancePolicy=policy)
    autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["tour"])
    group_tag = {"ResourceId": "tour", "ResourceType": "auto-scaling-group", "Key": "made-by"}
    autoscaling.create_or_update_tags(Tags=[{**group_tag, "Value": "tour", "PropagateAtLaunch": False}])
    autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": ["tour"]}])
    autoscaling.delete_tags(Tags=[group_tag])
    [instance] = until("one in service", lambda: members(autoscaling, "tour", "InService"))
    ids = {"InstanceIds": [instance]}
    autoscaling.enter_standby(**name, **ids, ShouldDecrementDesiredCapacity=True)
    until("standby", lambda: members(autoscaling, "tour", "Standby"))
    autoscaling.exit_standby(**name, **ids)
    until("back in service", lambda: members(autoscaling, "tour", "InService"))
    autoscaling.set_instance_health(InstanceId=instance, HealthStatus="Healthy")
    autoscaling.describe_auto_scaling_instances(**ids)
    autoscaling.detach_instances(**name, **ids, ShouldDecrementDesiredCapacity=True)
    autoscaling.set_desired_capacity(**name, DesiredCapacity=1)
    autoscaling.start_instance_refresh(**name, Preferences={**policy, "InstanceWarmup": 30})
    autoscaling.describe_instance_refreshes(**name)
    autoscaling.cancel_instance_refresh(**name, WaitForTransitioningInstances=False)
    autoscaling.describe_instance_refreshes(**name, MaxRecords=1)
    autoscaling.delete_auto_scaling_group(**name, ForceDelete=True)
    autoscaling.describe_auto_scaling_groups()


def lifecycle(ec2, autoscaling):
    """On the group `k3s`, whose hooks nobody else completes."""
    name = {"AutoScalingGroupName": "k3s"}
    autoscaling.put_lifecycle_hook(**name, LifecycleHookName="durin-launch", NotificationMetadata="tour")
    autoscaling.describe_lifecycle_hooks(**name)
    [instance] = members(autoscaling, "k3s", "InService")
    autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=instance, ShouldDecrementDesiredCapacity=False
    )
    [leaving] = until("one that leaves", lambda: members(autoscaling, "k3s", "Terminating:Wait"))
    action = {**name, "LifecycleHookName": "durin-terminate", "InstanceId": leaving}
    autoscaling.record_lifecycle_action_heartbeat(**action)
    autoscaling.complete_lifecycle_action(**action, LifecycleActionResult="CONTINUE")
    until("one that waits", lambda: members(autoscaling, "k3s", "Pending:Wait"))
    autoscaling.describe_auto_scaling_instances()
    autoscaling.delete_lifecycle_hook(**name, LifecycleHookName="durin-launch")
    autoscaling.describe_scaling_activities(**name)
    ec2.describe_instances()


def members(autoscaling, group, state):
    [found] = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    return [it["InstanceId"] for it in found["Instances"] if it["LifecycleState"] == state]


def instance_reaches(ec2, instance, state):
    def look():
        [reservation] = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        return reservation["Instances"][0]["State"]["Name"] == state

    until(f"{instance} is {state}", look)


def volume_reaches(ec2, volume, state):
    look = lambda: ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == state  # noqa: E731
    until(f"{volume} is {state}", look)
