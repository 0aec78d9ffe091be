# SPDX-License-Identifier: Apache-2.0
"""The real host programs, for ``make test-hosts``; ``make test`` passes this folder by."""

import contextlib
import os
from pathlib import Path

import pytest

from hosts.cocreate import cocreate
from hosts.room import NoHosts, Room, RoomError, provision
from hosts.screen import Screen

HERE = Path(__file__).parent
SUITE = os.environ.get("SUITE") or "trixie"
ARTEFACTS = HERE / "artefacts" / SUITE


def pytest_ignore_collect(collection_path, config):
    """Only who names this folder, or a file in it, runs it."""
    named = [Path(config.invocation_params.dir, arg.split("::")[0]).resolve() for arg in config.args]
    return None if any(path == HERE or HERE in path.parents for path in named) else True


@pytest.fixture(scope="session")
def root():
    """The root of the suite; skips where there can't be one, unless HOSTS_REQUIRED is set."""
    try:
        return provision(SUITE)
    except NoHosts as why:
        if os.environ.get("HOSTS_REQUIRED"):
            pytest.fail(str(why))
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def room(root, request):
    """A room for the module's tests."""
    with Room(root, keep=ARTEFACTS / "logs" / request.module.__name__.rpartition(".")[2]) as room:
        yield room


@pytest.fixture(scope="module")
def screen(room):
    """Its display."""
    return Screen(room, ARTEFACTS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep what the screen showed when a test failed."""
    report = yield
    screen = getattr(item, "funcargs", {}).get("screen")
    if report.failed and report.when == "call" and screen:
        with contextlib.suppress(RoomError):
            screen.shot(f"failed-{item.name}")
    return report


@pytest.fixture(scope="module")
def cocreating(room, screen, tmp_path_factory):
    """One Krita with the plugin, and one daemon, for the module."""
    with cocreate(room, screen, tmp_path_factory.mktemp("plugin")) as it:
        yield it


@pytest.fixture
def it(cocreating):
    """The same, with no document, no job and nothing shown."""
    yield cocreating
    assert cocreating.krita.script_errors() == []
    cocreating.forget()
