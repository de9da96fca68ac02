"""Requests that the local AWS was not made for are refused, and say so."""

from urllib.request import HTTPError, Request, urlopen

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import CONFIG

# For each service: an operation of it that is not here, one that is, and the code for the former.
SERVICES = [
    ("ec2", "describe_key_pairs", "describe_volumes", "InvalidAction"),
    ("autoscaling", "describe_policies", "describe_tags", "InvalidAction"),
    ("route53", "list_health_checks", "list_hosted_zones", "UnknownOperationException"),
    ("ssm", "describe_maintenance_windows", "describe_parameters", "UnknownOperationException"),
    ("sts", "get_session_token", "get_caller_identity", "InvalidAction"),
]

# Services that are not here, one for each protocol of AWS's, and an operation of each.
ABSENT = [
    ("cloudformation", lambda client: client.describe_stacks()),
    ("lambda", lambda client: client.list_functions()),
    ("logs", lambda client: client.describe_log_groups()),
    ("sqs", lambda client: client.list_queues()),
    ("s3", lambda client: client.list_buckets()),
    ("cloudfront", lambda client: client.list_distributions()),
    ("cloudwatch", lambda client: client.list_dashboards()),
    ("iam", lambda client: client.list_roles()),
]


@pytest.mark.parametrize(("service", "absent", "_present", "code"), SERVICES)
def test_an_operation_that_is_not_here_is_refused_clearly(quiet, service, absent, _present, code):
    with pytest.raises(ClientError, match="[Tt]he local AWS does not have") as refused:
        getattr(quiet.client(service), absent)()
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(("service", "_absent", "present", "_code"), SERVICES)
def test_an_unsigned_request_is_refused(quiet, service, _absent, present, _code):
    anybody = quiet.client(service, Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="Authorization header") as refused:
        getattr(anybody, present)()
    assert refused.value.response["Error"]["Code"] == "MissingAuthenticationToken"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(("service", "call"), ABSENT)
def test_a_service_that_is_not_here_is_refused_in_its_own_protocol(quiet, service, call):
    client = boto3.client(service, endpoint_url=quiet.endpoint, config=CONFIG)
    with pytest.raises(ClientError) as refused:
        call(client)
    error = refused.value.response["Error"]
    signed_for = client.meta.service_model.signing_name
    assert error["Code"] in ("InvalidAction", "NotImplemented", "UnknownOperationException")
    assert error["Message"].startswith(f"The local AWS does not have {signed_for}, and so not "), error
    assert error["Message"].endswith("there are EC2, Auto Scaling, Route 53, Systems Manager (SSM), of EventBridge PutEvents, of KMS DescribeKey, and of STS GetCallerIdentity.")


@pytest.mark.parametrize(("service", "_absent", "present", "_code"), SERVICES)
def test_another_region_is_refused_with_the_one_that_there_is(quiet, service, _absent, present, _code):
    client = boto3.client(service, endpoint_url=quiet.endpoint, region_name="us-west-2", config=CONFIG)
    if service == "route53":
        getattr(client, present)()  # It is in no region.
        return
    with pytest.raises(ClientError, match="not 'us-west-2'. The local AWS has one region: eu-central-1."):
        getattr(client, present)()


def test_a_person_and_a_function_are_told_apart(serve):
    aws = serve(functions=True)
    assert aws.sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/operator"
    function = boto3.client(
        "sts", endpoint_url=aws.endpoint, aws_access_key_id="durin-ami-prune", aws_secret_access_key="any"
    )
    role = "assumed-role/durin-ami-prune-eu-central-1/durin-ami-prune"
    assert function.get_caller_identity()["Arn"] == f"arn:aws:sts::123456789012:{role}"


def test_something_else_entirely_is_refused(quiet):
    for request in [
        Request(quiet.endpoint),
        Request(quiet.endpoint, b"<xml/>"),
        Request(f"{quiet.endpoint}/bucket"),
    ]:
        with pytest.raises(HTTPError) as refused:
            urlopen(request, timeout=10)
        assert refused.value.code == 400
        assert b"The request names no operation of a service that the local AWS has" in refused.value.read()
