# SPDX-License-Identifier: Apache-2.0
"""What the hub's errors are in words. The files that come from it are tested with pulling."""

import errno
import io
import sys

import pytest

from bridge_server.models.hub import Hub, Remote, disk_error
from bridge_server.protocol.errors import BridgeError, ConnectionLost, OutOfSpace, Unsupported
from hub import COMMIT, Repo, serving


def test_without_the_library_it_says_what_to_install(monkeypatch):
    """The core install has none."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(Unsupported) as caught:
        Hub()
    assert 'pip install "bridge-server[diffusers]"' in caught.value.hint


def test_a_listing_has_sizes_and_hashes():
    """SHA-256 for large files, git's for small ones; the commit, the licence."""
    pytest.importorskip("huggingface_hub", reason="asking the hub needs bridge-server[diffusers]")
    files = {"a.json": b"{}", "b.safetensors": b"123"}
    with serving({"o/r": Repo(files, licence="mit", gated=True)}) as served:
        listing = Hub(served.endpoint).listing("o/r")
    small, large = listing.files
    assert (small.size, bool(small.sha256), len(small.hash)) == (2, False, 40)
    assert (large.size, large.hash, len(large.hash)) == (3, large.sha256, 64)
    assert (listing.commit, listing.licence, listing.gated) == (COMMIT, "mit", True)


def test_no_network_is_said(monkeypatch):
    """With the address that was tried, for the list and for a file."""
    pytest.importorskip("huggingface_hub", reason="asking the hub needs bridge-server[diffusers]")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with serving({"o/r": Repo({"a.json": b"{}"})}) as gone:
        hub = Hub(gone.endpoint)
        listing = hub.listing("o/r")
    with pytest.raises(ConnectionLost, match=gone.endpoint):
        hub.listing("o/r")
    with pytest.raises(ConnectionLost, match=gone.endpoint):
        hub.fetch(listing, Remote("a.json", 2), io.BytesIO(), done=0)


def test_an_address_that_is_none_is_said_in_one_sentence(monkeypatch):
    """The library's own words end with a full stop already."""
    pytest.importorskip("huggingface_hub", reason="asking the hub needs bridge-server[diffusers]")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(ConnectionLost) as caught:
        Hub("mirror").listing("o/r")
    assert caught.value.message.endswith(".")
    assert not caught.value.message.endswith("..")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_that_is_out_of_order_is_said(monkeypatch, status):
    """With its status; that something stays is said by who knows whether anything was loaded."""
    pytest.importorskip("huggingface_hub", reason="asking the hub needs bridge-server[diffusers]")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with serving({"o/r": Repo({"a.json": b"{}"})}) as served:
        hub = Hub(served.endpoint)
        listing = hub.listing("o/r")
        served.status = {"a.json": status}
        with pytest.raises(ConnectionLost, match=f"status {status}") as caught:
            hub.fetch(listing, Remote("a.json", 2), io.BytesIO(), done=0)
    assert caught.value.hint == "Try later."


def test_errors_of_the_disk_are_told_apart():
    """A full one, and one that may not be written to."""
    full = disk_error(OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(full, OutOfSpace)
    assert full.hint == "Make room."
    other = disk_error(OSError(errno.EACCES, "Permission denied"))
    assert type(other) is BridgeError
    assert "Permission denied" in other.message
