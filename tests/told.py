# SPDX-License-Identifier: Apache-2.0
"""Records as a daemon would tell them, for the tests of what is shown."""

from bridge_server.protocol.records import CandidateInfo, JobInfo, Placement
from bridge_server.protocol.versions import DecisionInfo, VersionInfo

PLACE = Placement(10, 20, 30, 40)


def version(ident, parent="", /, **fields):
    """A version, by default of a fill without words, made in Krita in 1970."""
    return VersionInfo(
        **{
            "version": ident,
            "project": "p",
            "document": "",
            "parent": parent,
            "candidate": f"c-{ident}",
            "job": "j0b",
            "verb": "fill",
            "prompt": "",
            "created": 0.0,
            "session": "s",
            "host": "krita",
            "placement": PLACE,
            **fields,
        }
    )


def decision(candidate, kind, made="", changed=None):
    """A decision."""
    return DecisionInfo("d", "p", candidate, kind, "s", "krita", 0.0, made, changed)


def candidate(index, **fields):
    """A candidate of the job, c0 being the first."""
    return CandidateInfo(f"c{index}", "j0b", index, 40 + index, PLACE, 0.5, **fields)


def job(**fields):
    """A fill."""
    told = {"verb": "fill", "state": "done", "host": "krita", "engine_version": "1", **fields}
    return JobInfo(
        job="j0b", seq=1, session="s", project="p", engine="patchmatch", count=2, created=0.0, **told
    )
