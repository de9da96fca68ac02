"""The templates, as CloudFormation's own schemas have them."""

import subprocess
import sys
from pathlib import Path

from conftest import INFRA


def test_cfn_lint_has_nothing_to_say():
    lint = [Path(sys.executable).with_name("cfn-lint"), *sorted(INFRA.glob("*.yaml"))]
    said = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
