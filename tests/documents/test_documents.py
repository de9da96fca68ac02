"""Every command line of the documents is run, or stands in needs_aws.txt.

A new `just`, `cargo` or `durin` command is run by the rules below; a new `aws` command may need something in the account
of conftest.py.
"""

import re
import shutil
from pathlib import Path

import pytest

from commands import DOCUMENTS, ROOT, commands, every_command
from conftest import run

LISTED = Path(__file__).parent / "needs_aws.txt"
# It may only get shorter.
MOST_LISTED = 5
INFRA = ["apply", "bake", "build", "check-node", "deploy", "deploy-image", "deploy-node", "destroy", "destroy-node", "drill", "feed", "pin", "pins", "prune-plan", "restore-node", "rollback", "status", "unpin", "watch"]
PLACEHOLDERS = {"ami-0123…": "ami-0123456789abcdef0", "ami-…": "ami-0123456789abcdef0", "snap-…": "snap-0123456789abcdef0", "vol-…": "vol-0123456789abcdef0", "Z…": "Z0123456789"}
COMMANDS = every_command()
NEEDS_AWS = [line for line in LISTED.read_text().splitlines() if not line.startswith("#")]


def of(*programs):
    names = [it for it in COMMANDS if it not in NEEDS_AWS and re.sub(r"^([A-Z_]+=\S+ )*", "", it).split()[0] in programs]
    return pytest.mark.parametrize("command", names)


def filled(command, placeholders):
    for placeholder, value in placeholders.items():
        command = command.replace(placeholder, value)
    assert "…" not in command, f"{command}: what is the placeholder?"
    return command


def succeeded(command, within_s=60, **environment):
    ended = run(command, within_s, **environment)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def test_every_document_has_commands():
    assert [name for name in DOCUMENTS if not commands((ROOT / name).read_text())] == []
    assert {"README.md", "DEPLOY.md", "docs/node.md", "harness/README.md"} < set(DOCUMENTS)


def test_the_list_of_what_is_not_run_only_gets_shorter():
    assert len(NEEDS_AWS) <= MOST_LISTED, "run it, in moto, in the served world, or with --help"
    assert len(NEEDS_AWS) == MOST_LISTED, "lower MOST_LISTED"
    assert sorted(NEEDS_AWS) == NEEDS_AWS
    assert [it for it in NEEDS_AWS if it not in COMMANDS] == [], "no document has these any more"


def test_every_command_has_a_rule():
    programs = {re.sub(r"^([A-Z_]+=\S+ )*", "", it).split()[0] for it in COMMANDS if it not in NEEDS_AWS}
    assert programs <= {"just", "cargo", "durin", "aws"}


@pytest.fixture
def without_aws(tmp_path):
    """An AWS CLI that refuses everything, and nothing to build or to fetch with: as far as a script gets before it asks."""
    for name in ["aws", "cargo", "python3"]:
        (tmp_path / name).write_text("#!/bin/sh\necho refused >&2\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    return {"PATH": f"{tmp_path}:{Path(shutil.which('just')).parent}:/usr/bin:/bin", "AWS_REGION": "eu-central-1"}


@pytest.fixture
def files_of_the_reader(tmp_path):
    """By the names that the documents give them."""
    world = tmp_path / "my-world.json"
    world.write_text(re.search(r"^```json\n(.*?)^```$", (ROOT / "harness/README.md").read_text(), re.MULTILINE | re.DOTALL)[1])
    return {world.name: str(world)}


@of("just")
def test_a_just_command(command, without_aws, files_of_the_reader):
    words = re.sub(r"^([A-Z_]+=\S+ )*", "", filled(command, PLACEHOLDERS | files_of_the_reader)).split()
    if len(words) == 1:
        assert "deploy-node" in succeeded("just --list")
    elif words[1] in INFRA and (len(words) > 2 or words[1] in ["build", "deploy", "destroy", "pins", "prune-plan", "status", "watch"]):
        # Understood, and then refused by an AWS that is not there.
        ended = run(" ".join(words), **without_aws)
        assert ended.returncode == (3 if words[1] in ["check-node", "status"] else 1), f"{command}\n{ended.stdout}{ended.stderr}"
    elif words[1] in INFRA:
        assert f"just {words[1]}" in succeeded(f"{command} --help", **without_aws)
    elif words[1] == "invoke" and len(words) > 2:
        # The functions wait by the machine's clock, for over a minute.
        succeeded(command, within_s=300)
    else:
        # Too long, or without an end: that the recipe is there and takes these arguments, and the same of what it runs.
        shown = run(f"just --dry-run {' '.join(words[1:])}")
        if "but takes" in shown.stderr and len(words) == 2:
            # A sentence only names it.
            shown = run(f"just --show {words[1]}")
        assert shown.returncode == 0, f"{command}\n{shown.stderr}"
        for runs in re.findall(r"^cargo (?:durin|demo|run .*--bin durin --).*$", shown.stderr, re.MULTILINE):
            of_durin(re.sub("^cargo run .* -- ", "durin ", runs).replace('"$@"', " ".join(words[2:])))


def of_durin(command):
    """That the subcommand is there and understands the arguments; a demo plays."""
    words = command.split()
    words = words[words.index("demo" if "demo" in words else "durin") :]
    if words[0] == "demo":
        return succeeded(f"$DURIN {' '.join(words)} | tail -n 1")
    return succeeded(f"$DURIN {' '.join(words[1:])} --help")


@of("durin")
def test_a_durin_command(command):
    of_durin(filled(command, PLACEHOLDERS))


@of("cargo")
def test_a_cargo_command(command):
    words = re.sub(r"^([A-Z_]+=\S+ )*", "", command).split()
    if words[1] in ["demo", "durin"]:
        of_durin(command)
    elif words[1] == "test" and len(words) > 2:
        # Which tests it would run: this is one of them.
        listed = f"{command} --list" if " -- " in command else f"{command} -- --list"
        assert ": test" in succeeded(listed, within_s=120)
    elif words[1] == "test":
        assert "cargo test" in (ROOT / ".ci" / "run").read_text(), "CI runs it"
    elif words[1] == "fmt":
        succeeded("cargo fmt --check")
    elif words[1] == "lambda":
        succeeded(f"{' '.join(words[:3])} --help")
    else:
        succeeded(f"cargo {words[1]} --help")


@of("aws")
def test_an_aws_command(command, account, world):
    # moto has no instance refresh, and the local AWS only the services that Durin calls.
    endpoint = world if "aws autoscaling" in command else account.endpoint
    command = filled(command, PLACEHOLDERS | account.ids)
    if command.startswith("aws ssm start-session"):
        # Neither has sessions: that the instance is found, and that the CLI takes the rest.
        found = run(f"set -e; echo {command.partition(' --target ')[2]}", AWS_ENDPOINT_URL=endpoint)
        assert re.fullmatch(r"i-[0-9a-f]{17}\n", found.stdout), found
        command += " --generate-cli-skeleton output"
    ended = run(command, AWS_ENDPOINT_URL=endpoint, AWS_PAGER="")
    if ended.returncode != 0 and "arguments are required" in ended.stderr:
        # The document only names it.
        ended = run(f"{command} help", AWS_PAGER="", PAGER="cat")
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```sh\njust a b   # c\n\n# just d\n```\n", ["just a b"]),
        ("```sh\n#!/bin/sh\ncurl x\n```\n", []),
        ("```hcl\n  inline = [\"aws events x '\\\"{}\\\"'\"]\n```\n", ["aws events x '\"{}\"'"]),
        ("Say `just pin\nx`, or `justice`, and `cargo` alone.\n", ["just pin x", "cargo"]),
        ("```\njust a table\n```\n", []),
        ("```sh\nA=1 cargo test \\\n  --b\n```\n", ["A=1 cargo test --b"]),
    ],
)
def test_commands_are_found(text, found):
    assert commands(text) == found
