# SPDX-License-Identifier: Apache-2.0
"""Requests as they are kept."""

from dataclasses import replace

import msgspec
import pytest

import samples
from bridge_server.protocol.records import Guide, GuideInfo
from bridge_server.sessions.database import StoredPixels
from bridge_server.sessions.requests import asked_in, kept_in, packed, unpacked, without_data
from remembering import pixels


class Shelf(dict):
    """Keeps pictures in memory, by their data."""

    def keep(self, picture):
        """As a database's, without a holder."""
        self[picture.data.hex()] = picture
        return StoredPixels(
            picture.width, picture.height, picture.format, picture.colorspace, picture.data.hex()
        )

    def load(self, kept):
        """As a database's."""
        return self[kept.blob]


def request(verb):
    """One with two guides."""
    guides = [samples.GUIDE, Guide("style", pixels("style"))]
    return replace(samples.REQUESTS[verb], guides=guides)


@pytest.mark.parametrize("verb", ["fill", "expand", "vary", "refine"])
def test_a_request_comes_back_whole(verb):
    """Every picture of it, those of its guides too."""
    shelf, asked = Shelf(), request(verb)
    data = packed(asked, shelf.keep)
    assert unpacked(verb, data, shelf.load) == asked
    assert asked.picture.data not in data
    assert pixels("style").data not in data
    assert [kept.format for kept in kept_in(data)] == (
        ["rgb8", "rgb8", "rgba8"] if verb == "expand" else ["rgb8", "gray8", "rgb8", "rgba8"]
    )


def test_without_data_only_the_shapes_are_left():
    """What a daemon holds of a job that waits."""
    shelf, asked = Shelf(), request("fill")
    bare = unpacked("fill", packed(asked, shelf.keep), without_data)
    assert (bare.picture.data, bare.mask.data) == (b"", b"")
    assert [(guide.kind, guide.picture.width, guide.picture.data) for guide in bare.guides] == [
        ("depth", 2, b""), ("style", 8, b""),
    ]  # fmt: skip


def test_a_list_shows_guides_without_their_pictures():
    """Kind, weight and share of the steps."""
    asked = asked_in(packed(request("fill"), Shelf().keep))
    assert asked.guides == [GuideInfo("depth", 0.75, 0.125, 0.875), GuideInfo("style")]
    assert asked.prompt == "a tree"


def test_a_request_from_before_there_were_guides_has_none():
    """As it was kept then."""
    shelf = Shelf()
    plain = msgspec.msgpack.decode(packed(samples.REQUESTS["fill"], shelf.keep))
    del plain["guides"], plain["live"]
    data = msgspec.msgpack.encode(plain)
    assert unpacked("fill", data, shelf.load) == replace(samples.REQUESTS["fill"], guides=[], live="")
    assert asked_in(data).guides == []
    assert len(list(kept_in(data))) == 2
