# SPDX-License-Identifier: Apache-2.0
"""All that is said to the hub, and its errors in words. huggingface_hub is imported when it is needed.

A mirror is named by ``HF_ENDPOINT``, an account by ``HF_TOKEN``; ``HF_HUB_OFFLINE`` forbids all of it: these
are huggingface_hub's own. Files go over plain HTTP, not over Xet: that can be taken up again in the middle of
a file and goes through any mirror.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from ..protocol.errors import (
    AuthenticationFailed,
    BadRequest,
    BridgeError,
    ConnectionLost,
    NotFound,
    OutOfSpace,
    Unsupported,
)
from .extra import INSTALL

__all__ = ["Hub", "Listing", "Remote", "disk_error"]

#: Not in every system's errno.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}

#: Where mirrors may send one on to.
_HOST = "huggingface.co"


@dataclass(frozen=True)
class Remote:
    """A file: its path in the repository, its bytes, and its hash.

    ``sha256`` is that of the content, for large files; else ``blob`` is git's: SHA-1 over a head and that.
    """

    path: str
    size: int
    sha256: str = ""
    blob: str = ""

    @property
    def hash(self) -> str:
        """The one that there is."""
        return self.sha256 or self.blob


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit."""

    repo: str
    commit: str
    licence: str
    gated: bool
    files: tuple[Remote, ...]


class Hub:
    """The hub, or a mirror of it.

    Args:
        endpoint: its address; by default what ``HF_ENDPOINT`` says, or huggingface.co.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        try:
            import huggingface_hub  # noqa: PLC0415 - an extra, and slow to import
            from huggingface_hub import (  # noqa: PLC0415
                errors,
                file_download,
                utils,
            )
        except ImportError as error:
            raise Unsupported(
                "Models can't be loaded from the hub: huggingface_hub is missing.",
                f"Install it: {INSTALL}",
            ) from error
        huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # read from the environment on import
        utils.disable_progress_bars()
        utils.logging.set_verbosity_error()
        self._errors: Any = errors
        self._files: Any = file_download
        self._headers: Any = cast("Any", utils).build_hf_headers
        self._api: Any = huggingface_hub.HfApi(endpoint=endpoint)
        self.endpoint: str = self._api.endpoint

    def listing(self, repo: str, revision: str = "") -> Listing:
        """All files of a repository, with sizes and hashes.

        Raises:
            BridgeError: it can't be had; the words say why.
        """
        with self._worded(repo, revision):
            info: Any = self._api.model_info(repo, revision=revision or None, files_metadata=True)
        card: Any = info.card_data or {}
        licence = str(card.get("license_name") or card.get("license") or "not said")
        siblings: list[Any] = info.siblings or []
        files = tuple(_remote(each) for each in siblings)
        return Listing(repo, str(info.sha), licence, bool(info.gated), files)

    def fetch(self, listing: Listing, file: Remote, into: BinaryIO, *, done: int) -> None:
        """Load a file, from byte ``done`` on, to the end of ``into``, which holds that many.

        Raises:
            BridgeError: it broke off, or can't be had; the words say why.
        """
        headers: dict[str, str] = self._headers(library_name="bridge-server")
        with self._worded(listing.repo, listing.commit):
            address = self._files.hf_hub_url(
                listing.repo, file.path, revision=listing.commit, endpoint=self.endpoint
            )
            found = self._files.get_hf_file_metadata(address, headers=dict(headers), endpoint=self.endpoint)
            if urlsplit(str(found.location)).netloc not in {urlsplit(self.endpoint).netloc, _HOST}:
                headers.pop("authorization", None)  # the file lies elsewhere, and the token is for the hub
            self._files.http_get(
                found.location, into, resume_size=done, headers=headers, expected_size=file.size
            )

    @contextmanager
    def _worded(self, repo: str, revision: str) -> Generator[None]:
        """Errors of the library, the network and the disk in words."""
        kinds = self._errors
        network: type[Exception] = kinds.HfHubHTTPError.__mro__[1]  # of httpx, whose name has changed before
        try:
            yield
        except kinds.OfflineModeIsEnabled as error:
            raise ConnectionLost("HF_HUB_OFFLINE is set: nothing is loaded.", "Unset it to go on.") from error
        except kinds.GatedRepoError as error:
            raise self._gated(repo) from error
        except kinds.RevisionNotFoundError as error:
            raise NotFound(f"{repo} has no revision {revision!r}.", "Leave it out for the newest.") from error
        except (kinds.RepositoryNotFoundError, kinds.EntryNotFoundError) as error:
            raise NotFound(
                f"The hub has no {repo} that you may see.",
                "Look at the spelling. A private one needs your token: set HF_TOKEN.",
            ) from error
        except kinds.HFValidationError as error:
            raise BadRequest(f"{repo!r} is no repository's name.", "They look like owner/name.") from error
        except kinds.HfHubHTTPError as error:
            raise self._refused(repo, getattr(error.response, "status_code", 0)) from error
        except network as error:
            why = str(error).strip().rstrip(".") or type(error).__name__
            raise ConnectionLost(
                f"The connection to {self.endpoint} failed: {why}.",
                "Look at the network, or name a mirror with HF_ENDPOINT.",
            ) from error
        except OSError as error:
            if error.errno is None:  # how the library says that too little came
                raise ConnectionLost(f"The download of {repo} broke off.") from error
            raise disk_error(error) from error

    def _gated(self, repo: str) -> BridgeError:
        return AuthenticationFailed(
            f"The makers of {repo} give it only to those who accept their licence.",
            f"Accept it at {self.endpoint}/{repo}, make a token at {self.endpoint}/settings/tokens and set"
            " HF_TOKEN to it (or run: hf auth login).",
        )

    def _refused(self, repo: str, status: int) -> BridgeError:
        if status in {401, 403}:
            return AuthenticationFailed(
                f"The hub gives you no access to {repo}.",
                "Set HF_TOKEN to a token that is valid and may read it.",
            )
        if status == 404:
            return NotFound(f"The hub has no {repo}.", "Look at the spelling.")
        return ConnectionLost(f"The hub can't give {repo} now (status {status}).", "Try later.")


def disk_error(error: OSError) -> BridgeError:
    """What hindered the writing of what is loaded, in words."""
    if error.errno in _FULL:
        return OutOfSpace("The disk is full.", "Make room.")
    return BridgeError(f"The files can't be written: {error.strerror}.")


def _remote(entry: Any) -> Remote:
    lfs = entry.lfs
    if lfs is not None:
        return Remote(str(entry.rfilename), int(lfs["size"]), sha256=str(lfs["sha256"]))
    return Remote(str(entry.rfilename), int(entry.size or 0), blob=str(entry.blob_id or ""))
