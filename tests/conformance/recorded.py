"""What AWS answered to others: recordings that are not part of this repository, in the folder DURIN_RECORDED.

A recording is compared by shape: each field that AWS sent has to be in some answer of ours to the same operation, as the
same kind of value. The differences and their reasons are in recorded_differences.txt.
"""

import json
import re
from datetime import datetime
from pathlib import Path

import botocore.session

# The responses in snapshots that do not say which operation they answer. Those that are not here are of services or
# operations that nothing here asks for.
SNAPSHOTS = {
    "availability_zones": "ec2.DescribeAvailabilityZones",
    "create-hosted-zone-response": "route53.CreateHostedZone",
    "delete-hosted-zone-response": "route53.DeleteHostedZone",
    "failure-response": "route53.CreateHostedZone",
    "get-parameter-by-arn-response": "ssm.GetParameter",
    "get-parameter-response": "ssm.GetParameter",
    "get-parameters-by-arn-response": "ssm.GetParameters",
    "get-parameters-response": "ssm.GetParameters",
    "get_hosted_zone": "route53.GetHostedZone",
    "no-such-hosted-zone-error": "route53.DeleteHostedZone",
    "put-parameter-response": "ssm.PutParameter",
    "request-missing-size": "ec2.CreateVolume",
    "ssm_parameter": "ssm.GetParameter",
    "ssm_parameter_not_found": "ssm.GetParameter",
}

# Masked ids are not hexadecimal.
PREFIXES = "ami|eni|i|lt|r|sg|sir|snap|subnet|vol|vpc"

KINDS = [
    ("nothing", r""),
    ("number in a text", r"-?\d+(\.\d+)?"),
    ("time in a text", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)"),
    ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("address", r"\d+(\.\d+){3}"),
]


class Recording:
    """An answer, and where it is from."""

    def __init__(self, source, operation, answer):
        self.source = source
        self.operation = operation
        self.answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        self.status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")

    @property
    def error(self):
        return self.answer.get("Error")


def recordings(folder):
    """All of them, of operations whose names are known."""
    for path in sorted(Path(folder).glob("custodian__*.json")):
        operation = re.search(r"__([a-z0-9]+\.[A-Za-z]+)_\d", path.name)[1]
        recorded = json.loads(path.read_text(), object_hook=_time)
        recording = Recording(path.name, operation, recorded["data"])
        recording.status = recorded["status_code"]
        yield recording
    for path in sorted(Path(folder).glob("localstack__*.json")):
        snapshot = json.loads(path.read_text())
        for test in snapshot.values() if isinstance(snapshot, dict) else []:
            for name, answer in test["recorded-content"].items():
                if name in SNAPSHOTS and isinstance(answer, dict):
                    yield Recording(f"{path.name}, {name}", SNAPSHOTS[name], answer)


def _time(value):
    if value.get("__class__") != "datetime":
        return value
    parts = ["year", "month", "day", "hour", "minute", "second", "microsecond"]
    return datetime(*(value[part] for part in parts))


class Seen:
    """The kinds of values that were seen at one place of the answers to an operation."""

    def __init__(self):
        self.kinds = set()
        self.below = {}

    def add(self, value, shape):
        self.kinds.add(kind_of(value))
        for name, inner, inner_shape in _members(value, shape):
            self.below.setdefault(name, Seen()).add(inner, inner_shape)

    def differences(self, value, shape, path=""):
        """Where the value is not as any that was seen, and how."""
        kind = kind_of(value)
        if kind not in self.kinds and kind != "anything":
            yield path, f"{kind}, here {' or '.join(sorted(self.kinds))}"
            return
        for name, inner, inner_shape in _members(value, shape):
            place = f"{path}.{name}" if path and name != "[]" else f"{path}{name}"
            if name in self.below:
                yield from self.below[name].differences(inner, inner_shape, place)
            else:
                yield place, f"{kind_of(inner)}, not sent here"


def _members(value, shape):
    is_map = shape is not None and shape.type_name == "map"
    if isinstance(value, dict):
        inner = getattr(shape, "value", None) if is_map else None
        for name, member in value.items():
            of_member = inner if is_map else getattr(shape, "members", {}).get(name)
            yield "{}" if is_map else name, member, of_member
    elif isinstance(value, list):
        for element in value:
            yield "[]", element, getattr(shape, "member", None)


def kind_of(value):
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, datetime):
        # Whether it has a fraction of a second is chance here; the wire's own tests hold the clock still.
        return "time"
    if isinstance(value, dict):
        return "structure"
    if isinstance(value, list):
        return "list"
    # Snapshots have names in the place of what differs each time.
    if re.search(r"<.*>|^datetime$", value):
        return "anything"
    if of_id := re.fullmatch(rf"({PREFIXES})-[0-9a-z]+", value):
        return f"{of_id[1]}-…"
    return next((kind for kind, pattern in KINDS if re.fullmatch(pattern, value)), "text")


def output_shape(operation):
    service, name = operation.split(".")
    return botocore.session.get_session().get_service_model(service).operation_model(name).output_shape


def pattern_of(message):
    """A message without the ids and names that differ each time."""
    message = re.sub(r"\b[a-z]+-[0-9a-f]{8,17}\b", "ID", message)
    return re.sub(r"'[^']*'|<[^>]*>\w*|(?<=name )\S+|(?<=ID: )\S+", "NAME", message)
