# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue: a row for each job that is not finished, and for each that failed until it is taken note of."""

from __future__ import annotations

from plugins.shared.model import Job
from plugins.shared.studio import Studio
from plugins.shared.texts import _
from plugins.shared.words import state_words

from .pieces import Bar, Elided, column, flat_button, row
from .qt import QFrame, QLabel, QPalette, QSizePolicy, Qt, QWidget
from .slots import Slots
from .strip_model import heading

__all__ = ["JobsView"]


class JobsView(QWidget):
    """Rows are kept as long as their job is there, and updated in place."""

    def __init__(self, studio: Studio, slots: Slots) -> None:
        super().__init__()
        self._studio, self._slots = studio, slots
        self.rows: dict[str, JobRow] = {}
        self._column = column(self, 2)
        self.setAccessibleName(_("Queue"))

    def show_jobs(self) -> None:
        """Take what there is from the studio."""
        jobs = self._studio.queue()
        wanted = {job.id for job in jobs}
        for gone in [key for key in self.rows if key not in wanted]:
            old = self.rows.pop(gone)
            self._column.removeWidget(old)
            old.hide()
            old.deleteLater()
        for place, job in enumerate(jobs):
            if job.id not in self.rows:
                self.rows[job.id] = JobRow(job.id, self._studio, self._slots)
            job_row = self.rows[job.id]
            if self._column.indexOf(job_row) != place:
                self._column.insertWidget(place, job_row)
            job_row.show_job(job)
        self.setVisible(bool(jobs))


class JobRow(QFrame):
    """What is being made, how far it is, and how to change or end that."""

    def __init__(self, job_id: str, studio: Studio, slots: Slots) -> None:
        super().__init__()
        self.title, self.state = Elided(), Elided()
        self.trouble = QLabel()
        self.trouble.setWordWrap(True)
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        self.trouble.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.bar = Bar()
        self._studio = studio
        self.steer = flat_button("steer", _("Go on with the panel's present settings"))
        self.steer.clicked.connect(slots(lambda: studio.steer(job_id)))
        self.finish = flat_button("finish", _("Take it now: finish from what there is"))
        self.finish.clicked.connect(slots(lambda: studio.finish(job_id)))
        self.cancel = flat_button("cancel", _("Cancel; what is made already stays"))
        self.cancel.clicked.connect(slots(lambda: studio.cancel(job_id)))
        self.dismiss = flat_button("close", _("Take note, and remove it from this list"))
        self.dismiss.clicked.connect(slots(lambda: studio.dismiss(job_id)))
        words = QWidget()
        lines = column(words, 0)
        lines.addWidget(self.title)
        lines.addWidget(self.state)
        layout = column(self, 2)
        layout.addLayout(row(words, self.steer, self.finish, self.cancel, self.dismiss, spacing=1))
        layout.addWidget(self.trouble)
        layout.addWidget(self.bar)

    def show_job(self, job: Job) -> None:
        """Only what differs is set."""
        failed = job.state == "failed"
        self.title.set_whole(heading(job))
        self.state.set_whole(state_words(job))
        self.state.setForegroundRole(QPalette.ColorRole.WindowText)
        if self.trouble.text() != job.trouble:
            self.trouble.setText(job.trouble)
        self.bar.set_share(job.done)
        self.trouble.setVisible(failed and bool(job.trouble))
        self.bar.setVisible(not failed)
        self.steer.setVisible(not failed)
        self.cancel.setVisible(not failed)
        self.dismiss.setVisible(failed)
        self.finish.setVisible(not failed and self._studio.can_finish(job.id))
        for button, why_not in (
            (self.steer, self._studio.why_not_steer(job.id)),
            (self.finish, self._studio.why_not_finish(job.id)),
        ):
            button.setEnabled(not why_not)
            title = button.accessibleName()
            button.setToolTip(f"{title}\n{why_not}" if why_not else title)
