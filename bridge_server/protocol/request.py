# SPDX-License-Identifier: Apache-2.0
"""What all requests have in common."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

__all__ = ["Change", "Request", "Submit"]

R = TypeVar("R")


class Request(Generic[R]):
    """What a client asks; ``R`` is the type of the answer."""

    op: ClassVar[str]


class Submit(Request[R]):
    """A request that makes a job.

    ``job`` is its id, chosen by the client so that asking again after a lost connection makes no second one.
    """

    job: str


class Change(Request[R]):
    """A request that changes a project, once.

    ``key`` is chosen by the client: asked again with the same key after a lost connection it changes nothing
    and brings the first answer. 1 to 64 of ``A-Z a-z 0-9 _ -``; the Python client fills in one of its own.
    """

    key: str
