"""Browser tests run where the browser is installed. Elsewhere they are skipped with the way to
get it, or fail where WHY403_BROWSERS=required says that it must be there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from hypothesis import settings

from diagnostics.live import browsers

# How long an example takes says more about the machine than about the code. Where a change is
# checked the same examples are tried each time; who works on it gets new ones with every run.
settings.register_profile("why403", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("why403")


# A job in the background, or under nohup, ignores these, and so would every program that a test
# starts and ends with them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("browser"):
        name = mark.args[0]
        if browsers.find(name) is None:
            says = browsers.how_to_get(name)
            if os.environ.get("WHY403_BROWSERS") == "required":
                pytest.fail(f"{name} is required and not installed: {says}")
            pytest.skip(f"{name} is not installed: {says}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a whole output with its file in the folder `golden` beside the test;
    `WHY403_GOLDEN=write` writes the files anew."""

    def check(name: str, text: str) -> None:
        path = request.path.with_name("golden") / name
        if os.environ.get("WHY403_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
        assert text == path.read_bytes().decode(), f"WHY403_GOLDEN=write pytest rewrites {name}"

    return check
