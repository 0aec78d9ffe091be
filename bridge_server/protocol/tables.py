# SPDX-License-Identifier: Apache-2.0
"""All messages between a client and the daemon: the tables that both ends decode by."""

from __future__ import annotations

from typing import Any

from . import history as h
from . import messages as m
from . import projects as p
from . import report as r
from . import steering as s
from . import taste as t
from . import versions as v
from .records import JobInfo

__all__ = ["EVENTS", "OPS"]

#: op -> (type of params, type of result)
OPS: dict[str, tuple[type[Any], type[Any]]] = {
    request.op: (request, result)
    for request, result in (
        (m.Hello, m.Welcome),
        (m.Status, m.DaemonStatus),
        (m.Engines, m.EngineList),
        (m.Echo, m.Echo),
        (m.Fill, m.Submitted),
        (m.Expand, m.Submitted),
        (m.Vary, m.Submitted),
        (m.Refine, m.Submitted),
        (m.Cancel, m.Ack),
        (s.Steer, s.Steered),
        (s.Finish, s.Steered),
        (m.GetJob, JobInfo),
        (m.ListJobs, m.JobList),
        (m.Fetch, m.CandidateDone),
        (m.Watch, JobInfo),
        (m.Stop, m.Ack),
        (p.ListProjects, p.ProjectList),
        (p.GetProject, p.ProjectInfo),
        (p.Follow, p.ProjectInfo),
        (p.DeleteProject, p.Collected),
        (p.ExportProject, p.Exported),
        (p.ImportProject, p.ProjectInfo),
        (p.Collect, p.Collected),
        (v.Accept, v.Accepted),
        (v.Reject, v.Decisions),
        (v.Modify, v.DecisionInfo),
        (v.More, m.Submitted),
        (v.Less, m.Submitted),
        (v.Undo, v.Moved),
        (v.Redo, v.Moved),
        (v.Go, v.Moved),
        (v.Mark, v.VersionInfo),
        (v.GetTree, v.Tree),
        (v.GetVersion, v.VersionDone),
        (h.History, h.HistoryPage),
        (h.GetInputs, h.JobInputs),
        (h.Compare, h.Comparison),
        (t.GetTaste, t.TasteInfo),
        (t.SetTaste, t.TasteInfo),
        (t.Forget, t.TasteInfo),
        (t.SaveTaste, t.TasteData),
        (t.LoadTaste, t.TasteInfo),
        (t.Suggest, t.Suggestion),
        (r.GetReport, r.Report),
    )
}

#: topic -> type of body
EVENTS: dict[str, type[Any]] = {
    "job.state": m.JobState,
    "job.progress": m.JobProgress,
    "job.preview": m.Preview,
    "job.drafts": m.DraftsProgress,
    "job.candidate": m.CandidateDone,
    "job.steered": s.Steered,
    "project.job": p.ProjectJob,
    "project.decision": v.DecisionInfo,
    "project.version": v.VersionInfo,
    "project.head": v.Head,
    "project.taste": t.TasteChanged,
    "project.deleted": p.ProjectDeleted,
    "store.collected": p.Collected,
    "daemon.engines": m.EngineList,
    "daemon.stops": m.DaemonStops,
}
