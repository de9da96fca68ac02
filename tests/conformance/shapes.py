"""Answers as they come over the wire, held against botocore's models.

botocore itself is generous: it drops what it does not know and does not miss what is not there. This is not.
"""

import json
import re
from datetime import datetime
from xml.etree import ElementTree

# Required by the model, and not always answered by AWS: only public zones have name servers.
NOT_ALWAYS = {"CreateHostedZone.DelegationSet"}

# Patterns that AWS's own answers do not follow: durations, milliseconds, what is not known yet.
UNPATTERNED = {
    f"GetCommandInvocation.Execution{what}" for what in ["StartDateTime", "ElapsedTime", "EndDateTime"]
}

# Empty in AWS's own answers, whatever lengths, patterns and values the model has for them.
EMPTY = {"CloudWatchLogGroupName", "DocumentVersion", "NotificationType", "OutputS3BucketName", "VPCZoneIdentifier"}


def check_answers_of(client):
    """From now on, each successful answer that this client gets has to be as the model says."""

    def check(operation_model, response_dict, **_):
        if response_dict["status_code"] < 300:
            problems = problems_of(operation_model, response_dict["headers"], response_dict["body"])
            assert not problems, f"{operation_model.name} answers not as modelled: {problems}"

    client.meta.events.register("before-parse", check)


def problems_of(operation_model, headers, body):
    """What is wrong with a successful answer; nothing if it is as modelled."""
    shape = operation_model.output_shape
    protocol = operation_model.service_model.resolved_protocol
    if protocol == "json":
        return _Json().structure(json.loads(body or b"{}"), shape, operation_model.name)
    root = ElementTree.fromstring(body)
    problems = []
    if _local(root) != f"{operation_model.name}Response":
        problems.append(f"the root is {_local(root)}")
    elements = list(root)
    if protocol == "query":
        elements = _without_one(elements, "ResponseMetadata", problems)
        wrapper = f"{operation_model.name}Result" if shape is None else shape.serialization["resultWrapper"]
        inner = [element for element in elements if _local(element) == wrapper]
        if len(inner) != 1 or len(elements) != 1:
            return [*problems, f"there is not exactly {wrapper}"]
        elements = list(inner[0])
    elif protocol == "ec2":
        elements = _without_one(elements, "requestId", problems)
        if shape is None and [(_local(element), element.text) for element in elements] == [
            ("return", "true")
        ]:
            # Not in the model, but in EC2's API Reference for each operation without an answer.
            return problems
    return problems + _Xml(headers).structure(elements, shape, operation_model.name)


class _Xml:
    def __init__(self, headers):
        self.headers = headers

    def structure(self, elements, shape, path):
        problems, rest = [], list(elements)
        for name, member in shape.members.items() if shape else []:
            wire_name = member.serialization.get("name", name)
            if member.serialization.get("location") == "header":
                present = wire_name in self.headers
            else:
                flat = member.type_name == "list" and member.serialization.get("flattened")
                if flat:
                    wire_name = member.member.serialization.get("name", wire_name)
                found = [element for element in rest if _local(element) == wire_name]
                rest = [element for element in rest if _local(element) != wire_name]
                present = bool(found)
                if flat:
                    problems += self.each(found, member, f"{path}.{name}")
                elif len(found) > 1:
                    problems.append(f"{path}.{name} is there {len(found)} times")
                elif present:
                    problems += self.value(found[0], member, f"{path}.{name}")
            if not present and name in shape.required_members and f"{path}.{name}" not in NOT_ALWAYS:
                problems.append(f"{path}.{name} is required and missing")
        return problems + [f"{path}.{_local(element)} is unknown" for element in rest]

    def value(self, element, shape, path):
        if shape.type_name == "structure":
            return self.structure(element, shape, path)
        if shape.type_name == "list":
            item = shape.member.serialization.get("name", "member")
            strangers = [_local(child) for child in element if _local(child) != item]
            return [f"{path} has {name} in it" for name in strangers] + self.each(element, shape, path)
        if len(element):
            return [f"{path} has children"]
        return _scalar(element.text or "", shape, path)

    def each(self, elements, shape, path):
        return [problem for element in elements for problem in self.value(element, shape.member, f"{path}[]")]


class _Json:
    def structure(self, value, shape, path):
        if not isinstance(value, dict):
            return [f"{path} is not an object"]
        members = shape.members if shape else {}
        problems = [f"{path}.{name} is unknown" for name in value if name not in members]
        required = shape.required_members if shape else []
        problems += [f"{path}.{name} is required and missing" for name in required if name not in value]
        for name in value.keys() & members.keys():
            problems += self.value(value[name], members[name], f"{path}.{name}")
        return problems

    def value(self, value, shape, path):
        if shape.type_name == "structure":
            return self.structure(value, shape, path)
        if shape.type_name == "list":
            if not isinstance(value, list):
                return [f"{path} is not a list"]
            return [problem for item in value for problem in self.value(item, shape.member, f"{path}[]")]
        if shape.type_name == "map":
            if not isinstance(value, dict):
                return [f"{path} is not an object"]
            return [
                problem for key in value for problem in self.value(value[key], shape.value, f"{path}.{key}")
            ]
        types = {"boolean": bool, "integer": int, "long": int, "string": str, "timestamp": (int, float)}
        expected = types[shape.type_name]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            return [f"{path} is a {type(value).__name__}, not a {shape.type_name}"]
        # A timestamp is a number here, of which there is nothing more to say.
        return [] if shape.type_name == "timestamp" else _scalar(_as_text(value), shape, path)


def _scalar(text, shape, path):
    if shape.type_name == "boolean":
        return [] if text in ("true", "false") else [f"{path} is no boolean: {text!r}"]
    if shape.type_name == "timestamp":
        # Nothing but ISO 8601 in UTC: no SDK has to guess.
        try:
            datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
        except ValueError:
            return [f"{path} is no time: {text!r}"]
        return []
    if shape.type_name in ("integer", "long"):
        return (
            _bounds(int(text), shape, path)
            if re.fullmatch(r"-?\d+", text)
            else [f"{path} is no number: {text!r}"]
        )
    if shape.type_name != "string":
        return [f"{path} is a {shape.type_name}, which cannot be checked"]
    if shape.name == "ResourceId":
        # Route 53 answers `/hostedzone/Z…`, and its model bounds what stands behind that.
        text = text.rpartition("/")[2]
    if not text and path.rpartition(".")[2] in EMPTY:
        return []
    if shape.enum and text not in shape.enum:
        return [f"{path} is none of the enumeration: {text!r}"]
    return _bounds(len(text), shape, path) + _pattern(text, shape, path)


def _bounds(size, shape, path):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        return [f"{path} is out of bounds: {size} not in {least}..{most}"]
    return []


def _pattern(text, shape, path):
    if path in UNPATTERNED:
        return []
    try:
        fits = re.fullmatch(shape.metadata.get("pattern", r"[\s\S]*"), text)
    except re.error:
        return []  # Java's own, which Python does not read.
    return [] if fits else [f"{path} is not of the pattern: {text!r}"]


def _without_one(elements, name, problems):
    rest = [element for element in elements if _local(element) != name]
    if len(rest) != len(elements) - 1:
        problems.append(f"{name} is there {len(elements) - len(rest)} times")
    return rest


def _as_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _local(element):
    return element.tag.rpartition("}")[2]
