# SPDX-License-Identifier: Apache-2.0
"""The clerk: each errand, what is wrong with errands, and its process."""

import subprocess
import sys

import numpy as np
import pytest

from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.errands import (
    Choose,
    Chosen,
    Convert,
    Converted,
    Differ,
    Differs,
    Learn,
    Learned,
    Overlay,
    Reckon,
)
from bridge_server.protocol.errors import BadRequest, TooLarge, Unsupported
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement
from bridge_server.protocol.work import CancelTask, Ready, TaskEnded
from bridge_server.workers.clerk import answer
from bridge_server.workers.frames import HEADER, decode, encode
from remembering import PROJECT, World
from tasting import NAMES, described, lessons_of, pool, taste_for

COMMAND = [sys.executable, "-m", "bridge_server.workers.clerk"]
LESSONS = lessons_of(taste_for((0, 2.0)), 40)
DRAFTS = [described(row) for row in pool(np.random.default_rng(0), 8)]


def flat(width, height, *pixel, layout="rgba8", colorspace="srgb"):
    """A payload of one colour."""
    return Pixels(width, height, layout, bytes(pixel) * (width * height), colorspace)


def differ(**other):
    """An errand on two small patches at one place."""
    fields = {
        "first": flat(2, 2, 0, 0, 0, 255), "first_at": Placement(5, 5, 2, 2),
        "second": flat(2, 2, 255, 255, 255, layout="rgb8"), "second_at": Placement(5, 5, 2, 2),
    }  # fmt: skip
    return Differ("d", **(fields | other))


def choose(**other):
    """An errand on eight drafts."""
    fields = {
        "drafts": DRAFTS, "count": 3, "seed": 1, "lessons": LESSONS, "pins": {}, "exploration": 0.0,
    }  # fmt: skip
    return Choose("c", **(fields | other))


def test_learning_gives_axes_words_and_pictures():
    """All from the same taste."""
    learned = answer(Learn("l", LESSONS, {NAMES[1]: 1.0}))
    assert isinstance(learned, Learned)
    assert {axis.name: axis.pinned for axis in learned.axes[:2]} == {NAMES[0]: None, NAMES[1]: 1.0}
    assert AXES[0].more in learned.summary
    assert f"{AXES[1].more} (pinned)" in learned.summary
    assert len(learned.liked) == 6
    assert all(offer in LESSONS[lesson].liked for lesson, offer in learned.liked)
    assert learned.disliked == []


def test_choosing_goes_by_lessons_pins_and_what_to_stay_away_from():
    """The best draft first, and why each is offered."""
    chosen = answer(choose())
    values = [draft[NAMES[0]] for draft in DRAFTS]
    assert chosen == Chosen("c", chosen.indices, ["near"] * 3)
    assert chosen.indices[0] == int(np.argmax(values))
    assert answer(choose(lessons=[], pins={NAMES[0]: -1.0})).indices[0] == int(np.argmin(values))
    assert answer(choose(exploration=1.0)).offered == ["surprise"] * 3
    assert 2 not in answer(choose(lessons=[], unlike=DRAFTS[2])).indices


def test_patches_differ_in_numbers_and_words():
    """Black and white over the same place, whatever their formats."""
    words = {"first_descriptor": {NAMES[0]: 0.0}, "second_descriptor": {NAMES[0]: 9 * AXES[0].scale}}
    assert answer(differ(**words)) == Differs("d", 1.0, 1.0, pytest.approx(100, abs=0.01), [AXES[0].more])
    assert answer(differ()).words == []


def test_an_overlay_has_its_place_its_mask_and_the_pictures_colorspace():
    """A patch that reaches one column out to the left."""
    picture = flat(2, 1, 9, 9, 9, layout="rgb8", colorspace="linear")
    patch = flat(1, 1, 7, 7, 7, 255, colorspace="linear")
    laid = answer(Overlay("o", picture, Placement(4, 0, 2, 1), patch, Placement(3, 0, 1, 1)))
    assert laid.picture == Pixels(3, 1, "rgba8", bytes([7, 7, 7, 255] + [9, 9, 9, 255] * 2), "linear")
    assert (laid.region, laid.mask) == (Placement(3, 0, 3, 1), Pixels(3, 1, "gray8", bytes([255, 0, 0])))


def test_pixels_are_converted_to_what_is_asked_and_empty_stays_as_it_is():
    """The answer says what it is in."""
    pixels = flat(2, 1, 255, 188, 0, 51)
    deep = b"".join(value.to_bytes(2, "little") for value in (65535, 48316, 0, 13107)) * 2
    assert answer(Convert("v", pixels, "rgba16", "")) == Converted("v", Pixels(2, 1, "rgba16", deep))
    light = flat(2, 1, 255, 128, 0, 51, colorspace="linear")
    assert answer(Convert("v", pixels, "", "linear")).pixels == light
    assert answer(Convert("v", light, "rgba8", "srgb")).pixels == pixels
    opaque = answer(Convert("v", flat(1, 1, 9, layout="gray8"), "rgba8", "")).pixels
    assert opaque == flat(1, 1, 9, 9, 9, 255)
    without = answer(Convert("v", flat(1, 1, 255, 188, 0, layout="rgb8"), "", "linear")).pixels
    assert without == flat(1, 1, 255, 128, 0, layout="rgb8", colorspace="linear")


def test_a_report_has_the_measures_and_who_made_what_is_seen(tmp_path):
    """A share of the thumbnail's alpha is that share of the place; the canvas is twice as wide."""
    world = World(tmp_path)
    world.job("a", 2, region=Placement(0, 0, 2, 1))
    world.accept("a-c0", canvas=Placement(0, 0, 4, 1))
    small = world.store.candidate("a-c0", thumbnail=True).pixels
    report = answer(Reckon("r", str(tmp_path), PROJECT)).report
    assert (report.whole.jobs, report.whole.offered, report.whole.accepted.count) == (1, 2, 1)
    (share,) = report.shares
    assert (share.document, share.area, share.canvas_known) == ("", 4, True)
    assert share.machine == pytest.approx(sum(small.data[3::4]) / 255 / 4)
    assert (share.both, share.machine + share.artist) == (0, pytest.approx(1))


@pytest.mark.parametrize(
    ("errand", "words"),
    [
        (differ(first=Pixels(2, 2, "rgba8", b"short")), "first.data has 5 bytes"),
        (differ(second=Pixels(2, 2, "cmyk", b"")), "second.format is 'cmyk'"),
        (differ(second_at=Placement(0, 0, 3, 2)), "second has 2 x 2 pixels but its place 3 x 2"),
        (Convert("v", flat(1, 1, 9, 9, 9, layout="rgb8"), "rgb8", ""), "params.format is 'rgb8'"),
        (Convert("v", Pixels(2, 2, "rgba8", b"short"), "rgba16", ""), "pixels.data has 5 bytes"),
        (choose(count=0), "count is 0"),
        (choose(exploration=float("nan")), "exploration is nan"),
    ],
)
def test_what_does_not_fit_together_is_said_in_words(errand, words):
    """Not as a traceback."""
    with pytest.raises(BadRequest, match=words):
        answer(errand)


def test_a_patch_far_from_its_picture_is_refused():
    """The rectangle around both would fill the memory."""
    errand = Overlay(
        "o", flat(1, 1, 0, 0, 0, 255), Placement(0, 0, 1, 1), flat(1, 1, 0, 0, 0, 255),
        Placement(10**6, 10**6, 1, 1),
    )  # fmt: skip
    with pytest.raises(TooLarge, match="far apart"):
        answer(errand)


def test_anything_else_is_no_errand():
    """Such as an answer."""
    with pytest.raises(Unsupported, match="TaskEnded"):
        answer(TaskEnded("t"))


def test_the_process_answers_each_errand_ends_it_and_goes_with_its_stdin():
    """Ready first; after a bad and a cancelled errand it goes on with the next."""
    said = []
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        for message in (
            Learn("a", LESSONS, {}), differ(first=Pixels(2, 2, "rgba8", b"")), CancelTask("l"),
            Learn("l", [], {}), choose(),
        ):  # fmt: skip
            child.stdin.write(encode(message))
        child.stdin.flush()
        while sum(isinstance(message, TaskEnded) for message in said) < 4:
            (length,) = HEADER.unpack(child.stdout.read(HEADER.size))
            said.append(decode(child.stdout.read(length)))
        child.stdin.close()
        assert child.wait(20) == 0
    assert said[0] == Ready([])
    ends = {m.task: m.error_code for m in said if isinstance(m, TaskEnded)}
    assert ends == {"a": "", "d": "bad_request", "l": "cancelled", "c": ""}
    assert [type(m) for m in said[1:]] == [Learned, TaskEnded, TaskEnded, TaskEnded, Chosen, TaskEnded]
