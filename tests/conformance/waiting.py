"""Waiting, never for longer than said."""

import time


def until(what, look, within_s=30.0, every_s=0.05):
    """Looks until there is something to see, and returns it."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}; last seen: {seen!r}"
        time.sleep(every_s)
