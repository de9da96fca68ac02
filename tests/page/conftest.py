"""A world that is served, and a Chromium that looks at it.

By hand: `DURIN=target/debug/durin python -m pytest tests/page`; DURIN_UPDATE=1 takes the documents' screenshots anew.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "conformance"), str(HERE)]

import chromium  # noqa: E402
from local_aws import serving  # noqa: E402
from only_loopback import forget_the_callers_aws  # noqa: E402

forget_the_callers_aws(os.environ)


def pytest_sessionstart():
    if chromium.find() is None:
        # Past pytest, whose output is only read when something fails.
        os.write(sys.__stderr__.fileno(), b"NOT RUN: the page in a browser, because there is no Chromium\n")


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory):
    program = chromium.find()
    if program is None:
        pytest.skip("there is no Chromium")
    with chromium.running(program, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def world(tmp_path, request):
    """A world whose time runs as fast as is asked for, and begins when a screenshot may show."""
    file = tmp_path / "world.json"
    file.write_text('{"seed": 1, "start": "2026-01-05T06:00:00Z", "nodes": [{}]}')
    with serving(speed=getattr(request, "param", 20), world=file) as aws:
        yield aws.endpoint


@pytest.fixture
def page(_chromium, world):
    """The world's page, in a window like a laptop's. Nothing may be left to complain about at the end."""
    _chromium.complaints.clear()
    _chromium.show(1180, 960)
    _chromium.open(world)
    _chromium.until("location.origin !== 'null' && document.querySelectorAll('.instance').length === 1")
    yield _chromium
    # What it has not yet said comes before this answer.
    _chromium.evaluate("1")
    complaints = list(_chromium.complaints)
    _chromium.open("about:blank")
    assert complaints == []
