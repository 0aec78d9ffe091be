# SPDX-License-Identifier: Apache-2.0
"""The measures, on stories short enough to count by hand."""

import random
import time
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.records import CandidateInfo, JobInfo, Placement
from bridge_server.protocol.report import Rate, Spread
from bridge_server.protocol.versions import DecisionInfo, VersionInfo
from bridge_server.sessions.measures import measure, rate, spread, word_drift

#: 2026-11-21, noon UTC.
NOON = 1_795_262_400.0
HERE, THERE = Placement(0, 0, 100, 100), Placement(500, 0, 100, 100)


def looks(lightness):
    """A description that is ``lightness`` typical differences away from that of 0, on every axis."""
    return {axis.name: lightness * axis.scale for axis in AXES}


def job(name, at, *, offers=2, place=HERE, session="s1", look=0.0, **more):
    """A done job whose candidates ``name.0``, ``name.1``... come one second after another."""
    candidates = [
        CandidateInfo(
            f"{name}.{index}", name, index, index, place, 1.0, created=NOON + at + 1 + index,
            descriptor=looks(look + index),
        )
        for index in range(offers)
    ]  # fmt: skip
    fields = {"verb": "fill", "state": "done", "region": place, "host": "krita"} | more
    return JobInfo(
        job=name, seq=1, session=session, project="cover", engine="patchmatch", count=offers,
        created=NOON + at, candidates=candidates, **fields,
    )  # fmt: skip


def said(kind, candidate, at, *, session="s1", host="krita", **more):
    """A decision ``at`` seconds after noon."""
    return DecisionInfo(f"{kind}{at}", "cover", candidate, kind, session, host, NOON + at, **more)


def version(name, parent="", document=""):
    """A version, of which only its place in the tree matters."""
    fields = {"candidate": "", "job": "", "verb": "fill", "prompt": "", "session": "", "host": ""}
    return VersionInfo(name, "cover", document, parent, created=NOON, placement=HERE, **fields)


def told(jobs, decisions=()):
    """The measures of a whole project."""
    return measure("cover", jobs, list(decisions), []).whole


# ---- formulas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "of"), [(1, 4), (7, 20), (500, 1000)])
def test_the_interval_is_the_score_tests(count, of):
    """At both ends, the observed share is exactly 1.96 standard errors of that end away (Wilson 1927)."""
    got = rate(count, of)
    for end in (got.low, got.high):
        error = abs(got.share - end) / (end * (1 - end) / of) ** 0.5
        assert error == pytest.approx(NormalDist().inv_cdf(0.975))


def test_the_interval_stays_within_all_and_nothing():
    """Where a normal interval would have no width, this one says how little is known."""
    none, all_ = rate(0, 5), rate(5, 5)
    assert (none.low, all_.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1 - all_.low) == pytest.approx(0.4345, abs=1e-4)
    assert rate(0, 0) == Rate(0, 0)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 100])
def test_quartiles_are_those_of_numpy(count):
    """So that whoever reads the CSV gets the same from the raw values."""
    values = [random.Random(each).random() for each in range(count)]
    got = spread(values)
    assert (got.low, got.median, got.high) == pytest.approx(np.percentile(values, [25, 50, 75]))
    assert got.n == count


def test_what_is_no_number_does_not_count():
    """One broken description spoils no median."""
    assert spread([float("nan"), 2.0, float("inf")]) == Spread(1, 2.0, 2.0, 2.0)
    assert spread([float("nan")]) == Spread(0)


@pytest.mark.parametrize(
    ("first", "second", "drift"),
    [
        ("a red tree", "A tree, red!", 0.0),
        ("a red tree", "a blue tree", 0.5),
        ("tree", "house", 1.0),
        ("", "house", 1.0),
        ("", " - ", None),
    ],
)
def test_prompts_drift_by_their_words(first, second, drift):
    """Order, case and punctuation are no words; without any words there is nothing to compare."""
    assert word_drift(first, second) == drift


# ---- rates -------------------------------------------------------------------------------------------


def test_offers_that_nobody_judged_count_in_no_rate():
    """A job that was never looked at says nothing about the artist's taste."""
    whole = told([job("a", 0, offers=4), job("b", 60, offers=4)], [said("accept", "a.1", 10)])
    assert (whole.jobs, whole.offered) == (2, 8)
    assert (whole.accepted.count, whole.accepted.of, whole.rejected.count) == (1, 4, 0)


def test_the_last_word_on_a_candidate_counts():
    """Taken and then rejected is rejected, rejected and then taken is taken; "more" is neither."""
    decisions = [
        said("accept", "a.0", 10), said("reject", "a.1", 11), said("reject", "a.0", 12),
        said("accept", "a.1", 13), said("more", "a.1", 14), said("less", "a.2", 15),
    ]  # fmt: skip
    whole = told([job("a", 0, offers=3)], decisions)
    assert (whole.accepted.count, whole.rejected.count, whole.accepted.of) == (1, 1, 3)


def test_more_like_this_makes_a_job_judged():
    """Who asks for more has looked at the offers and accepted none yet."""
    assert told([job("a", 0)], [said("more", "a.1", 10)]).accepted == rate(0, 2)


def test_modified_is_accepted():
    """An artist works on what was taken, whether or not the accept is known."""
    whole = told([job("a", 0)], [said("modify", "a.0", 10, version="v")])
    assert whole.accepted.count == 1


def test_the_first_candidate_is_the_one_shown_first():
    """Not the one that happened to be finished first."""
    late_first = job("a", 0)
    late_first = replace(late_first, candidates=late_first.candidates[::-1])
    decisions = [said("accept", "a.0", 10), said("accept", "b.1", 70)]
    assert told([late_first, job("b", 60)], decisions).first_accepted == rate(1, 2)


# ---- times and places --------------------------------------------------------------------------------


def test_time_to_accept_runs_from_the_offer_to_the_first_accept():
    """Not from the request, and placing it again elsewhere later is no slow decision."""
    decisions = [said("accept", "a.1", 12), said("accept", "a.1", 900)]
    assert told([job("a", 0)], decisions).time_to_accept == spread([10.0])


def test_requests_at_one_place_are_rounds_until_an_accept():
    """A second accept of the same round ends none; what is asked afterwards begins a new one."""
    jobs = [job("a", 0), job("b", 60), job("c", 120), job("d", 180)]
    decisions = [said("accept", "c.0", 130), said("accept", "c.1", 135), said("accept", "d.0", 190)]
    whole = told(jobs, decisions)
    assert whole.iterations == spread([3, 1])
    assert whole.left_open == 0


@pytest.mark.parametrize(
    ("change", "rounds"),
    [
        ({"place": Placement(20, 0, 100, 100)}, 2),
        ({"place": Placement(40, 0, 100, 100)}, 1),
        ({"place": THERE}, 1),
        ({"verb": "vary"}, 2),
        ({"verb": "expand"}, 1),
        ({"document": "page 2"}, 1),
        ({"session": "s2"}, 2),
        ({"offers": 0}, 2),
        ({"offers": 0, "place": THERE}, 1),
        ({"offers": 0, "region": None}, 1),
        ({"offers": 0, "state": "failed"}, 1),
    ],
)
def test_what_is_one_place(change, rounds):
    """Half of the area in common, one document, no expand among others; a failure is no round."""
    jobs = [job("a", 0, **change), job("b", 60)]
    assert told(jobs, [said("accept", "b.0", 70)]).iterations == spread([rounds])


def test_a_place_may_wander():
    """A selection drawn anew is compared with the one before, not with the first."""
    jobs = [job(str(step), step * 60, place=Placement(step * 30, 0, 100, 100)) for step in range(4)]
    assert told(jobs, [said("accept", "3.0", 200)]).iterations == spread([4])


def test_places_without_an_accept_are_told():
    """They are in no median, so they are counted."""
    whole = told([job("a", 0), job("b", 60, place=THERE), job("c", 120, place=THERE)])
    assert (whole.iterations, whole.left_open) == (Spread(0), 2)


# ---- looks -------------------------------------------------------------------------------------------


def test_breadth_is_the_mean_of_all_pairs():
    """Looks 0, 1 and 2 are 1, 1 and 2 apart; a job with one offer has no breadth."""
    breadth = told([job("a", 0, offers=3), job("b", 60, offers=1)]).breadth
    assert (breadth.n, breadth.median) == (1, pytest.approx(4 / 3))


def test_divergence_is_from_the_first_intent():
    """From the first offer and prompt at that place since the last accept there."""
    jobs = [
        job("a", 0, look=5, prompt="red tree"), job("b", 60, look=0, prompt="tree"),
        job("c", 120, look=3, prompt="blue house"),
    ]  # fmt: skip
    whole = told(jobs, [said("accept", "a.1", 10), said("accept", "c.0", 130)])
    assert sorted((whole.divergence.low, whole.divergence.high)) == pytest.approx([1.5, 2.5])
    assert whole.divergence.median == pytest.approx(2)
    assert whole.prompt_drift == spread([0, 1])


def test_edits_count_once_a_version_and_where_measured():
    """Saved three times it is one edit, as last measured; what did not change has no difference."""
    decisions = [
        said("modify", "a.0", 10, version="v", changed=0.9, difference=9.0),
        said("modify", "a.0", 11, version="v", changed=0.5, difference=4.0),
        said("modify", "a.0", 12, version="v"),
        said("modify", "a.1", 13, version="w", changed=0.0, difference=0.0),
    ]
    whole = told([job("a", 0)], decisions)
    assert (whole.changed, whole.difference) == (spread([0.5, 0.0]), spread([4.0]))


# ---- stretches of time -------------------------------------------------------------------------------


def test_a_decision_belongs_to_who_decided():
    """Blender takes what Krita asked for: the offer is Krita's, the accept with its wait Blender's."""
    accept = said("accept", "a.0", 41, session="s2", host="blender")
    report = measure("cover", [job("a", 0)], [accept], [])
    krita, blender = report.sessions
    assert (krita.label, krita.offered, krita.accepted) == ("s1", 2, Rate(0, 0))
    assert (blender.label, blender.offered, blender.accepted) == ("s2", 0, rate(1, 2))
    assert (blender.host, blender.time_to_accept.median, blender.began) == ("blender", 40, NOON + 41)
    assert (report.whole.label, report.whole.host) == ("cover", "blender, krita")


def test_days_are_those_of_utc():
    """One second before and one after midnight are two days, and each has its rates."""
    report = measure("cover", [job("a", 43_199), job("b", 43_201)], [said("reject", "b.0", 43_300)], [])
    assert [(day.label, day.jobs, day.rejected.count) for day in report.days] == [
        ("2026-11-21", 1, 0), ("2026-11-22", 1, 1),
    ]  # fmt: skip
    assert (report.whole.began, report.whole.ended) == (NOON + 43_199, NOON + 43_300)


def test_the_tree_is_measured():
    """The longest way, and each point with two ways on, the start of a document too."""
    tree = [version("d", "c"), version("b", "a"), version("c", "a"), version("a"), version("x", "", "page 2")]
    report = measure("cover", [], [], tree)
    assert (report.depth, report.branches) == (3, 1)
    assert measure("cover", [], [], [*tree, version("y", "", "page 2")]).branches == 2


# ---- odd data ----------------------------------------------------------------------------------------


def test_nothing_is_a_report_too():
    """A new project has no rates rather than zeros."""
    report = measure("cover", [], [], [])
    assert (report.sessions, report.days, report.depth) == ([], [], 0)
    assert (report.whole.label, report.whole.began, report.whole.accepted) == ("cover", 0.0, Rate(0, 0))


def test_decisions_about_what_is_not_there_are_passed_over():
    """They count in no rate, but somebody was there."""
    report = measure("cover", [job("a", 0)], [said("accept", "gone", 5, session="s9")], [])
    assert report.whole.accepted == Rate(0, 0)
    assert [each.label for each in report.sessions] == ["s1", "s9"]


def test_a_clock_that_was_set_back_breaks_nothing():
    """The order of what happened stands; a wait below zero is no wait."""
    jobs = [job("a", 1000), job("b", -1000), job("c", -900)]
    whole = told(jobs, [said("accept", "b.0", -2000), said("accept", "c.0", -800)])
    assert whole.time_to_accept == spread([99.0])
    assert whole.iterations == spread([2, 1])


def test_candidates_without_description_or_time_give_what_they_can():
    """Those of older stores have neither."""
    bare = job("a", 0)
    bare = replace(bare, candidates=[replace(each, descriptor={}, created=0.0) for each in bare.candidates])
    whole = told([bare], [said("accept", "a.0", 10)])
    assert (whole.accepted.count, whole.iterations.n) == (1, 1)
    assert (whole.breadth, whole.divergence, whole.time_to_accept) == (Spread(0), Spread(0), Spread(0))
    assert whole.began == NOON


def test_times_outside_the_calendar_and_circles_end():
    """A broken store is still reported on."""
    far = replace(job("a", 0), created=1e20)
    report = measure("cover", [far], [], [version("a", "b"), version("b", "a"), version("c", "gone")])
    assert [day.label for day in report.days] == ["unknown"]
    assert report.depth >= 1


def test_a_large_project_takes_less_than_a_second():
    """2,500 jobs with 4 candidates each, at worst: every one at a place of its own, none accepted."""
    jobs = [job(str(n), n * 60, offers=4, place=Placement(n * 200, 0, 100, 100)) for n in range(2500)]
    decisions = [said("reject", f"{n}.{index}", n * 60 + 30) for n in range(2500) for index in range(4)]
    began = time.perf_counter()
    assert told(jobs, decisions).left_open == 2500
    assert time.perf_counter() - began < 1
