"""The tables that say what the code has: they have all of it, and nothing else."""

import re

from commands import ROOT


def column(document, heading):
    """The names in the first column of the first table after a heading, each in its own row or several in one."""
    section = (ROOT / document).read_text().split(f"{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_error_that_a_function_ends_with_is_explained():
    written = re.findall(r'=> "(Durin\.[A-Za-z]+)"', (ROOT / "shared/src/failure.rs").read_text())
    assert len(written) > 10
    assert sorted(column("docs/trouble.md", "## Errors")) == sorted(written)


def test_every_alarm_is_explained():
    written = []
    for template in sorted((ROOT / "infra").glob("*.yaml")):
        written += re.findall(r"^ +AlarmName:(?:\n +Fn::Sub:)? \"?([^\s\"]+)", template.read_text(), re.MULTILINE)
    assert len(written) > 10
    explained = column("docs/trouble.md", "## Alarms")
    assert sorted(explained) == sorted(it.replace("${NodeName}", "NAME") for it in written)


def test_every_function_is_in_the_table_of_what_runs_when():
    folders = [it.parent.name for it in (ROOT / "functions").glob("*/Cargo.toml")]
    assert sorted(column("docs/functions.md", "how many API calls it makes")) == sorted(f"durin-{it}" for it in folders)


def test_every_setting_of_the_prune_is_there_with_its_default():
    written = re.findall(r'^(DURIN_[A-Z_]+) = "(.*)"$', (ROOT / "functions/ami-prune/Cargo.toml").read_text(), re.MULTILINE)
    assert len(written) == 4
    assert re.findall(r"^\| `(DURIN_[A-Z_]+)` \| (.*?) \|", (ROOT / "docs/images.md").read_text(), re.MULTILINE) == written
