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


LONG = " and a tree" * 60


@pytest.fixture
def misfit(models):
    """A shelf that also has an embedding whose word is <bad> and which does not fit."""
    from safetensors.torch import save_file  # noqa: PLC0415

    file = models.folder / "bad.safetensors"
    save_file({"emb_params": torch.zeros(2, 7)}, str(file))
    models.put("bad", "sd15", file, "embedding", word="<bad>")
    yield models.fresh("sd15")
    models.shelf.remove("bad")


def test_what_is_wrong_with_one_is_not_the_others(misfit):
    """An embedding that does not fit ends the job that names it, whichever comes first; the other is made."""
    wrong, right = (brief(prompt="a <bad> cat"), Ear()), (brief(), Ear())
    for asked in ((wrong, right), (right, wrong)):
        told = dict(misfit.together(*asked))
        assert isinstance(told[asked.index(wrong)], EngineFailed)
        assert isinstance(told[asked.index(right)], Made)


def test_a_wrong_word_on_the_way_ends_only_who_said_it(misfit):
    """Steered to an embedding that does not fit while another is made beside."""
    ear = Ear(misfit, {2: Steering(prompt="a <bad> cat")})
    told = dict(misfit.together((brief(), Ear()), (brief(**OTHER), ear)))
    assert isinstance(told[0], Made)
    assert isinstance(told[1], EngineFailed)


def test_a_neighbours_long_prompt_changes_nothing(sd15):
    """Nor one that gets long on the way: rows are as long as they are alone."""
    told = sd15.together((brief(), Ear()), (brief(**OTHER | {"prompt": "a castle" + LONG}), Ear()))
    assert furthest(dict(told)[0], sd15.plain) <= 1
    steered = Ear(sd15, {2: Steering(prompt="a castle" + LONG)})
    told = sd15.together((brief(), Ear()), (brief(**OTHER), steered))
    assert furthest(dict(told)[0], sd15.plain) <= 1


def test_the_second_ones_embedding_is_learnt_too(models):
    """In a fresh place, where nobody has named it before."""
    bench = models.fresh("sd15")
    told = dict(bench.together((brief(), Ear()), (brief(prompt="a <zork> cat"), Ear())))
    assert furthest(told[1], bench.one(prompt="a <zork> cat")) <= 1


def test_what_was_steered_while_it_waited_holds_from_its_start(models):
    """The second of two that don't fit together: words and strength are those of the moment it begins."""
    bench = models.fresh("sd15", max_batch=1)
    wanted = bench.one(**OTHER | {"prompt": "a dog"})
    told = dict(bench.together((brief(), Ear()), (brief(**OTHER), Ear(bench, {2: Steering(prompt="a dog")}))))
    assert same(told[1], wanted)
    assert told[1].recipe["steered"] == [{"done": 0.0, "prompt": "a dog"}]


def test_each_candidate_records_its_own_steering(models):
    """The first was steered on the way, the second made wholly with the new words."""
    bench = models.fresh("sd15", max_batch=1)
    first, second = bench.ask(Ear(bench, {2: Steering(prompt="a dog")}), seeds=(1, 2))
    assert first.recipe["steered"][0]["done"] > 0
    assert second.recipe["steered"] == [{"done": 0.0, "prompt": "a dog"}]


def test_taking_it_now_right_after_another_strength_gives_a_picture(sd15):
    """Steered and taken at once, or taken while it begins again: what was begun is not thrown away."""
    both = Steering(strength=0.7, finish=True)
    assert len(sd15.ask(Ear(sd15, {2: both}))) == 1
    assert len(sd15.ask(Ear(sd15, {2: Steering(strength=0.7), 3: both}))) == 1


def test_a_lora_that_fails_leaves_none_on(models):
    """Of two, one can't be read: the next request without any is as before."""
    file = models.folder / "torn.safetensors"
    file.write_bytes(b"\x10\0\0\0\0\0\0\0nonsense")
    models.put("torn", "sd15", file, "lora")
    try:
        bench = models.fresh("sd15")
        plain = bench.one()
        with pytest.raises(EngineFailed):
            bench.one(parameters={"loras": {"ink": 1.0, "torn": 1.0}})
        assert same(bench.one(), plain)
    finally:
        models.shelf.remove("torn")


def test_a_lora_with_other_weights_is_loaded_anew(models):
    """Removed and added again under its name: the new weights count, and their hash is recorded."""
    import tiny_models  # noqa: PLC0415 - imports torch

    bench, base = models.fresh("sd15"), models.shelf.card("sd15").path
    models.put(
        "swap", "sd15", tiny_models.lora(models.folder / "one" / "a.safetensors", base), "lora", hash="1"
    )
    try:
        first = bench.one(parameters={"loras": {"swap": 1.0}})
        models.shelf.remove("swap")
        other = tiny_models.lora(models.folder / "two" / "b.safetensors", base, rank=3)
        models.put("swap", "sd15", other, "lora", hash="2")
        second = bench.one(parameters={"loras": {"swap": 1.0}})
        assert furthest(first, second) > 1
        assert (first.recipe["with"], second.recipe["with"]) == ({"swap": "1"}, {"swap": "2"})
    finally:
        models.shelf.remove("swap")


def test_seamless_padding_reaches_what_is_loaded_later(models):
    """A ControlNet that comes while pictures run on already: the same as in a fresh place."""
    asked = {"parameters": {"tile": "x"}, "guides": (guide("scribble"),), "mask": ALL}
    before, fresh = models.fresh("sd15"), models.fresh("sd15")
    before.one(parameters={"tile": "x"}, mask=ALL)
    assert same(before.one(**asked), fresh.one(**asked))


def test_a_run_leaves_no_pictures_in_memory(sd15):
    """Nothing that lasts holds on to what was made."""
    import gc  # noqa: PLC0415

    from bridge_server.engines.diffusers.denoising.course import Course  # noqa: PLC0415

    sd15.one()
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Course]


def test_unchanged_pixels_that_cannot_be_seen_stay_unseen(sd15):
    """Strength 0 on a layer that is clear in part: its hidden colours do not come up."""
    picture = np.dstack([PICTURE, np.full((SIDE, SIDE), 255, np.uint8)])
    picture[:20, :, 3] = 0
    made = sd15.one(verb="refine", strength=0.0, picture=picture, mask=ALL)
    assert np.array_equal(made.pixels[..., 3], picture[..., 3])
