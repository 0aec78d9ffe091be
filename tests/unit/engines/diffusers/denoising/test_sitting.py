# SPDX-License-Identifier: Apache-2.0
"""Briefs that came together, and memory that runs out."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.engines.base import Made
from bridge_server.protocol.errors import BadRequest, Cancelled, EngineFailed
from bridge_server.protocol.records import Steering

from ..conftest import ALL, PICTURE, SIDE, Ear, brief, furthest, guide, same

torch = pytest.importorskip("torch", reason="the engine needs torch: pip install bridge-server[diffusers]")
pytest.importorskip("diffusers", reason="the engine needs diffusers: pip install bridge-server[diffusers]")

OTHER = {"prompt": "a red castle", "picture": PICTURE[::-1].copy(), "seeds": (2,)}


@pytest.fixture(params=["sd15", "sdxl", "flux-dev"])
def bench(request, models):
    """The bench with each family in turn."""
    return models.bench(request.param)


def test_briefs_that_fit_are_made_in_one_batch(bench):
    """As many forwards as for one, and each the picture that it is alone, but for one level of 255."""
    alone, before = bench.one(**OTHER), len(bench.heard)
    assert bench.plain
    usual = len(bench.heard) - before or bench.steps()
    before = len(bench.heard)
    ears = Ear(), Ear()
    told = bench.together((brief(), ears[0]), (brief(**OTHER), ears[1]))
    assert len(bench.heard) - before == usual
    assert [number for number, _ in told] == [0, 1]
    assert furthest(told[0][1], bench.plain) <= 1
    assert furthest(told[1][1], alone) <= 1
    assert all(ear.done[-1] == (0, 1.0) for ear in ears)


def test_each_keeps_its_own_guidance(bench):
    """Guidance may differ in a batch."""
    alone = bench.one(parameters={"guidance": 3.0})
    usual, before = bench.steps(), len(bench.heard)
    told = bench.together((brief(), Ear()), (brief(parameters={"guidance": 3.0}), Ear()))
    assert len(bench.heard) - before == usual
    assert furthest(told[0][1], bench.plain) <= 1
    assert furthest(told[1][1], alone) <= 1


def test_one_is_cancelled_and_the_others_go_on(bench):
    """It is told at once, before the others' candidates; they are the pictures that they are alone."""
    alone = bench.one(**OTHER)
    when = []
    gone = Ear(bench, {2: Cancelled("no")})
    told = []

    def deliver(number, what):
        told.append((number, what))
        when.append(len(bench.heard))

    before = len(bench.heard)
    bench.engine.generate_together([brief(), brief(**OTHER)], [gone, Ear()], deliver)
    assert [number for number, _ in told] == [0, 1]
    assert isinstance(told[0][1], Cancelled)
    assert when[0] - before == 2
    assert furthest(told[1][1], alone) <= 1


def test_one_is_taken_early_and_the_others_go_on(bench):
    """It is delivered at once; the other is the picture that it is alone."""
    alone = bench.one(**OTHER)
    when = []
    told = []

    def deliver(number, what):
        told.append((number, what))
        when.append(len(bench.heard))

    before = len(bench.heard)
    early = Ear(bench, {2: Steering(finish=True)})
    bench.engine.generate_together([brief(**OTHER), brief()], [Ear(), early], deliver)
    assert [number for number, _ in told] == [1, 0]
    assert when[0] - before == 2
    assert told[0][1].recipe["finished_early"] is True
    assert "finished_early" not in told[1][1].recipe
    assert furthest(told[1][1], alone) <= 1


def test_one_is_steered_and_the_others_are_not(bench):
    """New words of one are not heard by the other."""
    steered = {2: Steering(prompt="snow and trees")}
    alone, beside = bench.one(Ear(bench, steered)), bench.one(**OTHER)
    told = bench.together((brief(), Ear(bench, steered)), (brief(**OTHER), Ear()))
    assert furthest(told[0][1], alone) <= 1
    assert furthest(told[1][1], beside) <= 1


def test_one_begins_anew_and_the_others_go_on(bench):
    """Another strength for one does not hold up the other."""
    asked = {"verb": "refine", "strength": 0.9}
    alone = bench.one(verb="refine", strength=0.4), bench.one(**{**OTHER, **asked})
    told = dict(
        bench.together(
            (brief(**asked), Ear(bench, {2: Steering(strength=0.4)})), (brief(**{**OTHER, **asked}), Ear())
        )
    )
    assert furthest(told[0], alone[0]) <= 1
    assert furthest(told[1], alone[1]) <= 1


@pytest.mark.parametrize(
    "changes",
    [
        {"picture": np.full((40, 60, 3), 90, np.uint8), "mask": np.full((40, 60), 255, np.uint8)},
        {"parameters": {"steps": 6}},
        {"parameters": {"loras": {"ink": 1.0}}},
        {"parameters": {"tile": "x"}},
        {"parameters": {"sampler": "ddim"}},
        {"parameters": {"guidance": 1.0}},
        {"verb": "refine", "strength": 0.4},
        {"guides": (guide("scribble"),)},
        {"guides": (guide("style"),)},
    ],
    ids=str,
)
def test_briefs_that_do_not_fit_are_made_one_after_the_other(sd15, changes):
    """Each gets the very picture that it gets alone, whatever the one before it wore."""
    alone, plain = sd15.one(**changes), sd15.plain
    told = sd15.together((brief(), Ear()), (brief(**changes), Ear()), (brief(seeds=(7,)), Ear()))
    told = dict(told)
    assert furthest(told[0], plain) <= 1
    assert same(told[1], alone)
    assert furthest(told[2], sd15.one(seeds=(7,))) <= 1


def test_two_styles_are_not_mixed(sd15):
    """Reference pictures that differ are worn one after the other."""
    asked = {"guides": (guide("style"),)}, {"guides": (guide("style", PICTURE),)}
    alone = [sd15.one(**each) for each in asked]
    told = dict(sd15.together(*((brief(**each), Ear()) for each in asked)))
    assert same(told[0], alone[0])
    assert same(told[1], alone[1])


def test_toward_and_not_toward_are_not_mixed(sd15):
    """A walk to another picture beside a plain refining is what it is alone."""
    walk = {"verb": "vary", "amount": 0.8, "guides": (guide("toward", 255 - PICTURE),)}
    still = {"verb": "refine", "strength": 0.6}
    alone = sd15.one(**walk), sd15.one(**still)
    told = dict(sd15.together((brief(**walk), Ear()), (brief(**still), Ear())))
    assert furthest(told[0], alone[0]) <= 1
    assert furthest(told[1], alone[1]) <= 1


def test_wrong_briefs_are_told_and_the_others_go_on(sd15):
    """An empty mask, a wrong strength: each hears of its own."""
    told = dict(
        sd15.together(
            (brief(mask=np.zeros((SIDE, SIDE), np.uint8)), Ear()),
            (brief(), Ear()),
            (brief(strength=2.0), Ear()),
        )
    )
    assert isinstance(told[0], BadRequest)
    assert isinstance(told[2], BadRequest)
    assert same(told[1], sd15.plain)


def test_nobody_waits(sd15):
    """No briefs, or a brief without seeds: nothing is made, nothing breaks."""
    assert sd15.together() == []
    assert sd15.together((brief(seeds=()), Ear())) == []


# ---- memory ----------------------------------------------------------------------------------------


class Scarce:
    """While in use, the denoiser runs out of memory with more than so many rows."""

    def __init__(self, model, most):
        self._model, self._most = model, most

    def __enter__(self):
        self._hook = self._model.denoiser.register_forward_pre_hook(self._run, with_kwargs=True)

    def __exit__(self, *error):
        self._hook.remove()

    def _run(self, part, args, kwargs):
        if (args[0] if args else kwargs["hidden_states"]).shape[0] > self._most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_fewer_at_once_where_memory_is_short(models):
    """Four candidates that do not fit together are made in smaller batches, all of them."""
    bench = models.fresh("sd15")
    with Scarce(bench.model, 2):  # with guidance, a candidate has two rows
        made = bench.ask(seeds=(1, 2, 3, 4))
        before = len(bench.heard)
        again = bench.one()
    assert [each.index for each in made] == [0, 1, 2, 3]
    assert furthest(made[0], models.bench("sd15").plain) <= 1
    assert same(again, made[0])
    assert {each.rows for each in bench.heard[before:]} == {2}, "what did not fit is not tried again"


def test_too_little_memory_is_said_and_the_next_request_works(models):
    """Not even one fits: a message with a way out, the model leaves the memory, and comes back."""
    bench = models.fresh("sd15")
    model = bench.model
    with Scarce(model, 0), pytest.raises(EngineFailed, match="memory") as raised:
        bench.ask(seeds=(1, 2))
    assert raised.value.hint
    assert bench.model is not model
    assert same(bench.one(), models.bench("sd15").plain)


def test_the_others_go_on_where_one_finds_too_little_memory(models):
    """A brief after the one that did not fit is still made."""
    bench = models.fresh("sd15")
    big = {
        "picture": np.full((SIDE * 2, SIDE * 2, 3), 90, np.uint8),
        "mask": np.full((SIDE * 2, SIDE * 2), 255, np.uint8),
    }

    def scarce(part, args, kwargs):
        if args[0].shape[-1] > SIDE // 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    bench.model.denoiser.register_forward_pre_hook(scarce, with_kwargs=True)
    told = dict(bench.together((brief(**big), Ear()), (brief(), Ear())))
    assert isinstance(told[0], EngineFailed)
    assert isinstance(told[1], Made)
    assert same(told[1], models.bench("sd15").plain)


def test_any_other_failure_is_not_taken_for_memory(models):
    """A defect in the denoiser is told as what it is, and the next request works."""
    bench = models.fresh("sd15")

    def broken(part, args):
        raise RuntimeError("shapes cannot be multiplied")

    hook = bench.model.denoiser.register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="multiplied"):
        bench.ask()
    hook.remove()
    assert same(bench.one(mask=ALL), models.bench("sd15").one(mask=ALL))
