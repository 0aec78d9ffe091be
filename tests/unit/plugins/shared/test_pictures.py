# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that were seen lately."""

from bridge_server.protocol.errors import NotFound
from bridge_server.protocol.messages import CandidateDone, Fetch
from bridge_server.protocol.pixels import Pixels
from plugins.shared.model import Candidate, Job
from plugins.shared.pictures import Pictures
from pluginside import StandInLink

ONE = Pixels(1, 1, "rgba8", bytes(4))


def test_those_unseen_for_longest_go_first():
    """And are fetched when they are wanted again."""
    link = StandInLink()
    pictures = Pictures(link, lambda: None, limit=8)
    got = []
    for name in "ab":
        pictures.put(name, ONE)
    assert pictures.get("a") == ONE
    pictures.put("c", ONE)
    assert pictures.get("b") is None
    pictures.fetch("b", got.append, None)
    assert got == []
    asked = link.take(Fetch)
    assert asked.request == Fetch("b")
    asked.answer(CandidateDone(None, ONE))
    pictures.fetch("b", got.append, None)
    assert (got, link.asked) == ([ONE, ONE], [])


def test_a_picture_over_the_limit_is_kept_alone():
    """It is the one that is looked at."""
    pictures = Pictures(StandInLink(), lambda: None, limit=3)
    pictures.put("a", ONE)
    assert pictures.get("a") == ONE
    pictures.put("b", ONE)
    assert (pictures.get("a"), pictures.get("b")) == (None, ONE)


def test_a_thumbnail_is_asked_for_once():
    """Again only after it was refused."""
    link, changes = StandInLink(), []
    pictures = Pictures(link, lambda: changes.append(1))
    job = Job("j", "fill", "done", 1)
    candidate = Candidate(type("Info", (), {"candidate": "c"})(), job)
    job.candidates.append(candidate)
    for _ in range(2):
        pictures.fetch_thumbnails(job)
    asked = link.take(Fetch)
    assert (asked.request, link.asked) == (Fetch("c", thumbnail=True), [])
    asked.fail(NotFound("Its pictures were removed."))
    pictures.fetch_thumbnails(job)
    link.take(Fetch).answer(CandidateDone(None, ONE))
    assert (candidate.thumbnail, changes) == (ONE, [1])
