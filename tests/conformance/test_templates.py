"""What a user deploys passes the linters that others wrote: cfn-lint for the templates, parliament for the policies."""

import json
import re
import subprocess
import sys
from pathlib import Path

import parliament
import pytest
import yaml

INFRA = Path(__file__).parents[2] / "infra"
TEMPLATES = sorted([*INFRA.glob("*.yaml"), *INFRA.glob("image/builder.yaml")])

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
}


def test_cfn_lint_finds_nothing():
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    lint = [cfn_lint, "--non-zero-exit-code", "informational", "--", *TEMPLATES]
    linted = subprocess.run(lint, capture_output=True, text=True, timeout=300, check=False)
    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_parliament_finds_nothing_that_matters(template):
    written = yaml.safe_load(template.read_text())
    resources = written["Resources"]
    found = [
        f"{template.name}: {name}: {finding}"
        for name, document in policies(resources)
        for finding in findings(resolved(document, resources, lists(written)))
    ]
    assert found == []


def test_parliament_finds_nothing_in_the_sample_policy():
    assert findings(json.loads((INFRA / "keep-tags.json").read_text())) == []


def test_parliament_finds_a_mistake():
    statement = {"Effect": "Allow", "Action": "ec2:AttachVolume", "Resource": "arn:aws:ec2:*:*:instance/*"}
    assert findings({"Version": "2012-10-17", "Statement": [statement]}) != []


def test_the_instances_role_is_for_its_agent_and_nothing_else():
    role = yaml.safe_load((INFRA / "node.yaml").read_text())["Resources"]["InstanceRole"]["Properties"]
    assert "ManagedPolicyArns" not in role
    statements = [it for policy in role["Policies"] for it in policy["PolicyDocument"]["Statement"]]
    actions = {action for it in statements for action in ([it["Action"]] if isinstance(it["Action"], str) else it["Action"])}
    assert {action for action in actions if not action.startswith(("ssmmessages:", "ec2messages:"))} == {
        "ssm:UpdateInstanceInformation"
    }
    assert not any("*" in action for action in actions)


def test_the_instances_role_has_more_only_where_somebody_switches_it_on():
    """Measuring is on by default, and can do nothing but that."""
    template = yaml.safe_load((INFRA / "node.yaml").read_text())
    more = {name: it for name, it in template["Resources"].items() if it["Type"] == "AWS::IAM::ManagedPolicy"}
    on = {name for name, it in more.items() if holds(template, {"Condition": it["Condition"]})}
    assert on == {"MeasurePolicy"}
    assert {"CertificatePolicy", "ServiceNamesPolicy", "EbsCsiPolicy", "ProvisionPolicy"} == more.keys() - on
    (statement,) = more["MeasurePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "cloudwatch:PutMetricData"
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Durin/Node"}}


def test_the_copies_of_a_node_are_the_only_snapshots_that_their_role_deletes():
    resources = yaml.safe_load((INFRA / "node.yaml").read_text())["Resources"]
    role, policy = resources["CopyRole"]["Properties"], resources["CopyPolicy"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "dlm.amazonaws.com"} and set(trust["Condition"]) == {"StringEquals", "ArnLike"}
    statements = [it for document in role["Policies"] for it in document["PolicyDocument"]["Statement"]]
    (delete,) = [it for it in statements if it["Action"] == "ec2:DeleteSnapshot"]
    assert delete["Condition"] == {"StringEquals": {"aws:ResourceTag/durin:backup-of": {"Ref": "NodeName"}}}
    (_, denied) = [it for it in statements if it["Action"] == "ec2:CreateSnapshot"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"StringNotEquals": {"aws:ResourceTag/durin:node": {"Ref": "NodeName"}}}
    (schedule,) = policy["PolicyDetails"]["Schedules"]
    # Or a copy would have the tags of a node's volume.
    assert schedule["CopyTags"] is False
    tags = {tag["Key"]: tag["Value"] for tag in schedule["TagsToAdd"]}
    assert tags["durin:backup-of"] == {"Ref": "NodeName"} and tags["durin:backup-is"] == "crash-consistent"
    assert not {"durin:volume", "durin:node", "durin:image-parameter"} & tags.keys()
    assert policy["PolicyDetails"]["TargetTags"] == [{"Key": "durin:node", "Value": {"Ref": "NodeName"}}]


def test_a_node_is_copied_unless_somebody_switches_that_off():
    template = yaml.safe_load((INFRA / "node.yaml").read_text())
    assert holds(template, {"Condition": template["Resources"]["CopyPolicy"]["Condition"]})
    assert template["Resources"]["CopyPolicy"]["Condition"] == template["Resources"]["CopyRole"]["Condition"]


def test_an_alarm_tells_of_a_day_without_a_copy():
    alarm = yaml.safe_load((INFRA / "node.yaml").read_text())["Resources"]["CopyAlarm"]
    assert alarm["Condition"] == "IsCopied"
    properties = alarm["Properties"]
    counted, filled = properties["Metrics"]
    statistic = counted["MetricStat"]
    assert statistic["Metric"]["Dimensions"] == [{"Name": "DLMPolicyId", "Value": {"Ref": "CopyPolicy"}}]
    assert (filled["Expression"], filled["ReturnData"], counted["ReturnData"]) == (f"FILL({counted['Id']}, 0)", True, False)
    # Each of the last 26 hours; a policy that never ran counts as one that makes none.
    assert statistic["Period"] * properties["EvaluationPeriods"] == 26 * 3600
    assert properties["DatapointsToAlarm"] == properties["EvaluationPeriods"] and properties["TreatMissingData"] == "breaching"
    # More than a day is possible only with periods of an hour and longer, and then up to a week.
    assert statistic["Period"] >= 3600


def test_what_runs_on_the_node_writes_neither_the_nodes_record_nor_its_claim():
    resources = yaml.safe_load((INFRA / "node.yaml").read_text())["Resources"]
    keys = "route53:ChangeResourceRecordSetsRecordTypes", "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    for name, types in [("ServiceNamesPolicy", {"CNAME", "TXT"}), ("CertificatePolicy", {"TXT"})]:
        statements = resources[name]["Properties"]["PolicyDocument"]["Statement"]
        (write,) = [it for it in statements if it["Action"] == "route53:ChangeResourceRecordSets"]
        assert set(write["Condition"]["ForAllValues:StringEquals"][keys[0]]) == types
        assert write["Condition"]["Null"] == {key: "false" for key in keys}
    assert write["Condition"]["ForAllValues:StringLike"] == {keys[1]: ["_acme-challenge.*"]}


def holds(template, condition):
    """Whether a condition holds with the parameters' defaults."""
    match condition:
        case {"Condition": name}:
            return holds(template, template["Conditions"][name])
        case {"Fn::Not": [inner]}:
            return not holds(template, inner)
        case {"Fn::Equals": [{"Ref": name}, value]}:
            return template["Parameters"][name]["Default"] == value
        case other:
            raise AssertionError(f"{other} is not known here")


def findings(document):
    """What parliament finds of more than low severity. Actions younger than its data are of low severity."""
    policy = parliament.analyze_policy_string(json.dumps(document))
    found = map(parliament.enhance_finding, policy.findings)
    return [str(finding) for finding in found if finding.severity not in ("MUTE", "INFO", "LOW")]


def policies(resources):
    """Those of roles. A resource's own policies are not parliament's affair."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            yield name, properties["PolicyDocument"]
        if resource["Type"] == "AWS::IAM::Role":
            for inline in properties.get("Policies", []):
                yield f"{name}/{inline['PolicyName']}", inline["PolicyDocument"]


def lists(written):
    """The defaults of the parameters that are lists."""
    declared = written.get("Parameters", {}).items()
    return {name: it["Default"].split(",") for name, it in declared if it["Type"] == "CommaDelimitedList"}


def resolved(value, resources, lists):
    match value:
        case {"Ref": name} if len(value) == 1 and name in lists:
            return lists[name]
        case {"Ref": name} if len(value) == 1:
            return PSEUDO.get(name, name)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda match: PSEUDO.get(match[1], match[1]), text)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return arn(resources[name])
        case dict():
            return {key: resolved(inner, resources, lists) for key, inner in value.items()}
        case list():
            return [resolved(inner, resources, lists) for inner in value]
        case _:
            return value


def arn(resource):
    properties = resource["Properties"]
    match resource["Type"]:
        case "AWS::Logs::LogGroup":
            return f"arn:aws:logs:eu-central-1:123456789012:log-group:{properties['LogGroupName']}:*"
        case "AWS::SQS::Queue":
            return f"arn:aws:sqs:eu-central-1:123456789012:{properties['QueueName']}"
        case other:
            raise AssertionError(f"the ARN of an {other} is not known here")
