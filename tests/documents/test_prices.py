"""The prices that the documents add up and compare."""

import re

import pytest

from commands import ROOT


def rows(document):
    """What each row costs a month, at least and at most, in dollars."""
    table = re.findall(r"^\| (.+?) +\| +\**([0-9.]+)(?: to ([0-9.]+))?\** +\|$", (ROOT / document).read_text(), re.MULTILINE)
    return {name: (float(low), float(high or low)) for name, low, high in table}


@pytest.mark.parametrize("document", ["README.md", "DEPLOY.md"])
def test_the_sums_are_sums_and_half_is_half(document):
    found = rows(document)
    names = list(found)
    (first,) = [name for name in names if "t3a.medium on spot" in name]
    (in_all,) = [name for name in names if "in all" in name]
    (on_demand,) = [name for name in names if "on demand" in name and "the same" in name]
    costs = [found[name] for name in names[names.index(first) : names.index(in_all)]]
    total = [sum(bound) for bound in zip(*costs)]
    assert [round(bound) for bound in total] == list(found[in_all])

    bounds = [float(it) for it in re.search(r"the ([0-9]+) to ([0-9]+) that it costs on demand", first).groups()]
    dearer = [bound - spot + instead for bound, spot, instead in zip(total, found[first], bounds)]
    assert [round(bound) for bound in dearer] == list(found[on_demand])
    for spot, instead in zip(found[first], bounds):
        assert 0.25 < spot / instead < 0.4, "a third"
    for spot, instead in zip(total, dearer):
        assert 0.42 < spot / instead < 0.55, "half"


def test_readmes_first_sentence_compares_with_on_demand():
    assert "half the price of an on-demand one" in (ROOT / "README.md").read_text().splitlines()[2]
