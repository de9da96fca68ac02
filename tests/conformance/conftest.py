"""Every test gets a local AWS of its own: `aws = serve(...)`.

By hand: `DURIN=target/debug/durin DURIN_OPERATOR=target/debug/durin-operator python -m pytest tests/conformance`, with requirements.txt installed.
"""

import contextlib
import os

import pytest

from local_aws import LocalAws, serving
from only_loopback import forget_the_callers_aws

forget_the_callers_aws(os.environ)


@pytest.fixture
def serve():
    """Starts `durin serve` with the given options; what was started is stopped after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(serving(**options))


@pytest.fixture
def quiet(serve) -> LocalAws:
    """One node, time at its usual pace, nothing reacts: for what must not change while it is looked at."""
    return serve(functions=False)


@pytest.fixture
def quick(serve) -> LocalAws:
    """One node, fifty seconds in one, and nothing that reacts: for what is done by hand."""
    return serve(functions=False, speed=50)
