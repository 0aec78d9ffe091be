# SPDX-License-Identifier: Apache-2.0
"""A small hub on this machine: as much of the real one's API as huggingface_hub uses to pull a model."""

import hashlib
import json
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

__all__ = ["COMMIT", "FakeHub", "Repo", "serving"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repo:
    """A repository: path -> content. ``.safetensors`` files are large ones, with a SHA-256."""

    files: dict
    licence: str = "openrail"
    gated: bool = False
    revisions: tuple = ("main", COMMIT)


@dataclass
class FakeHub:
    """What is served, what goes wrong, and what was asked.

    Attributes:
        repos: by name.
        cut: path -> how many bytes of it may go out in all; where they end, the connection closes.
        flaky: path -> how many bytes of it go out each time, before the connection closes.
        held: path -> after how many bytes of it nothing more comes, but the connection stays.
        waiting: set when that point is reached.
        on_file: called with the path before a file's content goes out.
        forged: path -> other content of the same length that goes out instead.
        status: path -> an HTTP status instead of the file.
        moved: paths that lie on another host: the hub only says where.
        tokens: the Authorization headers that the other host was shown.
        asked: (method, path in the repository or of the API, Range header or None), in order.
    """

    endpoint: str = ""
    repos: dict = field(default_factory=dict)
    cut: dict = field(default_factory=dict)
    flaky: dict = field(default_factory=dict)
    held: dict = field(default_factory=dict)
    waiting: threading.Event = field(default_factory=threading.Event)
    on_file: object = None
    forged: dict = field(default_factory=dict)
    status: dict = field(default_factory=dict)
    moved: set = field(default_factory=set)
    tokens: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    agents: set = field(default_factory=set)

    def got(self):
        """The files whose content was asked for: (path, Range)."""
        return [
            (path, range_) for method, path, range_ in self.asked if method == "GET" and "/api/" not in path
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_):
        """Quiet."""

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/models/"):
            self._info(path)
        elif path.startswith("/elsewhere/"):
            repo, _, file = path.removeprefix("/elsewhere/").partition("/-/")
            self.hub.tokens.append(self.headers.get("Authorization"))
            self.hub.asked.append((self.command, file, self.headers.get("Range")))
            self._content(file, self.hub.repos[repo].files[file])
        elif "/resolve/" in path:
            repo, _, rest = path[1:].partition("/resolve/")
            revision, _, file = rest.partition("/")
            self._file(repo, revision, file)
        else:
            self._send(404, b"", {})

    def _info(self, path):
        self.hub.asked.append((self.command, path, None))
        self.hub.agents.add(self.headers.get("User-Agent", ""))
        name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
        repo = self.hub.repos.get(name)
        if repo is None:  # the real one answers so to those without an account
            self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif (revision or "main") not in repo.revisions:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            info = {
                "id": name, "modelId": name, "sha": COMMIT, "gated": "auto" if repo.gated else False,
                "private": False, "tags": [], "downloads": 0, "likes": 0,
                "cardData": {"license": repo.licence},
                "siblings": [_sibling(*each) for each in repo.files.items()],
            }  # fmt: skip
            self._send(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, name, revision, path):
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        repo = self.hub.repos.get(name)
        if repo is None or revision not in repo.revisions or path not in repo.files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif repo.gated and self.headers.get("Authorization") != "Bearer hf_let_me_in":
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        elif path in self.hub.moved:
            self._elsewhere(name, path, repo.files[path])
        elif path in self.hub.status:
            self._send(self.hub.status[path], b"", {})
        else:
            self._content(path, repo.files[path])

    def _elsewhere(self, name, path, content):
        place = self.hub.endpoint.replace("127.0.0.1", "localhost")
        head = {"Location": f"{place}/elsewhere/{name}/-/{path}", "X-Repo-Commit": COMMIT}
        head |= {"X-Linked-Etag": f'"{_hash(path, content)}"', "X-Linked-Size": str(len(content))}
        self._send(302, b"", head)

    def _content(self, path, content):
        head = {"ETag": f'"{_hash(path, content)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        content = self.hub.forged.get(path, content)
        asked = self.headers.get("Range")
        if asked:
            begin = int(asked.removeprefix("bytes=").partition("-")[0])
            head["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            content = content[begin:]
        if self.command == "GET" and self.hub.on_file:
            self.hub.on_file(path)
        cut = self.hub.cut.get(path, self.hub.flaky.get(path))
        if path in self.hub.cut and self.command == "GET":
            self.hub.cut[path] = max(0, cut - len(content))
        if path in self.hub.held and self.command == "GET":
            cut = self.hub.held[path]
        self._send(206 if asked else 200, content, head, cut)
        if path in self.hub.held and self.command == "GET":
            self.wfile.flush()
            self.hub.waiting.set()
            with suppress(OSError):
                self.rfile.read(1)  # until the other side goes

    def _send(self, status, content, head, cut=None):
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with suppress(OSError):  # the other side went
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True


def _hash(path, content):
    if path.endswith(".safetensors"):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sibling(path, content):
    entry = {"rfilename": path, "size": len(content), "blobId": _hash(f"{path}.git", content)}
    if path.endswith(".safetensors"):
        entry["lfs"] = {"sha256": _hash(path, content), "size": len(content), "pointerSize": 134}
    return entry


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self._open = []

    def get_request(self):
        """Remember the connection."""
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def server_close(self):
        """Connections that clients kept end too: nobody answers any more."""
        super().server_close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that went away is no one's fault; anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving(repos):
    """A hub with these repositories (name -> ``Repo``), until the end of the block."""
    hub = FakeHub(repos=dict(repos))
    server = _Server(type("Handler", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
