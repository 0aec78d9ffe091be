# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that were seen lately."""

from bridge_server.protocol.errors import NotFound
from bridge_server.protocol.messages import CandidateDone, Fetch
from bridge_server.protocol.pixels import Pixels
from plugins.shared.model import Candidate, Job
from plugins.shared.pictures import Pictures
from pluginside import StandInLink

ONE = Pixels(1, 1, "rgba8", bytes(4))
KIND = ("rgba8", "srgb")


def here(pictures, name):
    """Whether a picture comes without asking for it."""
    got = []
    pictures.fetch(name, KIND, got.append, None)
    return got == [ONE]


def test_those_unseen_for_longest_go_first():
    """And are fetched when they are wanted again."""
    link = StandInLink()
    pictures = Pictures(link, lambda: None, limit=8)
    for name in "ab":
        pictures.put(name, ONE)
    assert here(pictures, "a")
    pictures.put("c", ONE)
    assert not here(pictures, "b")
    asked = link.take(Fetch)
    assert asked.request == Fetch("b", format="rgba8", colorspace="srgb")
    asked.answer(CandidateDone(None, ONE))
    assert here(pictures, "b")
    assert link.asked == []


def test_another_depth_is_another_picture():
    """The daemon converts; both are kept."""
    link, deep, got = StandInLink(), Pixels(1, 1, "rgba16", bytes(8), "linear"), []
    pictures = Pictures(link, lambda: None)
    pictures.put("a", ONE)
    pictures.fetch("a", ("rgba16", "linear"), got.append, None)
    asked = link.take(Fetch)
    assert asked.request == Fetch("a", format="rgba16", colorspace="linear")
    asked.answer(CandidateDone(None, deep))
    pictures.fetch("a", ("rgba16", "linear"), got.append, None)
    assert got == [deep, deep]
    assert here(pictures, "a")


def test_a_daemon_that_does_not_convert_is_told_of(tmp_path):
    """Its bytes would be noise in the document."""
    link, failures = StandInLink(), []
    pictures = Pictures(link, lambda: None)
    pictures.fetch("a", ("rgba8", "srgb"), None, failures.append)
    link.take(Fetch).answer(CandidateDone(None, Pixels(1, 1, "rgba16", bytes(8))))
    assert "older than this plugin" in str(failures[0])


def test_a_picture_over_the_limit_is_kept_alone():
    """It is the one that is looked at."""
    pictures = Pictures(StandInLink(), lambda: None, limit=3)
    pictures.put("a", ONE)
    assert here(pictures, "a")
    pictures.put("b", ONE)
    assert here(pictures, "b")
    assert not here(pictures, "a")


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
