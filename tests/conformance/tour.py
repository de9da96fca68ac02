"""A walk through every operation of the local AWS, each succeeding at least once."""

import json

from waiting import until

DEVICE = "/dev/sdf"


def walk(aws):
    """Calls everything. What each answer looks like is checked where the clients are made."""
    aws.sts.get_caller_identity()
    parameters(aws.ssm)
    commands(aws.ssm, aws.autoscaling)
    records(aws.route53)
    network(aws.ec2)
    volumes_and_instances(aws.ec2)
    keys(aws.kms, aws.ec2)
    news(aws.events)
    images(aws.ec2)
    launch_templates(aws.ec2)
    requests(aws.ec2)
    groups(aws.ec2, aws.autoscaling)
    launch_sources(aws.ec2, aws.autoscaling)
    aws.ssm.describe_instance_information()
    lifecycle(aws.ec2, aws.autoscaling)


def parameters(ssm):
    tags = [{"Key": "made-by", "Value": "tour"}]
    ssm.put_parameter(Name="/tour/a", Value="1", Type="String", Description="of the tour", Tags=tags)
    ssm.put_parameter(Name="/tour/a", Value="2", Overwrite=True)
    ssm.put_parameter(Name="/tour/b", Value="x,y", Type="StringList")
    ssm.get_parameter(Name="/tour/a:1")
    ssm.get_parameters(Names=["/tour/a", "/tour/nobody"])
    ssm.get_parameters_by_path(Path="/tour", MaxResults=1)
    label = {"Name": "/tour/a", "ParameterVersion": 1, "Labels": ["first", "aws-not"]}
    ssm.label_parameter_version(**label)
    ssm.get_parameter(Name="/tour/a:first")
    ssm.get_parameter_history(Name="/tour/a")
    ssm.unlabel_parameter_version(**label)
    resource = {"ResourceType": "Parameter", "ResourceId": "/tour/a"}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "pinned", "Value": ""}])
    ssm.remove_tags_from_resource(**resource, TagKeys=["pinned"])
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
    config = {"Comment": "of the tour", "PrivateZone": True}
    private = route53.create_hosted_zone(
        Name="tour.internal", CallerReference="private", VPC=vpc, HostedZoneConfig=config
    )
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
    tags = [{"Key": "made-by", "Value": "tour"}, {"Key": "Name", "Value": ""}]
    ec2.create_tags(Resources=[instance, volume], Tags=tags)
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
    ec2.reboot_instances(InstanceIds=[instance])
    for protected in True, False:
        ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": protected})
    ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiTermination")
    ec2.terminate_instances(InstanceIds=[instance])
    instance_reaches(ec2, instance, "terminated")
    ec2.delete_volume(VolumeId=volume)
    ec2.delete_launch_template(LaunchTemplateName="tour")


def keys(kms, ec2):
    """The key of a node's volume."""
    encrypted = ec2.describe_volumes(Filters=[{"Name": "encrypted", "Values": ["true"]}])["Volumes"]
    kms.describe_key(KeyId=encrypted[0]["KmsKeyId"])


def news(events):
    """Of two events one is good."""
    good = {"Source": "tour", "DetailType": "Seen", "Detail": '{"place": 1}'}
    answer = events.put_events(Entries=[good, {**good, "Detail": "everything"}])
    assert answer["FailedEntryCount"] == 1 and "EventId" in answer["Entries"][0], answer
    assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail", answer


def images(ec2):
    """From an instance, to a snapshot that is deleted."""
    image = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3a.medium"}
    run = ec2.run_instances(**image, MinCount=1, MaxCount=1)
    instance = run["Instances"][0]["InstanceId"]
    instance_reaches(ec2, instance, "running")
    tags = [{"ResourceType": kind, "Tags": [{"Key": "made-by", "Value": "tour"}]} for kind in ["image", "snapshot"]]
    name = {"Name": "tour", "Description": "of the tour", "TagSpecifications": tags}
    made = ec2.create_image(InstanceId=instance, **name)["ImageId"]
    image_reaches(ec2, made, "available")
    source = {"SourceImageId": made, "SourceRegion": "eu-central-1", "Encrypted": True, "CopyImageTags": True}
    copied = ec2.copy_image(Name="tour-copy", **source)["ImageId"]
    image_reaches(ec2, copied, "available")
    ec2.modify_image_attribute(ImageId=made, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
    for attribute in ["description", "launchPermission", "deregistrationProtection", "lastLaunchedTime"]:
        ec2.describe_image_attribute(ImageId=made, Attribute=attribute)
    ec2.enable_image_deprecation(ImageId=made, DeprecateAt="2036-01-01T00:00:00Z")
    ec2.enable_image_deregistration_protection(ImageId=made)
    ec2.describe_images(Owners=["self", "amazon"], MaxResults=1)
    ec2.describe_images(ImageIds=[made, copied], Filters=[{"Name": "tag:made-by", "Values": ["tour"]}])
    ec2.disable_image_deregistration_protection(ImageId=made)
    ec2.disable_image_deprecation(ImageId=made)
    ec2.disable_image(ImageId=made)
    ec2.describe_images(Owners=["self"], IncludeDisabled=True, Filters=[{"Name": "state", "Values": ["disabled"]}])
    ec2.enable_image(ImageId=made)
    ec2.run_instances(ImageId=made, InstanceType="t3a.medium", MinCount=1, MaxCount=1)
    ec2.describe_image_attribute(ImageId=made, Attribute="lastLaunchedTime")
    ec2.describe_image_references(ImageIds=[made], IncludeAllResourceTypes=True)
    [snapshot] = ec2.describe_snapshots(
        OwnerIds=["self"], Filters=[{"Name": "description", "Values": [f"*for {made}"]}]
    )["Snapshots"]
    ec2.deregister_image(ImageId=copied, DeleteAssociatedSnapshots=True)
    ec2.deregister_image(ImageId=made)
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot["SnapshotId"]}}
    root = {"RootDeviceName": "/dev/xvda", "BlockDeviceMappings": [mapping], "Architecture": "x86_64"}
    registered = ec2.register_image(Name="tour-registered", VirtualizationType="hvm", **root)["ImageId"]
    ec2.deregister_image(ImageId=registered)
    until("deleted", lambda: deleted(ec2, snapshot["SnapshotId"]))
    assert made in [it["ImageId"] for it in ec2.list_images_in_recycle_bin()["Images"]]
    ec2.list_snapshots_in_recycle_bin()
    ec2.restore_image_from_recycle_bin(ImageId=made)
    ec2.restore_snapshot_from_recycle_bin(SnapshotId=snapshot["SnapshotId"])


def deleted(ec2, snapshot):
    """Not at once: for a moment the image still holds it."""
    try:
        ec2.delete_snapshot(SnapshotId=snapshot)
    except ec2.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidSnapshot.InUse"
        return False
    return True


def launch_templates(ec2):
    name = {"LaunchTemplateName": "tour"}
    disk = {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}
    data = {"ImageId": "resolve:ssm:/durin/image", "InstanceType": "t3a.medium"}
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}, "BlockDeviceMappings": [disk]}
    ec2.create_launch_template(**name, LaunchTemplateData={**data, **spot}, VersionDescription="first")
    newer = {"InstanceType": "t3a.large"}
    ec2.create_launch_template_version(**name, SourceVersion="1", LaunchTemplateData=newer)
    ec2.modify_launch_template(**name, DefaultVersion="2")
    ec2.describe_launch_template_versions(**name, Versions=["1", "$Latest"], ResolveAlias=True)
    ec2.describe_launch_template_versions(Versions=["$Latest", "$Default"], MaxResults=1)
    ec2.delete_launch_template(**name)


def requests(ec2):
    """As many as the world was told."""
    assert ec2.describe_fleets()["Fleets"]
    assert ec2.describe_spot_fleet_requests()["SpotFleetRequestConfigs"]
    assert ec2.describe_spot_instance_requests()["SpotInstanceRequests"]


def launch_sources(ec2, autoscaling):
    """Groups that launch from something else than a launch template of their own."""
    image = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3a.medium"}
    disk = {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}
    configuration = {"LaunchConfigurationName": "tour"}
    autoscaling.create_launch_configuration(**configuration, **image, BlockDeviceMappings=[disk])
    autoscaling.describe_launch_configurations(LaunchConfigurationNames=["tour"])
    name = {"AutoScalingGroupName": "tour-sources"}
    in_zone = [{"Name": "availability-zone", "Values": ["eu-central-1a"]}]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=in_zone)["Subnets"]]
    size = {"MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": ",".join(subnets)}
    autoscaling.create_auto_scaling_group(**name, **size, **configuration)
    autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["tour-sources"])
    ec2.create_launch_template(LaunchTemplateName="tour-sources", LaunchTemplateData=image)
    specification = {"LaunchTemplateName": "tour-sources", "Version": "$Latest"}
    override = {"InstanceType": "t3.medium", "ImageId": image["ImageId"], "LaunchTemplateSpecification": specification}
    template = {"LaunchTemplateSpecification": specification, "Overrides": [override]}
    policy = {"LaunchTemplate": template, "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0}}
    autoscaling.update_auto_scaling_group(**name, MixedInstancesPolicy=policy)
    autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["tour-sources"])
    template["LaunchTemplateSpecification"] = {"LaunchTemplateName": "tour-sources", "Version": "1"}
    autoscaling.update_auto_scaling_group(**name, MixedInstancesPolicy=policy, VPCZoneIdentifier=subnets[0])
    autoscaling.delete_launch_configuration(**configuration)
    autoscaling.set_desired_capacity(**name, DesiredCapacity=1)
    until("one in service", lambda: members(autoscaling, "tour-sources", "InService"))
    autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["tour-sources"])
    autoscaling.delete_auto_scaling_group(**name, ForceDelete=True)


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
    autoscaling.create_or_update_tags(Tags=[{**group_tag, "Value": "", "PropagateAtLaunch": False}])
    autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": ["tour"]}])
    autoscaling.suspend_processes(**name, ScalingProcesses=["AZRebalance", "ScheduledActions"])
    autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["tour"])
    autoscaling.describe_scaling_process_types()
    autoscaling.resume_processes(**name)
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


def image_reaches(ec2, image, state):
    look = lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == state  # noqa: E731
    until(f"{image} is {state}", look, 60)


def volume_reaches(ec2, volume, state):
    look = lambda: ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == state  # noqa: E731
    until(f"{volume} is {state}", look)
