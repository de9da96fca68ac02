"""Requests that the local AWS was not made for are refused, and say so."""

from urllib.request import HTTPError, Request, urlopen

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

# For each service: an operation of it that is not here, one that is, and the code for the former.
SERVICES = [
    ("ec2", "describe_key_pairs", "describe_volumes", "InvalidAction"),
    ("autoscaling", "describe_policies", "describe_tags", "InvalidAction"),
    ("route53", "list_health_checks", "list_hosted_zones", "UnknownOperationException"),
    ("ssm", "describe_maintenance_windows", "describe_parameters", "UnknownOperationException"),
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
