# SPDX-License-Identifier: Apache-2.0
"""What a request must satisfy beyond its types."""

from dataclasses import replace

import pytest

from bridge_server.protocol.checks import check_job
from bridge_server.protocol.errors import BadRequest, TooLarge
from bridge_server.protocol.messages import MAX_COUNT, Expand, Fill, Vary
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Placement

PICTURE = Pixels(2, 2, "rgb8", bytes(12))
MASK = Pixels(2, 2, "gray8", b"\x00\x00\x00\x01")
REGION = Placement(0, 0, 2, 2)
FILL = Fill(PICTURE, MASK, REGION)
EXPAND = Expand(PICTURE, REGION, left=1)
WIDE = Placement(0, 0, 3, 2)


@pytest.mark.parametrize(
    "request_",
    [
        FILL,
        EXPAND,
        Vary(PICTURE, MASK, REGION, amount=0.0),
        replace(FILL, count=MAX_COUNT, seed=2**63 - 1 - MAX_COUNT, strength=0.0, priority=10, job="aZ0_-"),
        replace(FILL, region=Placement(-(2**31), 2**31, 2, 2), if_gone="cancel", prompt="x" * 20_000),
    ],
)
def test_what_is_in_range_passes(request_):
    """The ends of every range are allowed."""
    check_job(request_, max_pixels=6)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (replace(FILL, picture=replace(PICTURE, data=b"")), "params.picture.data has 0 bytes"),
        (replace(FILL, region=WIDE), "params.region is 3 x 2, params.picture is 2 x 2."),
        (replace(FILL, region=replace(REGION, x=2**31 + 1)), "params.region.x is 2147483649."),
        (replace(FILL, region=replace(REGION, y=-(2**31) - 1)), "params.region.y is -2147483649."),
        (replace(FILL, mask=replace(MASK, width=1)), "params.mask.data has 4 bytes; 1 x 2 gray8 needs 2."),
        (replace(FILL, mask=replace(MASK, width=1, data=b"11")), "params.mask is 1 x 2, params.picture is 2"),
        (replace(FILL, mask=PICTURE), "params.mask.format is 'rgb8'. A mask is gray8."),
        (
            replace(FILL, mask=replace(MASK, data=bytes(4))),
            "Nothing is selected: params.mask is 0 everywhere.",
        ),
        (replace(FILL, count=0), "params.count is 0. Use 1 to 16."),
        (replace(FILL, count=17), "params.count is 17."),
        (replace(FILL, strength=1.01), "params.strength is 1.01. Use 0.0 to 1.0."),
        (replace(FILL, strength=float("nan")), "params.strength is nan."),
        (replace(FILL, priority=11), "params.priority is 11."),
        (replace(FILL, seed=-1), "params.seed is -1."),
        (replace(FILL, seed=2**63 - MAX_COUNT), "params.seed is "),
        (Vary(PICTURE, MASK, REGION, amount=-0.1), "params.amount is -0.1."),
        (replace(FILL, prompt="x" * 20_001), "params.prompt (its length) is 20001."),
        (replace(FILL, negative_prompt="x" * 20_001), "params.negative_prompt (its length) is 20001."),
        (replace(FILL, if_gone="stay"), "params.if_gone is 'stay'. Use 'finish' or 'cancel'."),
        (replace(FILL, job="a b"), "params.job is 'a b'."),
        (replace(FILL, job="x" * 65), "params.job is 'xxx"),
        (replace(FILL, job="abc\n"), "params.job is 'abc\\n'."),
        (replace(EXPAND, left=0), "An expand grows no side."),
        (replace(EXPAND, top=-1), "params.top is -1."),
        (replace(EXPAND, bottom=2**31 + 1), "params.bottom is 2147483649."),
        (replace(EXPAND, region=WIDE), "params.region is 3 x 2"),
    ],
)
def test_each_bad_field_is_named(request_, message):
    """The message begins with the field and what came; nothing else is complained about."""
    with pytest.raises(BadRequest) as caught:
        check_job(request_, max_pixels=6)
    assert str(caught.value).startswith(message)
    assert caught.value.hint


def test_a_claim_of_gigabytes_is_refused_by_its_size_alone():
    """The limit is looked at before the data's length."""
    with pytest.raises(TooLarge, match=r"claims 30000 x 30000 pixels; the limit is 6\."):
        check_job(replace(FILL, picture=Pixels(30_000, 30_000, "rgba8", b"")), max_pixels=6)


def test_growing_beyond_the_limit_is_refused():
    """A small picture can't be blown up to one that no daemon would accept."""
    with pytest.raises(TooLarge, match=r"The grown region would be 5 x 2 pixels; the limit is 6\."):
        check_job(replace(EXPAND, left=3), max_pixels=6)
