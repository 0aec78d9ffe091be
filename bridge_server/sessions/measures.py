# SPDX-License-Identifier: Apache-2.0
"""The measures of a collaboration, from what was asked, offered and decided. Pure.

docs/measures.md has the formulas with their sources, how to read them and where they mislead.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from statistics import fmean, quantiles

from ..protocol.descriptor import distance
from ..protocol.records import CandidateInfo, JobInfo, Placement
from ..protocol.report import Measures, Rate, Report, Spread
from ..protocol.versions import DecisionInfo, VersionInfo

__all__ = ["measure", "rate", "spread", "word_drift"]

#: The normal distribution's quantile for a two-sided 95 % interval.
_Z = 1.959963984540054

#: Intersection over union from which two selections are one place (Everingham et al. 2010 for pictures).
_SAME_PLACE = 0.5

#: Places of one document that stay open at most; who has begun more has left the oldest.
_MOST_OPEN = 64

#: What says yes or no; an artist modifies only what was accepted.
_VERDICTS = {"accept": True, "modify": True, "reject": False}

_WORD = re.compile(r"\w+")


def measure(
    project: str, jobs: list[JobInfo], decisions: list[DecisionInfo], versions: list[VersionInfo]
) -> Report:
    """All measures of a project but the shares, which need pixels.

    Args:
        project: its name.
        jobs: with their candidates, oldest first.
        decisions: in the order in which they were made, which counts more than their clocks. What is about
            candidates of none of the jobs is passed over.
        versions: in any order.
    """
    offers = {each.candidate: _Offer(job, each) for job in jobs for each in job.candidates}
    breadths = {job.job: each for job in jobs if (each := _breadth(job)) is not None}
    choices, left = _choices(jobs, decisions, offers)
    story = _Stretch(jobs, decisions, choices, left)

    def parts(key: Callable[[str, float], str]) -> list[Measures]:
        return [_measures(label, each, offers, breadths) for label, each in _divide(story, key).items()]

    return Report(
        project=project,
        whole=_measures(project, story, offers, breadths),
        sessions=sorted(parts(lambda session, _: session), key=lambda each: each.began),
        days=sorted(parts(lambda _, created: _day(created)), key=lambda each: each.label),
        depth=_depth({each.version: each.parent for each in versions}),
        branches=_branches(versions),
    )


# ---- formulas ----------------------------------------------------------------------------------------


def rate(count: int, of: int) -> Rate:
    """A share with its 95 % score interval (Wilson 1927), which holds for few cases and for 0 % too."""
    if not of:
        return Rate(count, of)
    share = count / of
    middle = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    reach = _Z / (1 + _Z**2 / of) * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    # at 0 % and 100 % the interval ends there but for rounding
    low = 0.0 if count == 0 else max(0.0, middle - reach)
    high = 1.0 if count == of else min(1.0, middle + reach)
    return Rate(count, of, share, low, high)


def spread(values: Iterable[float]) -> Spread:
    """Median and quartiles by linear interpolation (type 7 of Hyndman and Fan 1996, numpy's default).

    What is not finite does not count.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Spread(0)
    if len(known) == 1:
        return Spread(1, known[0], known[0], known[0])
    low, median, high = quantiles(known, n=4, method="inclusive")
    return Spread(len(known), median, low, high)


def word_drift(first: str, second: str) -> float | None:
    """How far two prompts are apart: 1 - Jaccard's index of their sets of words (Jaccard 1912), 0 to 1.

    None if neither has a word.
    """
    words, others = (set(_WORD.findall(prompt.casefold())) for prompt in (first, second))
    either = words | others
    return 1 - len(words & others) / len(either) if either else None


def _breadth(job: JobInfo) -> float | None:
    described = [each.descriptor for each in job.candidates if each.descriptor]
    pairs = list(combinations(described, 2))
    return fmean(distance(one, other) for one, other in pairs) if pairs else None


def _overlap(one: Placement, other: Placement) -> float:
    """Intersection over union of two rectangles, 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (one.width * one.height + other.width * other.height - both)


def _depth(parents: dict[str, str]) -> int:
    """The most versions from one to the start of its tree. A parent that is not there counts as the start."""
    depths: dict[str, int] = {}
    for version in parents:
        way: list[str] = []
        step = version
        while step in parents and step not in depths:
            depths[step] = 0  # so that a circle, which only a broken store has, ends
            way.append(step)
            step = parents[step]
        below = depths.get(step, 0)
        for count, each in enumerate(reversed(way), 1):
            depths[each] = below + count
    return max(depths.values(), default=0)


def _branches(versions: list[VersionInfo]) -> int:
    children = Counter((each.document if not each.parent else "", each.parent) for each in versions)
    return sum(count > 1 for count in children.values())


def _day(created: float) -> str:
    try:
        return datetime.fromtimestamp(created, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):  # of no calendar's year
        return "unknown"


# ---- places: what was asked again, and what was chosen at last ---------------------------------------


@dataclass(frozen=True)
class _Offer:
    job: JobInfo
    candidate: CandidateInfo


@dataclass(frozen=True)
class _Choice:
    """The first accept of a candidate."""

    decision: DecisionInfo
    waited: float | None
    iterations: int | None
    divergence: float | None
    drift: float | None


class _Place:
    """The jobs at one place since the last accept there."""

    def __init__(self, job: JobInfo) -> None:
        self.jobs = [job]
        self.open = True

    def holds(self, job: JobInfo) -> bool:
        """Whether a job is asked at this place, as the last one here lies."""
        last = self.jobs[-1]
        if last.candidates and job.candidates:
            one, other = last.candidates[0].placement, job.candidates[0].placement
        elif last.region and job.region:
            one, other = last.region, job.region  # with their surroundings; all that a job without offers has
        else:
            return False
        return _overlap(one, other) >= _SAME_PLACE

    def first_offer(self) -> CandidateInfo | None:
        """The first candidate here that has a description."""
        offers = (each for job in self.jobs for each in _in_order(job) if each.descriptor)
        return next(offers, None)


class _Places:
    """The places of a project as jobs come and candidates are accepted."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, bool], deque[_Place]] = {}
        self.all: list[_Place] = []
        self.of_job: dict[str, _Place] = {}

    def ask(self, job: JobInfo) -> None:
        # fill, vary and refine are one conversation about a selection: "more like this" of a fill is a vary
        near = self._open.setdefault((job.document, job.verb == "expand"), deque(maxlen=_MOST_OPEN))
        place = next((each for each in reversed(near) if each.holds(job)), None)
        if place is None:
            place = _Place(job)
            near.append(place)
            self.all.append(place)
        else:
            place.jobs.append(job)
        self.of_job[job.job] = place

    def close(self, place: _Place) -> int | None:
        """Something was accepted there; the jobs that it took, or None if something had been before."""
        if not place.open:
            return None
        place.open = False
        job = place.jobs[0]
        near = self._open[job.document, job.verb == "expand"]
        if place in near:
            near.remove(place)
        return len(place.jobs)


def _choices(
    jobs: list[JobInfo], decisions: list[DecisionInfo], offers: dict[str, _Offer]
) -> tuple[list[_Choice], list[JobInfo]]:
    """Each candidate's first accept, and the last job of each place where nothing was accepted."""
    places = _Places()
    coming = deque(job for job in jobs if job.candidates or job.state != "failed")
    choices: list[_Choice] = []
    chosen: set[str] = set()
    for decision in decisions:
        offer = offers.get(decision.candidate)
        if decision.kind != "accept" or offer is None or decision.candidate in chosen:
            continue
        chosen.add(decision.candidate)
        # in the order of the clock, but never before the job that it is about, wherever the clock went
        while coming and (coming[0].created <= decision.created or offer.job.job not in places.of_job):
            places.ask(coming.popleft())
        place = places.of_job[offer.job.job]
        choices.append(_choice(decision, offer, place, places.close(place)))
    for job in coming:
        places.ask(job)
    return choices, [place.jobs[-1] for place in places.all if place.open]


def _choice(decision: DecisionInfo, offer: _Offer, place: _Place, iterations: int | None) -> _Choice:
    waited = decision.created - offer.candidate.created
    first = place.first_offer()
    described = first is not None and offer.candidate.descriptor
    return _Choice(
        decision,
        # without a time of its own, or before it: a clock was set back
        waited=waited if offer.candidate.created > 0 and waited >= 0 else None,
        iterations=iterations,
        divergence=distance(first.descriptor, offer.candidate.descriptor) if first and described else None,
        drift=word_drift(place.jobs[0].prompt, offer.job.prompt),
    )


def _in_order(job: JobInfo) -> Sequence[CandidateInfo]:
    return sorted(job.candidates, key=lambda each: each.index)


# ---- a stretch of time -------------------------------------------------------------------------------


@dataclass
class _Stretch:
    """What happened in the whole project, in a session or on a day."""

    jobs: list[JobInfo] = field(default_factory=list[JobInfo])
    decisions: list[DecisionInfo] = field(default_factory=list[DecisionInfo])
    choices: list[_Choice] = field(default_factory=list[_Choice])
    #: Of each place where nothing was accepted, the last job.
    left: list[JobInfo] = field(default_factory=list[JobInfo])


def _divide(story: _Stretch, key: Callable[[str, float], str]) -> dict[str, _Stretch]:
    """A stretch in parts; ``key`` names the part from a session and a time."""
    parts: dict[str, _Stretch] = {}
    for job in story.jobs:
        parts.setdefault(key(job.session, job.created), _Stretch()).jobs.append(job)
    for decision in story.decisions:
        parts.setdefault(key(decision.session, decision.created), _Stretch()).decisions.append(decision)
    for choice in story.choices:
        parts[key(choice.decision.session, choice.decision.created)].choices.append(choice)
    for job in story.left:
        parts[key(job.session, job.created)].left.append(job)
    return parts


def _measures(
    label: str, stretch: _Stretch, offers: dict[str, _Offer], breadths: dict[str, float]
) -> Measures:
    accepted, rejected, first = _verdicts(stretch.decisions, offers)
    times = [each.created for each in (*stretch.jobs, *stretch.decisions)]
    times += [each.created for job in stretch.jobs for each in job.candidates if each.created > 0]
    # a version may be modified again; what is not measured yet says nothing
    edits = {each.version or each.candidate: each for each in stretch.decisions if each.changed is not None}
    choices = stretch.choices
    return Measures(
        label=label,
        host=", ".join(sorted({each.host for each in (*stretch.jobs, *stretch.decisions) if each.host})),
        began=min(times, default=0.0),
        ended=max(times, default=0.0),
        jobs=len(stretch.jobs),
        offered=sum(len(job.candidates) for job in stretch.jobs),
        accepted=accepted,
        rejected=rejected,
        first_accepted=first,
        time_to_accept=_of(each.waited for each in choices),
        iterations=_of(each.iterations for each in choices),
        left_open=len(stretch.left),
        breadth=_of(breadths.get(job.job) for job in stretch.jobs),
        divergence=_of(each.divergence for each in choices),
        prompt_drift=_of(each.drift for each in choices),
        changed=_of(each.changed for each in edits.values()),
        # 0 is what was only erased, or not touched: there are no two colours to compare
        difference=_of(each.difference or None for each in edits.values()),
    )


def _verdicts(decisions: list[DecisionInfo], offers: dict[str, _Offer]) -> tuple[Rate, Rate, Rate]:
    """Accepted and rejected candidates, and jobs whose first was accepted, where anything was decided.

    Of each candidate the last word counts.
    """
    judged: dict[str, JobInfo] = {}
    words: dict[str, bool] = {}
    for decision in decisions:
        offer = offers.get(decision.candidate)
        if offer is not None:
            judged[offer.job.job] = offer.job
            if decision.kind in _VERDICTS:
                words[decision.candidate] = _VERDICTS[decision.kind]
    of = sum(len(job.candidates) for job in judged.values())
    yes = sum(words.values())
    first = sum(words.get(_in_order(job)[0].candidate, False) for job in judged.values())
    return rate(yes, of), rate(len(words) - yes, of), rate(first, len(judged))


def _of(values: Iterable[float | None]) -> Spread:
    return spread(value for value in values if value is not None)
