"""The one place where a test may wait: until a condition holds, never for a length of time."""

import time


def until(condition, what, seconds=15.0):
    """Answers with the first true value of ``condition()``; fails with ``what`` when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.01)
