use super::*;

const NODE: &str = r#"
Parameters:
  NodeName: {Type: String}
  HostedZoneId: {Type: String, Default: ""}
  CapacityRebalance: {Type: String, Default: "true"}
  Spare: {Type: String}
Conditions:
  CreateZone: {"Fn::Equals": [{Ref: HostedZoneId}, ""]}
  Named: {"Fn::And": [{"Fn::Not": [{Condition: CreateZone}]}, {"Fn::Equals": [a, a]}]}
Resources:
  Zone: {Type: "AWS::Route53::HostedZone", Condition: CreateZone, Properties: {Name: durin.internal}}
  Data:
    Type: AWS::EC2::Volume
    Properties:
      AvailabilityZone: eu-central-1a
      Size: "20"
      Tags: [{Key: Name, Value: {"Fn::Sub": "${NodeName} data"}}]
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {ImageId: ami-0123456789abcdef0, InstanceType: t3.medium, MetadataOptions: {InstanceMetadataTags: enabled}}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      AutoScalingGroupName: {Ref: NodeName}
      MinSize: "0"
      MaxSize: 1
      HealthCheckGracePeriod: 30
      InstanceMaintenancePolicy: {MinHealthyPercentage: 100, MaxHealthyPercentage: 200}
      CapacityRebalance: {Ref: CapacityRebalance}
      MixedInstancesPolicy:
        InstancesDistribution: {OnDemandPercentageAboveBaseCapacity: 0}
        LaunchTemplate:
          LaunchTemplateSpecification:
            LaunchTemplateId: {Ref: Template}
            Version: {"Fn::GetAtt": [Template, LatestVersionNumber]}
      LifecycleHookSpecificationList:
        - {LifecycleHookName: h, LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING", HeartbeatTimeout: 60, DefaultResult: ABANDON}
      Tags:
        - {Key: volume, Value: {Ref: Data}, PropagateAtLaunch: true}
        - {Key: zone, Value: {"Fn::If": [CreateZone, {Ref: Zone}, {Ref: HostedZoneId}]}, PropagateAtLaunch: "false"}
        - {"Fn::If": [Named, {Ref: "AWS::NoValue"}, {Key: new, Value: zone, PropagateAtLaunch: false}]}
"#;

fn deployed(zone: &str) -> NodeStack {
    let template = NodeTemplate::parse("node.yaml", NODE).expect("a good template");
    let given = [("NodeName", "k3s"), ("HostedZoneId", zone)];
    let given = given.map(|(name, value)| (name.to_owned(), Value::from(value)));
    let mut stack = template.stack(&given.into()).expect("a stack");
    stack.created("AWS::EC2::Volume", "vol-1");
    stack.created("AWS::EC2::LaunchTemplate", "lt-1");
    stack.created("AWS::Route53::HostedZone", "Z2");
    stack
}

#[test]
fn a_node_is_read_with_all_that_it_has() {
    let stack = deployed("Z1");
    let volume = stack.volume().expect("readable").expect("a volume");
    assert_eq!((volume.size_gib, volume.tags["Name"].as_str()), (20, "k3s data"));
    let launch = stack.launch_template().expect("readable");
    assert_eq!((launch.instance_type.as_deref(), launch.spot), (Some("t3.medium"), true));
    assert_eq!(launch.tags_in_metadata, Some(true));
    let group = stack.group().expect("readable");
    assert_eq!((group.min_size, group.max_size, group.desired_capacity), (0, 1, None));
    assert_eq!((group.health_check_grace_period_s, group.capacity_rebalance), (30, true));
    assert!(group.maintenance_policy.expect("a policy").launches_first());
    assert_eq!(group.launch_template_id.as_deref(), Some("lt-1"));
    assert_eq!(group.launch_template_version.as_deref(), Some("$Latest"));
    assert_eq!(group.hooks[0].heartbeat_timeout_s, Some(60));
    let tags: Vec<_> = group.tags.iter().map(|tag| (tag.value.as_str(), tag.propagate_at_launch)).collect();
    assert_eq!(tags, [("vol-1", true), ("Z1", false)]);
}

#[test]
fn what_is_created_only_if_need_be_is_referred_to() {
    let tags = deployed("").group().expect("readable").tags;
    assert_eq!(tags.iter().map(|tag| tag.value.as_str()).collect::<Vec<_>>(), ["vol-1", "Z2", "zone"]);
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    for (from, to, place) in [
        ("{Ref: Data}", "{Ref: Spare}", "node.yaml: Group: the parameter Spare has no value"),
        ("{Ref: Data}", "{Ref: Date}", "Group: there is no parameter or resource Date"),
        ("{Ref: Data}", "!Ref Data", "long forms"),
        ("[CreateZone, {Ref: Zone}", "[CreateZones, {Ref: Zone}", "there is no condition CreateZones"),
        ("Ref: CapacityRebalance", "Ref: NodeName", "CapacityRebalance is true or false"),
        ("Size: \"20\"", "Sise: \"20\"", "Data: the local AWS does not know the property Sise"),
        ("\"Fn::Sub\"", "\"Fn::Split\"", "Data: the local AWS does not know Fn::Split"),
        ("MinHealthyPercentage: 100", "MinHealthyPercentage: 99", "Group: ValidationError"),
        ("MinHealthyPercentage: 100, ", "", "InstanceMaintenancePolicy needs"),
        ("MinHealthyPercentage:", "MinHealthyPercent:", "does not know the property MinHealthyPercent"),
        ("DefaultResult: ABANDON", "DefaultResult: ABADON", "Group: a lifecycle hook"),
        ("HeartbeatTimeout: 60", "Heartbeat: 60", "Group: a lifecycle hook"),
        ("AWS::EC2::LaunchTemplate", "AWS::EC2::LaunchTemplates", "Template: the local AWS does not know the type"),
        ("Tags: enabled", "Tags: true", "Template: InstanceMetadataTags is enabled or disabled, not true"),
        ("Resources:", "Resource:", "property Resource"),
    ] {
        let broken = NODE.replacen(from, to, 1);
        assert_ne!(broken, NODE);
        let error = NodeTemplate::parse("node.yaml", &broken).expect_err(to).to_string();
        assert!(error.contains(place), "{error}");
    }
}
