"""The prices that the documents add up and compare."""

import re

from commands import ROOT


def rows():
    """What each row costs a month, at least and at most, in dollars."""
    table = re.findall(r"^\| (.+?) +\| +\**([0-9.]+)(?: to ([0-9.]+))?\** +\|$", (ROOT / "DEPLOY.md").read_text(), re.MULTILINE)
    return {name: (float(low), float(high or low)) for name, low, high in table}


def sums(found):
    """The rows of the spot instance, of a node in all, and of one on demand, by name."""
    (first,) = [name for name in found if "t3a.medium on spot" in name]
    (in_all,) = [name for name in found if "in all" in name]
    (on_demand,) = [name for name in found if "on demand" in name and "the same" in name]
    return first, in_all, on_demand


def test_the_sums_are_sums_and_half_is_half():
    found = rows()
    names = list(found)
    first, in_all, on_demand = sums(found)
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


def test_readme_compares_with_on_demand_by_these_sums():
    readme = (ROOT / "README.md").read_text()
    assert "half the price of an on-demand one" in readme.splitlines()[2]
    found = rows()
    _, in_all, on_demand = sums(found)
    for name in [in_all, on_demand]:
        low, high = found[name]
        assert f"[{low:.0f} to {high:.0f} dollars" in readme
