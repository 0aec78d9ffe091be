# SPDX-License-Identifier: Apache-2.0
"""The kinds of values that can be typed."""

import argparse
import time
from datetime import datetime

import pytest

from bridge_server.cli.parsing import axis, byte_count, moment, moment_end, pin


@pytest.fixture
def _in_tokyo(monkeypatch):
    """A clock nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("1", 1),
        ("500MB", 500_000_000),
        ("20gb", 20_000_000_000),
        ("1.5 GB", 1_500_000_000),
        ("2 tb", 2 * 10**12),
        ("12kB", 12_000),
        ("7B", 7),
    ],
)
def test_a_size_is_read_as_people_write_it(text, count):
    """With or without a unit, a fraction, a space, in any case."""
    assert byte_count(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 GiB", "1,5GB", "1e3", "nan", "9" * 400, "1GB "[::-1]])
def test_what_is_no_size_is_named(text):
    """Also what Python would take for a number, and what no disk holds."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no size|too large"):
        byte_count(text)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows knows no TZ")
@pytest.mark.usefixtures("_in_tokyo")
def test_a_date_is_a_day_of_this_machines_clock():
    """--since a day begins with it, --until the same day ends with it."""
    day = datetime.fromisoformat("2026-11-21T00:00+09:00").timestamp()
    assert moment("2026-11-21") == day
    assert moment_end("2026-11-21") == pytest.approx(day + 86_400, abs=0.01)
    assert moment_end("2026-11-21") < day + 86_400


def test_a_time_is_taken_as_it_is():
    """An hour has no end of its own, and a zone is heeded."""
    assert moment_end("2026-11-21T14:30") == moment("2026-11-21T14:30")
    assert moment("2026-11-21T14:30+00:00") == 1_795_271_400.0


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "21.11.2026"])
def test_what_is_no_date_is_named(text):
    """With a date as it should be."""
    with pytest.raises(argparse.ArgumentTypeError, match="2026-11-21"):
        moment(text)


def test_a_pin_is_an_axis_and_a_value():
    """From less to more, and both of it known."""
    assert pin("warmth=-0.5") == ("warmth", -0.5)
    with pytest.raises(argparse.ArgumentTypeError, match="not AXIS=VALUE"):
        pin("warmth")
    with pytest.raises(argparse.ArgumentTypeError, match="not from -1 to 1"):
        pin("warmth=2")
    with pytest.raises(argparse.ArgumentTypeError, match="is none of lightness, warmth"):
        axis("beauty")
