# SPDX-License-Identifier: Apache-2.0
"""What taste learns from."""

from dataclasses import replace

import pytest

import samples
from bridge_server.protocol.records import Placement
from bridge_server.protocol.taste import (
    Forget,
    Lesson,
    LoadTaste,
    SetTaste,
    Suggest,
    Suggestion,
    TasteData,
    TasteSettings,
)
from bridge_server.protocol.versions import Reject
from bridge_server.sessions import lessons as module
from bridge_server.sessions.conversation import Sitting
from bridge_server.sessions.lessons import DATA_FORMAT, NEEDED
from remembering import BY, PROJECT, World

OTHER = Sitting("s2", "poster", "gimp")


@pytest.fixture
def world(tmp_path):
    """An empty memory."""
    world = World(tmp_path)
    yield world
    world.close()


def place(number):
    """A place on the canvas."""
    return Placement(number, 0, 2, 1)


def learned(world, project=PROJECT):
    """Each lesson as its candidates, the liked ones and the disliked ones."""
    studied = world.lessons.study(project)
    return [
        (names, {names[index] for index in lesson.liked}, {names[index] for index in lesson.disliked})
        for lesson, names in zip(studied.lessons, studied.candidates, strict=True)
    ]


def say(world, kind, candidate, by=BY):
    """More or less like this one."""
    number = world.library.project(by.project).seq
    world.conversation.lean(candidate, kind, f"k{number}", by)


def reject(world, *candidates, by=BY):
    """No to candidates."""
    world.conversation.reject(Reject(list(candidates)), by)


def test_a_choice_is_a_lesson(world):
    """What was offered, liked, disliked and passed over, by what it looks like."""
    world.job("a", 3)
    world.accept("a-c1")
    reject(world, "a-c2")
    assert learned(world) == [(["a-c0", "a-c1", "a-c2"], {"a-c1"}, {"a-c2"})]
    [lesson] = world.lessons.study(PROJECT).lessons
    assert lesson == Lesson([{"warmth": 0.0}, {"warmth": 0.1}, {"warmth": 0.2}], [1], [2])


def test_one_place_is_one_lesson_until_something_is_accepted(world):
    """Asking again there goes on with it; after an accept a new one begins."""
    for job in "abc":
        world.job(job, 2)
    reject(world, "a-c0", "a-c1")
    world.accept("b-c0")
    reject(world, "c-c1")
    assert learned(world) == [
        (["a-c0", "a-c1", "b-c0", "b-c1"], {"b-c0"}, {"a-c0", "a-c1"}),
        (["c-c0", "c-c1"], set(), {"c-c1"}),
    ]


@pytest.mark.parametrize("elsewhere", [{"region": place(9)}, {"document": "other"}, {"verb": "expand"}])
def test_another_place_is_another_lesson(world, elsewhere):
    """Another part of the canvas, another document, new canvas."""
    world.job("a", 2)
    world.job("b", 2, **elsewhere)
    reject(world, "a-c0")
    world.accept("b-c0")
    assert [names for names, _, _ in learned(world)] == [["b-c0", "b-c1"], ["a-c0", "a-c1"]]


def test_variations_belong_to_the_place_that_they_vary(world):
    """More like this one goes on with the same conversation."""
    world.job("a", 2)
    world.job("b", 2, verb="vary")
    reject(world, "a-c0")
    world.accept("b-c0")
    assert [names for names, _, _ in learned(world)] == [["a-c0", "a-c1", "b-c0", "b-c1"]]


def test_single_candidates_teach_by_each_other(world):
    """One alone was preferred to nothing; three tries at a place are a choice."""
    for job in "abc":
        world.job(job, 1)
    world.job("d", 1, region=place(9))
    world.accept("d-c0")
    reject(world, "a-c0")
    assert learned(world) == []
    reject(world, "b-c0")
    world.accept("c-c0")
    assert learned(world) == [(["a-c0", "b-c0", "c-c0"], {"c-c0"}, {"a-c0", "b-c0"})]


def test_the_last_word_on_a_candidate_counts(world):
    """Whatever was said of it before; what the artist made of it says nothing."""
    world.job("a", 3)
    say(world, "more", "a-c0")
    reject(world, "a-c0")
    reject(world, "a-c1")
    say(world, "more", "a-c1")
    assert learned(world) == [(["a-c0", "a-c1", "a-c2"], {"a-c1"}, {"a-c0"})]
    world.modify(world.accept("a-c1"), "final")
    say(world, "less", "a-c1")
    assert learned(world)[0][1:] == (set(), {"a-c0", "a-c1"})


def test_all_alike_teaches_nothing(world):
    """All rejected, or never looked at, is no preference."""
    world.job("a", 2)
    world.job("b", 2, region=place(9))
    reject(world, "a-c0", "a-c1")
    assert learned(world) == []


def test_what_was_never_described_is_left_out(world):
    """Candidates from before there were descriptions."""
    world.job("a", 3, descriptors=[{}, {"warmth": 1.0}, {"warmth": 0.5}])
    world.accept("a-c1")
    assert learned(world) == [(["a-c1", "a-c2"], {"a-c1"}, set())]


def test_removed_pictures_still_teach(world):
    """Their descriptions stay."""
    world.job("a", 2)
    reject(world, "a-c0")
    before = learned(world)
    world.sweep(world.sweeper.begin(samples.REQUESTS["collect"].__class__(keep=0), 1))
    assert learned(world) == before != []


def test_forgotten_is_what_was_decided_before(world):
    """The decisions stay, the lessons and the pins go; what is decided later counts again."""
    world.job("a", 3)
    world.accept("a-c0")
    world.lessons.set(SetTaste(on=False, pins={"warmth": 1.0}), PROJECT)
    world.lessons.load(
        LoadTaste(TasteData(DATA_FORMAT, TasteSettings(), [Lesson([{}, {}], [0], [1])])), PROJECT
    )
    world.lessons.set(SetTaste(exploration=0.5, pins={"warmth": 1.0}), PROJECT)
    settings, told = world.lessons.forget(Forget(), PROJECT)
    assert settings == TasteSettings(exploration=0.5) == world.lessons.settings(PROJECT)
    assert [event.topic for _, event in told] == ["project.taste"]
    assert learned(world) == []
    assert len(world.tree.decisions("job = 'a'", ())) == 1
    reject(world, "a-c1")
    assert learned(world) == [(["a-c0", "a-c1", "a-c2"], set(), {"a-c1"})]


def test_the_scope_says_from_where(world):
    """This project's decisions, or everybody's; what each project forgot stays forgotten."""
    world.job("a", 2)
    world.job("b", 2, OTHER)
    world.accept("a-c0")
    world.accept("b-c0", OTHER)
    assert [names for names, _, _ in learned(world)] == [["a-c0", "a-c1"]]
    world.lessons.set(SetTaste(scope="all"), PROJECT)
    assert [names for names, _, _ in learned(world)] == [["a-c0", "a-c1"], ["b-c0", "b-c1"]]
    assert [names for names, _, _ in learned(world, "poster")] == [["b-c0", "b-c1"]]
    world.lessons.forget(Forget(), "poster")
    assert [names for names, _, _ in learned(world)] == [["a-c0", "a-c1"]]


def test_loaded_lessons_come_first_and_can_be_saved_again(world):
    """With the settings; the project's own follow."""
    world.job("a", 2)
    world.accept("a-c0")
    settings = TasteSettings(scope="all", exploration=0.1, pins={"warmth": -1.0})
    foreign = [Lesson([{"warmth": 1.0}, {}], [0], []), Lesson([{}, {"contrast": 1.0}], [], [1])]
    told = world.lessons.load(LoadTaste(TasteData(DATA_FORMAT, settings, foreign)), PROJECT)[1]
    assert told[0].event.body.settings == settings
    studied = world.lessons.study(PROJECT)
    assert (studied.settings, studied.lessons[:2]) == (settings, foreign)
    assert studied.candidates == [[], [], ["a-c0", "a-c1"]]
    saved = world.lessons.save(PROJECT)
    assert (saved.format, saved.settings, saved.lessons) == (DATA_FORMAT, settings, studied.lessons)


def test_only_the_latest_lessons_count(world, monkeypatch):
    """Old ones give way, loaded ones before own ones."""
    monkeypatch.setattr(module, "_MOST_LESSONS", 3)
    foreign = [Lesson([{"warmth": float(n)}, {}], [0], []) for n in range(5)]
    world.lessons.load(LoadTaste(TasteData(DATA_FORMAT, TasteSettings(), foreign)), PROJECT)
    for number in range(2):
        world.job(f"a{number}", 2, region=place(number))
        world.accept(f"a{number}-c0")
    studied = world.lessons.study(PROJECT)
    assert studied.lessons[0] == foreign[4]
    assert studied.candidates[1:] == [["a0-c0", "a0-c1"], ["a1-c0", "a1-c1"]]
    monkeypatch.setattr(module, "_MOST_LESSONS", 200)
    monkeypatch.setattr(module, "_MOST_DECISIONS", 1)
    assert world.lessons.study(PROJECT).candidates == [[], [], [], ["a1-c0", "a1-c1"]]


def test_taste_acts_when_it_has_learned_enough(world):
    """Or when the artist has said something; never when it is off."""

    def active():
        return world.lessons.study(PROJECT).active

    for number in range(NEEDED):
        assert not active()
        world.job(f"a{number}", 2, region=place(number))
        world.accept(f"a{number}-c0")
    assert active()
    world.lessons.set(SetTaste(on=False), PROJECT)
    assert not active()
    world.lessons.forget(Forget(), PROJECT)
    world.lessons.set(SetTaste(on=True, pins={"warmth": 0.0}), PROJECT)
    assert not active()
    world.lessons.set(SetTaste(pins={"warmth": 0.5}), PROJECT)
    assert active()


def test_settings_change_only_what_is_named_and_once(world):
    """Also in a project that is only just begun."""
    first = world.lessons.set(SetTaste(exploration=0.5, key="k"), "new")
    assert first[0] == TasteSettings(exploration=0.5)
    world.lessons.set(SetTaste(scope="all", pins={"warmth": 1.0}), "new")
    assert world.lessons.set(SetTaste(exploration=0.5, key="k"), "new") == (first[0], [])
    assert world.lessons.settings("new") == TasteSettings(scope="all", exploration=0.5, pins={"warmth": 1.0})
    assert world.lessons.settings("other") == TasteSettings()


# ---- suggestions ---------------------------------------------------------------------------------


def accepted(world, number, by=BY, **asked):
    """One job that was accepted."""
    world.job(f"s{number}", 1, by, **asked)
    world.accept(f"s{number}-c0", by)


def test_nothing_accepted_suggests_nothing(world):
    """Rejected is not accepted."""
    world.job("a", 2)
    reject(world, "a-c0")
    assert world.lessons.suggest(Suggest("fill"), PROJECT) == Suggestion("fill", "", 0)


def test_numbers_are_suggested_by_their_median_and_the_rest_by_the_commonest(world):
    """Only what most jobs gave; whole numbers stay whole."""
    for number, (strength, radius, mode) in enumerate(
        [(0.2, 3, "soft"), (0.4, 9, "hard"), (0.9, 4, "soft"), (0.5, 5, "soft")]
    ):
        given = {"rare": True} if number < 2 else {}
        parameters = {"patch_radius": radius, "mode": mode, **given}
        accepted(world, number, verb="refine", strength=strength, parameters=parameters)
    found = world.lessons.suggest(Suggest("refine"), PROJECT)
    assert (found.accepted, found.settings) == (4, {"strength": 0.45})
    assert found.parameters == {"mode": "soft", "patch_radius": 4}


def test_defaults_are_not_suggested(world):
    """Those of the verb itself; amount only where there is one."""
    accepted(world, 0, verb="vary", strength=1.0, amount=0.5, parameters={})
    accepted(world, 1, verb="refine", strength=0.5, parameters={})
    for verb in ("vary", "refine"):
        found = world.lessons.suggest(Suggest(verb), PROJECT)
        assert (found.accepted, found.settings, found.parameters) == (1, {}, {})
    accepted(world, 2, verb="vary", strength=1.0, amount=0.9, parameters={})
    assert world.lessons.suggest(Suggest("vary"), PROJECT).settings == {"amount": 0.7}


def test_suggestions_keep_to_verb_engine_and_scope(world):
    """And to what was accepted of late."""
    accepted(world, 0, strength=0.1, parameters={})
    accepted(world, 1, strength=0.3, parameters={}, engine="two")
    accepted(world, 2, OTHER, strength=0.5, parameters={})
    accepted(world, 3, verb="refine", strength=0.9, parameters={})

    def strength(engine="", project=PROJECT):
        return world.lessons.suggest(Suggest("fill", engine), project).settings.get("strength")

    assert (strength(), strength("two"), strength(project="poster")) == (0.2, 0.3, 0.5)
    assert world.lessons.suggest(Suggest("fill", "none"), PROJECT).accepted == 0
    world.lessons.set(SetTaste(scope="all"), PROJECT)
    assert strength() == 0.3
    for number in range(4, 4 + module._RECENT):
        accepted(world, number, strength=0.8, parameters={})
    assert (strength(), world.lessons.suggest(Suggest("fill"), PROJECT).accepted) == (0.8, module._RECENT)


def test_what_is_forgotten_is_forgotten_of_all_projects(world):
    """A project that learns from all of them forgets theirs too; they themselves do not."""
    other = replace(BY, project="other")
    world.job("a", 2, by=other)
    world.accept("a-c0", by=other)
    world.lessons.set(SetTaste(scope="all"), PROJECT)
    assert len(world.lessons.study(PROJECT).lessons) == 1
    world.lessons.forget(Forget(), PROJECT)
    assert world.lessons.study(PROJECT).lessons == []
    assert len(world.lessons.study("other").lessons) == 1


def test_the_same_lessons_are_not_learned_twice(world):
    """A file that is loaded again, or one that was saved from here, changes nothing."""
    world.job("a", 2)
    world.accept("a-c0")
    data = world.lessons.save(PROJECT)
    other = replace(data, lessons=[replace(data.lessons[0], liked=[1])])
    for _ in range(2):
        world.lessons.load(LoadTaste(data), PROJECT)
        world.lessons.load(LoadTaste(other), PROJECT)
    assert len(world.lessons.study(PROJECT).lessons) == 2
