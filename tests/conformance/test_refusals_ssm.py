"""What Parameter Store refuses."""

import pytest

from refusals import refused

NAME = "/durin/images/k3s"


@pytest.fixture
def ssm(quiet):
    return quiet.ssm


def test_what_does_not_exist_is_not_found_without_a_message(ssm):
    with refused("ParameterNotFound", ""):
        ssm.get_parameter(Name="/nobody")
    with refused("ParameterNotFound", ""):
        ssm.delete_parameter(Name="/nobody")
    with refused("ParameterVersionNotFound"):
        ssm.get_parameter(Name=f"{NAME}:99")
    assert ssm.get_parameters(Names=["/nobody", NAME])["InvalidParameters"] == ["/nobody"]


def test_a_parameter_is_overwritten_only_on_request(ssm):
    text = (
        "The parameter already exists. "
        "To overwrite this value, set the overwrite option in the request to true."
    )
    with refused("ParameterAlreadyExists", text):
        ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Type="String")
    assert ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name=f"{NAME}:2")["Parameter"]["Value"] == "ami-0123456789abcdef0"


def test_tags_and_overwrite_do_not_go_together(ssm):
    with refused("ValidationException"):
        ssm.put_parameter(Name=NAME, Value="1", Overwrite=True, Tags=[{"Key": "a", "Value": "b"}])


def test_a_type_is_needed_once_and_cannot_be_changed(ssm):
    with refused("ValidationException"):
        ssm.put_parameter(Name="/new", Value="1")
    with refused("HierarchyTypeMismatchException"):
        ssm.put_parameter(Name=NAME, Value="1", Type="StringList", Overwrite=True)


@pytest.mark.parametrize("name", ["aws-mine", "/ssm/mine", "no/slash/first", "/a" * 16])
def test_some_names_are_not_allowed(ssm, name):
    with refused("ValidationException"):
        ssm.put_parameter(Name=name, Value="1", Type="String")
