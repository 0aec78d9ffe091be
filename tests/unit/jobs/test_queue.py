# SPDX-License-Identifier: Apache-2.0
"""Which task goes next."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bridge_server.jobs.queue import Entry, TaskQueue


def queue_of(*entries):
    """A queue with (job, session, priority) or (job, session) entries."""
    queue = TaskQueue()
    for job, session, *priority in entries:
        queue.add(Entry(job, session, *(priority or [0]), (0,)))
    return queue


def drain(queue):
    """The jobs in the order in which they go."""
    jobs = []
    while (entry := queue.pop()) is not None:
        jobs.append(entry.job)
    return jobs


def test_an_empty_queue_has_nothing():
    """pop is None and the order empty."""
    assert TaskQueue().pop() is None
    assert TaskQueue().order() == []


def test_one_session_is_served_in_its_order():
    """First come, first served."""
    assert drain(queue_of(("a", "s"), ("b", "s"), ("c", "s"))) == ["a", "b", "c"]


def test_sessions_take_turns():
    """Someone who asks for much does not make another wait for all of it."""
    queue = queue_of(("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b"))
    assert drain(queue) == ["a1", "b1", "a2", "b2", "a3"]


def test_a_newcomer_goes_before_who_was_served():
    """A session that was never served is first among equals."""
    queue = queue_of(("a1", "a"), ("a2", "a"))
    queue.pop()
    queue.add(Entry("b1", "b", 0, (0,)))
    assert drain(queue) == ["b1", "a2"]


def test_priority_goes_before_fairness():
    """A higher priority is served first, whoever asks."""
    assert drain(queue_of(("a1", "a"), ("b1", "b", -1), ("a2", "a", 5), ("a3", "a", 5))) == [
        "a2",
        "a3",
        "a1",
        "b1",
    ]


def test_drop_takes_out_all_tasks_of_a_job():
    """And tells which they were."""
    queue = queue_of(("a", "s"), ("b", "s"), ("a", "s"))
    assert [entry.job for entry in queue.drop("a")] == ["a", "a"]
    assert len(queue) == 1
    assert drain(queue) == ["b"]


def test_the_memory_of_who_was_served_is_bounded():
    """A daemon that runs for months with a new session each minute does not grow."""
    queue = TaskQueue()
    for number in range(2000):
        queue.add(Entry(str(number), f"s{number}", 0, (0,)))
        queue.pop()
    assert len(queue._served) <= 257


_ENTRIES = st.lists(
    st.tuples(st.sampled_from("pqrstu"), st.sampled_from("abc"), st.integers(-1, 1)), max_size=14
)


@given(_ENTRIES, st.integers(0, 5))
def test_the_order_told_is_the_order_that_happens(entries, served):
    """order() foretells in which order the first tasks of jobs are popped if nothing is added."""
    queue = queue_of(*entries)
    for _ in range(served):
        queue.pop()
    told = queue.order()
    assert told == list(dict.fromkeys(drain(queue)))


@given(_ENTRIES)
def test_nothing_is_lost_and_priorities_never_sink(entries):
    """Every task is popped once, no higher priority after a lower one."""
    queue = queue_of(*entries)
    popped = []
    while (entry := queue.pop()) is not None:
        popped.append(entry)
    assert Counter((e.job, e.session, e.priority) for e in popped) == Counter(entries)
    assert [e.priority for e in popped] == sorted((e.priority for e in popped), reverse=True)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_while_two_sessions_wait_neither_is_served_twice_in_a_row(sessions):
    """Fairness among equals, whatever the order of arrival."""
    queue = queue_of(*((str(n), session) for n, session in enumerate(sessions)))
    last = None
    while (entry := queue.pop()) is not None:
        others = {waiting.session for waiting in queue._entries} - {entry.session}
        assert entry.session != last or not others
        last = entry.session


def test_what_fits_is_taken_in_the_order_of_the_line():
    """As long as there is room; what is too many stays, and who was served waits next time."""
    queue = TaskQueue()
    for job, session, priority, count in (
        ("a", "s", 0, 2), ("b", "t", 0, 3), ("c", "u", 5, 2), ("d", "v", 0, 9), ("e", "w", 0, 1),
        ("x", "x", 0, 1),
    ):  # fmt: skip
        queue.add(Entry(job, session, priority, tuple(range(count))))
    taken = queue.take(lambda entry: entry.job != "x", 6)
    assert [entry.job for entry in taken] == ["c", "a", "e"]
    assert drain(queue) == ["b", "d", "x"]
    assert TaskQueue().take(lambda _: True, 16) == []


def test_none_is_taken_before_one_of_a_higher_priority_that_stays():
    """Whether that one does not fit or is too large; its equals may."""
    for count, fits in ((1, lambda entry: entry.job != "x"), (5, lambda _: True)):
        queue = TaskQueue()
        queue.add(Entry("low", "s", -1, (0,)))
        for job, much in (("x", count), ("b", 1)):
            queue.add(Entry(job, job, 0, tuple(range(much))))
        queue.add(Entry("high", "t", 1, (0,)))
        assert [entry.job for entry in queue.take(fits, 4)] == ["high", "b"]
        assert drain(queue) == ["x", "low"]


def test_a_task_is_named_by_its_job_and_what_it_makes():
    """So a worker's answers are told apart."""
    assert Entry("a", "s", 0, (1, 3)).name == "a:1,3"
    assert Entry("a", "s", 0, (0,), drafts=True).name == "a:d0"
