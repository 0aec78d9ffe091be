# SPDX-License-Identifier: Apache-2.0
"""Daemons for the end-to-end tests."""

import pytest

from daemons import Daemon


@pytest.fixture
def start(tmp_path):
    """Starts daemons that are ended with the test."""
    started = []

    def _start(*arguments, name="data", **options):
        daemon = Daemon(tmp_path / name, *arguments, **options)
        started.append(daemon)
        return daemon

    yield _start
    for daemon in started:
        if daemon.process.poll() is None:
            daemon.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One scripted daemon for the tests of a module that leave it as it was."""
    daemon = Daemon(tmp_path_factory.mktemp("shared") / "data")
    yield daemon
    assert daemon.process.poll() is None, "a test brought the shared daemon down"
    daemon.kill()
