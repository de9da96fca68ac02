"""Every script's arguments: help without anything else, and no mistake that is found after something was done."""

import re
import shutil
import subprocess

import pytest

from conftest import INFRA

ROOT = INFRA.parent
RECIPES = [
    ["apply", "home"],
    ["bake"],
    ["build"],
    ["check-node", "home"],
    ["deploy"],
    ["deploy-image"],
    ["deploy-node", "home"],
    ["destroy"],
    ["destroy-node", "home"],
    ["drill", "home"],
    ["feed", "node-resync", "schedule"],
    ["pin", "/durin/image", "why"],
    ["pins"],
    ["prove"],
    ["prune-plan"],
    ["pack", "."],
    ["restore-node", "home"],
    ["rollback", "/durin/image"],
    ["status"],
    ["unpin", "/durin/image"],
    ["watch"],
]
IMAGES = ["pin", "pins", "prune-plan", "rollback", "unpin"]
NODES = ["check-node", "status"]
# What a script could do anything with, or fetch it.
REACHES_OUT = ["aws", "cargo", "rustc", "python3", "curl", "openssl"]


@pytest.fixture
def alone(tmp_path):
    """Runs a recipe where nothing works but a shell's own tools, and what is called besides is written down."""
    called = tmp_path / "called"
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ["bash", "env", "sh", "sed", "dirname", "basename", "cat", "cut", "just"]:
        (tools / name).symlink_to(shutil.which(name))
    for name in REACHES_OUT:
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{called}"\nexit 1\n')
        (tools / name).chmod(0o755)

    def run(*arguments):
        command = [tools / "just", "--justfile", ROOT / "justfile", "--working-directory", ROOT, *arguments]
        environment = {"PATH": str(tools), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)
        assert not called.exists(), f"{arguments} calls {called.read_text()}"
        return ended

    return run


def options(recipe):
    """The options of its help, each once, with the name of its value or nothing."""
    script = INFRA / ("images.sh" if recipe in IMAGES else "nodes.sh" if recipe in NODES else f"{recipe}.sh")
    help_of_it = script.read_text()
    if recipe in IMAGES:
        help_of_it = re.search(rf"^#   just {recipe} .*\n(?:#     .*\n)*", help_of_it, re.MULTILINE).group()
    said = re.findall(r"^# +(--[a-z0-9-]+)(?:, (--[a-z0-9-]+))?(?: ([A-Za-z]+))?  ", help_of_it, re.MULTILINE)
    return {name: value for one, other, value in said for name in (one, other) if name}.items()


def with_options(valued):
    found = [
        pytest.param(recipe, name, id=f"{recipe[0]} {name}")
        for recipe in RECIPES
        for name, value in options(recipe[0])
        if bool(value) == valued
    ]
    assert found
    return found


def assert_not_understood(ended, *named):
    assert ended.returncode == 2, ended
    assert ended.stdout == ""
    assert re.fullmatch(r"error: .+\n", ended.stderr), ended.stderr
    for text in named:
        assert text in ended.stderr


def test_a_recipe_passes_on_what_is_typed_and_adds_nothing_to_what_is_said():
    text = (ROOT / "justfile").read_text()
    assert "{{arguments}}" not in text, "a name with a space would become two"
    recipes = re.findall(r"^(.*)\n([a-z-]+) \*arguments:.*\n((?: +.*\n)+)", text, re.MULTILINE)
    assert len(recipes) == text.count("*arguments")
    for attributes, name, body in recipes:
        assert '"$@"' in body and "no-exit-message" in attributes and "positional-arguments" in attributes, name


def test_every_script_is_tried():
    scripts = {path.stem for path in INFRA.glob("*.sh")} - {"common", "images", "nodes"}
    assert scripts == {recipe[0] for recipe in RECIPES} - set(IMAGES) - set(NODES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0])
def test_help_needs_nothing(alone, recipe):
    for arguments in [[recipe[0], "-h"], [*recipe, "--foo", "--help"]]:
        ended = alone(*arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"just {recipe[0]}" in ended.stdout


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0])
def test_an_unknown_option_is_named(alone, recipe):
    for option in ["--nonsense", "--nonsense=1", "-x"]:
        assert_not_understood(alone(*recipe, option), "there is no option " + option.split("=")[0])


@pytest.mark.parametrize("recipe", [it for it in RECIPES if it[0] not in ["pin", "status"]], ids=lambda recipe: recipe[0])
def test_a_surplus_argument_is_named(alone, recipe):
    assert_not_understood(alone(*recipe, "surplus"), '"surplus"')


@pytest.mark.parametrize("recipe", [it for it in RECIPES if len(it) > 1], ids=lambda recipe: recipe[0])
@pytest.mark.parametrize("name", ["", "home*", "a b'", "é", "x" * 2000])
def test_what_is_no_name_is_refused(alone, recipe, name):
    assert_not_understood(alone(recipe[0], name, *recipe[2:]))


@pytest.mark.parametrize("recipe", [it for it in RECIPES if len(it) > 1], ids=lambda recipe: recipe[0])
def test_a_missing_name_is_asked_for(alone, recipe):
    assert_not_understood(alone(recipe[0]), "is missing, and has to be")


@pytest.mark.parametrize(("recipe", "option"), with_options(True))
@pytest.mark.parametrize("value", [None, "--yes", "*", "08", "9" * 20])
def test_a_wrong_value_is_named(alone, recipe, option, value):
    if option == "--image-parameter" and value not in [None, "--yes", "*"]:
        pytest.skip("it is a name")
    ended = alone(*recipe, option, *([] if value is None else [value]))
    assert_not_understood(ended, option, "has to be")


@pytest.mark.parametrize(("recipe", "option"), with_options(False))
def test_a_flag_takes_no_value_and_counts_once(alone, recipe, option):
    assert_not_understood(alone(*recipe, f"{option}=true"), f"{option} takes no value")
    assert_not_understood(alone(*recipe, option, option), f"{option} is there twice")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["build", "--arm64", "--x86-64"], "exclude each other"),
        (["deploy", "--arm64", "--x86-64"], "exclude each other"),
        (["deploy", "--binaries", "/"], 'where there is no durin-ami-prune'),
        (["drill", "a.b"], "--by termination"),
        (["deploy-node", "home", "--volume", "vol-1", "--image", "ami-0123…"], "vol-"),
        (["feed", "nope", "schedule"], "one of ami-prune, ami-publish, node-lifecycle, "),
        (["feed", "durin-", "schedule"], "one of ami-prune, ami-publish, node-lifecycle, "),
        (["feed", "node-resync", "nope"], "one of ami-available, bake-finished, "),
        (["feed", "node-resync"], "EVENT is missing"),
        (["prove", "--read", "--full"], "exclude each other"),
        (["prove", "--local", "--clean"], "exclude each other"),
        (["restore-node", "home"], "--snapshot is missing"),
        (["restore-node", "home", "--snapshot", "snap-1"], "snap-"),
        (["pin", "/durin/image"], "WHY is missing"),
        (["pin", "/durin/image", "!"], "some words"),
        (["pin", "durin/image", "why"], "a / before each part"),
        (["rollback", "durin/image"], "a / before each part"),
        (["deploy-node", "home", "--image-parameter", "durin/image"], "a / before each part"),
    ],
)
def test_what_does_not_go_together_is_told(alone, arguments, named):
    assert_not_understood(alone(*arguments), named)


def test_what_is_asked_for_and_not_done_is_not_a_misunderstanding(account):
    """1 is "no", and 2 is "not understood"."""
    process = account.start("deploy-node.sh", "home", "--image", "ami-03cf127a")
    assert "first just deploy" in process.communicate(timeout=60)[0]
    assert process.returncode == 1
