"""Answers are as AWS's own models have them: nothing unknown, nothing missing, every value of its type."""

import json
import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import botocore.session
import pytest

import shapes
import tour
from only_loopback import REGION

# The services, and how many operations the local AWS has of each at least.
SERVICES = {"ec2": 8, "autoscaling": 8, "route53": 8, "ssm": 8, "events": 1, "kms": 1, "sts": 1}


TEMPLATE = {"template_name": "k3s", "version": "$Latest"}
SPECIFICATION = {
    "image_id": "ami-0123456789abcdef0",
    "block_devices": [["/dev/sdb", "snap-0123456789abcdef0"]],
}
REQUESTS = {
    "fleets": [
        {"id": "fleet-1", "state": "active", "configs": [{**TEMPLATE, "override_images": ["ami-0123456789abcdef0"]}]}
    ],
    "spot_fleets": [
        {"id": "sfr-1", "state": "active", "configs": [TEMPLATE], "specifications": [SPECIFICATION]}
    ],
    "spot_instances": [{"id": "sir-1", "state": "open", "specification": SPECIFICATION}],
}
WORLD = {
    "seed": 1,
    "nodes": [{}],
    "account": {"recycle_bin_retention_s": 7 * 24 * 3600, "requests": REQUESTS},
}


def test_every_operation_answers_as_modelled(serve, tmp_path):
    world = tmp_path / "world.json"
    world.write_text(json.dumps(WORLD))
    aws = serve(functions=False, speed=100, world=world)
    called = {service: set() for service in SERVICES}
    for service in SERVICES:
        note = lambda model, service=service, **_: called[service].add(model.name)  # noqa: E731
        aws.client(service).meta.events.register("after-call", note)
    tour.walk(aws)
    forgotten = {service: served_operations(aws, service) - called[service] for service in SERVICES}
    assert forgotten == {service: set() for service in SERVICES}
    assert {service: len(names) for service, names in called.items() if len(names) < SERVICES[service]} == {}


def served_operations(aws, service):
    """Asks for each operation that AWS has. What is not refused as unknown is served."""
    model = botocore.session.get_session().get_service_model(service)
    connection = HTTPConnection(urlsplit(aws.endpoint).netloc, timeout=20)
    return {
        name for name in model.operation_names if is_served(connection, model, model.operation_model(name))
    }


def is_served(connection, model, operation):
    # Without what it needs, so that nothing happens; for paths that need an id, one of nobody.
    path = re.sub(r"\{[^}]*\}", "NOBODY", operation.http["requestUri"])
    scope = f"operator/20260105/{REGION}/{model.signing_name}/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    body = b""
    if model.protocol == "json":
        headers["X-Amz-Target"] = f"{model.metadata['targetPrefix']}.{operation.name}"
        body = b'{"Unknown": 1}'
    elif model.protocol in ("ec2", "query"):
        body = f"Action={operation.name}&Version={model.api_version}&Unknown=1".encode()
    connection.request(operation.http["method"], path, body, headers)
    answer = connection.getresponse().read()
    return b"InvalidAction" not in answer and b"UnknownOperationException" not in answer


GOOD = """<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><volumeSet>
<item><size>8</size><status>in-use</status><createTime>2026-01-05T06:00:00.000Z</createTime>
<encrypted>true</encrypted></item></volumeSet></DescribeVolumesResponse>"""


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("8", "eight", "no number"),
        ("in-use", "used", "none of the enumeration"),
        ("2026-01-05T06:00:00.000Z", "1767592800", "no time"),
        ("true", "1", "no boolean"),
        ("size>", "colour>", "unknown"),
        ("<item>", "<item><size>9</size>", "there 2 times"),
        ("item>", "member>", "has member in it"),
        ("<requestId>1</requestId>", "", "requestId is there 0 times"),
        ("DescribeVolumesResponse", "DescribeVolumesResult", "the root is"),
    ],
)
def test_a_wrong_answer_is_noticed(good, bad, problem):
    """Or the checks above would be worth nothing."""
    operation = botocore.session.get_session().get_service_model("ec2").operation_model("DescribeVolumes")
    assert shapes.problems_of(operation, {}, GOOD.encode()) == []
    assert problem in str(shapes.problems_of(operation, {}, GOOD.replace(good, bad).encode()))


def test_a_wrong_answer_is_noticed_in_json():
    operation = botocore.session.get_session().get_service_model("ssm").operation_model("PutParameter")
    assert shapes.problems_of(operation, {}, b'{"Version": 1, "Tier": "Standard"}') == []
    for body in [b'{"Version": "1"}', b'{"Version": true}', b'{"Tier": "Gold"}', b'{"Colour": "red"}', b"[]"]:
        assert shapes.problems_of(operation, {}, body), body


def test_what_is_required_is_missed():
    operation = botocore.session.get_session().get_service_model("route53").operation_model("GetChange")
    body = b"<GetChangeResponse><ChangeInfo><Id>C1</Id></ChangeInfo></GetChangeResponse>"
    assert "Status is required and missing" in str(shapes.problems_of(operation, {}, body))
