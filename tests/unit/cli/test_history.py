# SPDX-License-Identifier: Apache-2.0
"""Looking back, in words."""

from bridge_server.cli.history import block, find
from bridge_server.protocol.history import History, HistoryEntry, HistoryPage
from bridge_server.protocol.records import Placement
from told import candidate, decision, job, version


class Daemon:
    """Has a history of ``count`` jobs and answers page by page, at most 30 a page."""

    def __init__(self, count):
        self.asked = []
        self._entries = [HistoryEntry(job(seed=number)) for number in range(count, 0, -1)]

    def call(self, request):
        """The page."""
        self.asked.append(request)
        rest = [each for each in self._entries if not request.before or each.job.seed < request.before]
        page = rest[: min(request.limit, 30)]
        return HistoryPage(page, page[-1].job.seed if len(page) < len(rest) else 0)


def test_pages_are_asked_for_until_there_is_enough():
    """The daemon decides how long a page is; the search goes into each request."""
    daemon = Daemon(100)
    found, more = find(daemon, History(text="a", starred=True), 70)
    assert [each.job.seed for each in found] == list(range(100, 30, -1))
    assert more
    assert {(each.text, each.starred) for each in daemon.asked} == {("a", True)}
    assert [each.limit for each in daemon.asked] == [70, 40, 10]


def test_the_last_page_ends_the_search():
    """Exactly as many as asked, fewer, or none: then there is no more."""
    for count in (0, 5, 40):
        found, more = find(Daemon(count), History(), 40)
        assert (len(found), more) == (count, False)


def test_a_job_shows_what_was_asked_with_what_and_what_became_of_it():
    """One block, candidates in their order, each with its decision."""
    done = job(
        prompt="a heron",
        negative_prompt="text",
        strength=0.8,
        parameters={"radius": 5},
        model="sd15",
        region=Placement(1, -2, 30, 40),
        drafts=12,
        unlike="c9",
        document="cover",
        candidates=[candidate(1, offered="near"), candidate(0)],
    )
    lines = block(HistoryEntry(done, [decision("c0", "accept", "v1")], [version("v1", starred=True)]))
    assert lines[0].endswith('  krita  document "cover"  fill')
    assert lines[1] == '  "a heron"'
    assert " ".join(line.strip() for line in lines[2:-2]) == (
        'engine patchmatch 1, job j0b, model sd15, without "text", strength 0.8, radius 5, '
        "30 x 40 pixels at 1, -2, chosen from 12 drafts, unlike c9"
    )
    assert lines[-2:] == ["  1  c0  seed 40  accepted as version v1 ★", "  2  c1  seed 41  near"]


def test_a_verbs_own_default_goes_without_saying():
    """A refine has another strength than a fill, and only a vary an amount."""
    assert "strength" not in " ".join(block(HistoryEntry(job(verb="refine", strength=0.5))))
    assert "strength 1" in " ".join(block(HistoryEntry(job(verb="refine", strength=1.0))))
    assert "amount 0.3" in " ".join(block(HistoryEntry(job(verb="vary", amount=0.3))))


def test_a_job_that_came_to_nothing_says_why():
    """The state in the first line, the reason below."""
    failed = job(state="failed", error_message="Too dark.", error_hint="Ask again.")
    lines = block(HistoryEntry(failed))
    assert lines[0].endswith("fill  failed")
    assert lines[-1] == "  Too dark. Ask again."
    assert block(HistoryEntry(job(state="cancelled")))[0].endswith("fill  cancelled")


def test_no_line_is_wider_than_a_terminal():
    """Long prompts and decisions are broken, and nothing of them is lost."""
    prompt = "evening light over the pond " * 20
    decisions = [decision("c0", kind) for kind in ("reject", "more", "less")]
    decisions.append(decision("c0", "accept", "0123456789abcdef"))
    named = version("0123456789abcdef", name="the one with the long name")
    lines = block(HistoryEntry(job(prompt=prompt, candidates=[candidate(0)]), decisions, [named]))
    assert max(map(len, lines)) <= 80
    assert prompt.split() == " ".join(lines).split('"')[1].split()
    assert "the one with the long name" in lines[-1]
