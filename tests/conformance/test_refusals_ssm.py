"""What Parameter Store refuses."""

import pytest

from refusals import refused
from waiting import until

NAME = "/durin/image"


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


def test_a_parameter_is_overwritten_only_on_request(quick):
    ssm = quick.ssm
    text = (
        "The parameter already exists. "
        "To overwrite this value, set the overwrite option in the request to true."
    )
    with refused("ParameterAlreadyExists", text):
        ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Type="String")
    assert ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Overwrite=True)["Version"] == 2
    look = lambda: ssm.get_parameter(Name=NAME)["Parameter"]["Value"]  # noqa: E731
    until("validated", lambda: look() == "ami-0123456789abcdef0")
    assert ssm.get_parameter(Name=f"{NAME}:2")["Parameter"]["Value"] == "ami-0123456789abcdef0"


def test_the_image_of_a_parameter_is_validated_after_the_answer(quick):
    """Until then, and if it is not valid, the parameter stays as it was."""
    before = quick.ssm.get_parameter(Name=NAME)["Parameter"]["Value"]
    assert quick.ssm.put_parameter(Name=NAME, Value="ami-00000000000000000", Overwrite=True)["Version"] == 2
    with refused("TooManyUpdates"):
        quick.ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Overwrite=True)
    until("refused", lambda: overwritten(quick.ssm) == 2)
    assert quick.ssm.get_parameter(Name=f"{NAME}:1")["Parameter"]["Value"] == before


def overwritten(ssm):
    """The version that there was room for at last."""
    try:
        return ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Overwrite=True)["Version"]
    except ssm.exceptions.TooManyUpdates:
        return None


def test_labels_select_versions(ssm):
    ssm.put_parameter(Name="/labelled", Value="1", Type="String")
    ssm.put_parameter(Name="/labelled", Value="2", Overwrite=True)
    assert "InvalidLabels" not in ssm.label_parameter_version(Name="/labelled", Labels=["live"])
    assert ssm.get_parameter(Name="/labelled:live")["Parameter"]["Value"] == "2"
    ssm.label_parameter_version(Name="/labelled", ParameterVersion=1, Labels=["live"])
    assert ssm.get_parameter(Name="/labelled:live")["Parameter"]["Value"] == "1"
    assert [it["Labels"] for it in ssm.get_parameter_history(Name="/labelled")["Parameters"]] == [["live"], []]
    gone = ssm.unlabel_parameter_version(Name="/labelled", ParameterVersion=1, Labels=["live", "dead"])
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["live"], ["dead"])
    with refused("ParameterVersionNotFound"):
        ssm.get_parameter(Name="/labelled:live")


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
