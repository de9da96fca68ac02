"""moto's server, with what it lacks of CloudFormation that our templates use.

The templates stay as AWS takes them. What else is missing in moto it passes over in silence: alarms, metric filters,
queue and topic policies, invocation settings; and `Rules` of a template are not checked.
"""

import copy
import json
import sys

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_block_store import EBSBackend, Volume
from moto.ec2.models.route_tables import RouteTable
from moto.iam.models import ManagedPolicy, iam_backends
from moto.route53 import models as route53
from moto.server import main
from moto.ssm.models import Document, Parameter

_zone_id = route53.create_route53_zone_id
_create_document = Document.create_from_cloudformation_json
_apply, _delete, _create_volume = ChangeSet.apply, ResourceMap.delete, EBSBackend.create_volume
_create_change_set = CloudFormationBackend.create_change_set
_execute_change_set = CloudFormationBackend.execute_change_set
_volume = Volume.create_from_cloudformation_json
_create_group = FakeAutoScalingGroup.create_from_cloudformation_json
_create_parameter = Parameter.create_from_cloudformation_json


def create_document(resource_name, cloudformation_json, account_id, region_name, **rest):
    """`DocumentFormat` is JSON by default, and what is written as YAML in a template is JSON in the document, which moto has a
    hash of only if it is text. (CloudFormation, AWS::SSM::Document)"""
    properties = {"DocumentFormat": "JSON", **cloudformation_json["Properties"]}
    if not isinstance(properties["Content"], str):
        properties["Content"] = json.dumps(properties["Content"])
    resource = {**cloudformation_json, "Properties": properties}
    return _create_document(resource_name, resource, account_id, region_name, **rest)


def create_parameter(resource_name, cloudformation_json, account_id, region_name, **rest):
    """A parameter's tags are a map. (CloudFormation, AWS::SSM::Parameter)"""
    tags = [{"Key": key, "Value": value} for key, value in cloudformation_json["Properties"]["Tags"].items()]
    resource = {**cloudformation_json, "Properties": {**cloudformation_json["Properties"], "Tags": tags}}
    return _create_parameter(resource_name, resource, account_id, region_name, **rest)


def create_change_set(backend, stack_name, change_set_name, template, parameters, **rest):
    """Without a change, the change set fails and says so; nobody is refused to ask for it. (CreateChangeSet)"""
    made = _create_change_set(backend, stack_name, change_set_name, template, parameters, **rest)
    change_set = backend.change_sets[made[0]]
    declared = change_set.template_dict.get("Parameters", {}).items()
    # What is not said has its default, and so is the same if that is said.
    defaults = {name: str(it["Default"]) for name, it in declared if "Default" in it}
    there, wanted = (
        defaults | {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in said.items()}
        for said in (change_set.stack.stack_parameters, parameters)
    )
    same = wanted == there
    if rest["change_set_type"] == "UPDATE" and same and change_set.stack.template == template:
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.status_reason = "The submitted information didn't contain changes."
    return made


def execute_change_set(backend, change_set_name, stack_name=None):
    """A first creation that fails is rolled back: nothing is left of it but the stack. (CloudFormation, stack status)"""
    try:
        _execute_change_set(backend, change_set_name, stack_name)
    except Exception as problem:
        stack = backend.change_sets[change_set_name].stack
        stack._add_stack_event("CREATE_FAILED", resource_status_reason=str(problem))
        stack.status = "ROLLBACK_COMPLETE"


def create_group(resource_name, cloudformation_json, account_id, region_name, **rest):
    """`AWS::NoValue` takes an element out of a list (CloudFormation, Pseudo parameters), and a group has the Capacity
    Rebalancing and the hooks of its template."""
    properties = cloudformation_json["Properties"]
    properties["Tags"] = [tag for tag in properties["Tags"] if tag]
    group = _create_group(resource_name, cloudformation_json, account_id, region_name, **rest)
    group.capacity_rebalance = properties["CapacityRebalance"] == "true"
    for hook in properties["LifecycleHookSpecificationList"]:
        autoscaling_backends[account_id][region_name].create_lifecycle_hook(
            hook["LifecycleHookName"],
            group.name,
            hook["LifecycleTransition"],
            int(hook["HeartbeatTimeout"]),
            hook["DefaultResult"],
        )
    return group


def update_managed_policy(original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    """A policy that is changed keeps its ARN and gets a new version. (CloudFormation, AWS::IAM::ManagedPolicy)"""
    document = json.dumps(cloudformation_json["Properties"]["PolicyDocument"])
    backend = iam_backends[account_id]["aws"]
    for version in [it for it in original_resource.versions if not it.is_default]:
        backend.delete_policy_version(original_resource.arn, version.version_id)
    backend.create_policy_version(original_resource.arn, document, "true")
    return original_resource


def delete_policy(policy, account_id, _region_name):
    """A policy that goes is detached first from the roles that its own template has attached it to."""
    backend = iam_backends[account_id]["aws"]
    for role in [it for it in backend.roles.values() if policy.arn in it.managed_policies]:
        backend.detach_role_policy(policy.arn, role.name)
    backend.delete_policy(policy.arn)


def create_tagged_volume(resource_name, cloudformation_json, account_id, region_name, **rest):
    """A volume has the tags of its template."""
    volume = _volume(resource_name, cloudformation_json, account_id, region_name, **rest)
    volume.add_tags({tag["Key"]: tag["Value"] for tag in cloudformation_json["Properties"]["Tags"]})
    return volume


def delete_route_table(route_table, account_id, region_name):
    """A route table goes with its stack, which its VPC waits for."""
    ec2_backends[account_id][region_name].delete_route_table(route_table.id)


def apply(change_set):
    """A stack has outputs also when it comes from a change set."""
    _apply(change_set)
    stack = change_set.stack
    stack.template, stack.template_dict = change_set.template, change_set.template_dict
    stack.output_map = stack._create_output_map()


def delete(resources):
    """Whatever was created is retained under `RetainExceptOnCreate`. (CloudFormation, DeletionPolicy)"""
    templates = resources._resource_json_map
    resources._resource_json_map = copy.deepcopy(templates)
    for resource in resources._resource_json_map.values():
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Retain"
    _delete(resources)


def create_volume(backend, size, zone_name, snapshot_id=None, **rest):
    """A root volume of which nothing else is said is as large as the image's. (EC2, EbsBlockDevice)"""
    return _create_volume(backend, size or 8, zone_name, snapshot_id, **rest)


# As AWS's ids begin. (Route 53 API Reference, HostedZone)
route53.create_route53_zone_id = lambda *of, **more: "Z" + _zone_id(*of, **more)[1:]
FakeAutoScalingGroup.create_from_cloudformation_json = create_group
Document.create_from_cloudformation_json = create_document
ManagedPolicy.update_from_cloudformation_json = update_managed_policy
ManagedPolicy.delete = delete_policy
CloudFormationResponse._validate_different_update = lambda *_: None
CloudFormationBackend.create_change_set = create_change_set
CloudFormationBackend.execute_change_set = execute_change_set
Parameter.create_from_cloudformation_json = create_parameter
Volume.create_from_cloudformation_json = create_tagged_volume
ChangeSet.apply = apply
RouteTable.delete = delete_route_table
ResourceMap.delete = delete
EBSBackend.create_volume = create_volume

if __name__ == "__main__":
    main(sys.argv[1:])
