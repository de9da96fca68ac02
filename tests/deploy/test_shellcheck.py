"""What shellcheck says about the scripts."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import INFRA

ROOT = INFRA.parent


def test_shellcheck_finds_nothing():
    scripts = [*INFRA.glob("*.sh"), *INFRA.glob("image/*.sh"), INFRA / "node" / "build.sh", ROOT / ".ci" / "run"]
    command = [Path(sys.executable).parent / "shellcheck", "--external-sources", "--check-sourced", *scripts]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_part_of_the_scripts_is_checked():
    """shellcheck reads what a script names, and so nothing that no script does."""
    parts = {path.name for path in (INFRA / "common").iterdir()}
    assert {Path(name).name for name in re.findall(r"source=(common/\S+)", (INFRA / "common.sh").read_text())} == parts
