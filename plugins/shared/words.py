# SPDX-License-Identifier: GPL-3.0-or-later
"""What things are called and how trouble is told, in the host's language."""

from __future__ import annotations

from bridge_server.protocol.errors import BridgeError
from bridge_server.protocol.records import Setting

from .model import Job
from .texts import _, ngettext

__all__ = [
    "choice_title",
    "explain",
    "guide_title",
    "guide_words",
    "layer_name",
    "placed_words",
    "setting_title",
    "setting_words",
    "state_words",
    "verb_title",
]

#: The longest name of a layer.
_NAME = 60


def verb_title(verb: str) -> str:
    """The name of a verb, as on its button."""
    titles = {"fill": _("Fill"), "expand": _("Expand"), "vary": _("Vary"), "refine": _("Refine")}
    return titles.get(verb, verb)


def guide_title(kind: str) -> str:
    """What a kind of guide is called; empty: none."""
    titles = {
        "": _("No guide"),
        "scribble": _("Scribble"),
        "lineart": _("Line art"),
        "canny": _("Edges"),
        "depth": _("Depth"),
        "style": _("Style"),
    }
    return titles.get(kind, kind)


def guide_words(kind: str) -> str:
    """What the active layer has to hold for a kind of guide."""
    words = {
        "scribble": _("The active layer holds a rough sketch, dark on light or on nothing."),
        "lineart": _("The active layer holds clean lines, dark on light or on nothing."),
        "canny": _("The edges of what the active layer holds are found and kept."),
        "depth": _("The active layer says how near things are: the lighter, the nearer."),
        "style": _("The result gets the style and colours of the active layer."),
    }
    return words.get(kind, "")


def setting_title(setting: Setting) -> str:
    """What one of an engine's own settings is called; unknown ones are named by the engine."""
    titles = {
        "Steps": _("Steps"),
        "Guidance": _("Guidance"),
        "Sampler": _("Sampler"),
        "Seamless": _("Seamless"),
        "LoRAs": _("LoRAs"),
    }
    return titles.get(setting.title) or setting.title or setting.name


def setting_words(setting: Setting) -> str:
    """What it does, and what it is by itself."""
    known = {
        "More steps take longer and are finer.": _("More steps take longer and are finer."),
        "How closely the words are followed.": _("How closely the words are followed."),
        "Left meets right (x), top meets bottom (y): for textures.": _(
            "Left meets right (x), top meets bottom (y): for textures."
        ),
    }
    words = known.get(setting.description) or setting.description
    if setting.kind in ("integer", "number") and setting.default is not None:
        usual = _("By default {value}.").format(value=setting.default)
        words = f"{words}\n{usual}" if words else usual
    return words


def choice_title(choice: str) -> str:
    """One of a setting's choices; the empty one leaves it to the engine."""
    return choice or _("Default")


def state_words(job: Job) -> str:
    """How a job stands, in a few words."""
    made, wanted = job.drafts
    if job.finishing and not job.finished:
        return _("being finished")
    if job.state == "running" and made < wanted:
        return _("sketching {made} of {wanted}").format(made=made, wanted=wanted)
    if job.state == "running":
        return _("{made} of {count} made").format(made=len(job.candidates), count=job.count)
    if job.state == "queued" and job.position > 1:
        return _("waiting, {position} in line").format(position=job.position)
    words = {
        "sending": _("being sent"),
        "queued": _("waiting"),
        "done": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
    }
    return words.get(job.state, job.state)


def layer_name(job: Job, index: int) -> str:
    """What a layer or group made of candidate ``index`` is called: the prompt, if there was one."""
    name = " ".join(job.prompt.split()) or verb_title(job.verb)
    if len(name) > _NAME:
        name = name[: _NAME - 1].rstrip() + "…"
    return f"{name} {index + 1}" if job.count > 1 else name


def explain(error: BridgeError) -> str:
    """An error in words; what is not translated here is said as the daemon said it."""
    known = {
        "connection_lost": _("The connection to the daemon was lost."),
        "worker_died": _("The process that was computing this ended unexpectedly. Ask again."),
        "interrupted": _("The daemon ended while it was computing this, more than once. Ask again."),
        "out_of_space": _("The disk with the daemon's data is full. Make room and ask again."),
        "too_busy": _("Too much is waiting already. Cancel something first."),
        "daemon_stopping": _("The daemon is just ending. Start it again."),
        "cancelled": _("Cancelled."),
        "conflict": _("Another program has moved this document's history meanwhile."),
        "authentication_failed": _("The daemon does not accept this plugin's token. Start the daemon again."),
    }
    return known.get(error.wire_code) or str(error)


def placed_words(name: str, how: str, count: int) -> str:
    """What accept has done."""
    if how == "into":
        return _("Merged into the active layer: {name}").format(name=name)
    if how == "group":
        text = ngettext(
            "Placed as a group with {count} candidate: {name}",
            "Placed as a group with {count} candidates: {name}",
            count,
        )
        return text.format(count=count, name=name)
    return _("Placed as a new layer: {name}").format(name=name)
