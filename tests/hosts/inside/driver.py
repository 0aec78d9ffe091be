# SPDX-License-Identifier: Apache-2.0
"""Runs inside a host program: takes Python from the tests over a socket and runs it where the host allows.

Each host's starter decides when ``Driver.serve_one`` is called: on the thread that owns the host's API.
"""

import ast
import pickle
import select
import socket
import struct
import traceback

_PLAIN = (type(None), bool, int, float, str, bytes)


def _check_plain(value):
    """Objects of the host stay in the host: the tests could not take them apart."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple, set)):
        for part in value:
            _check_plain(part)
    elif type(value) not in _PLAIN:
        raise TypeError(f"only plain values travel, this is {value!r}")


class Driver:
    """The far end of ``hosts.host.Line``."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.names = {"__name__": "driven"}

    def fileno(self):
        """For the host's main loop to watch."""
        return self.socket.fileno()

    def waiting(self, seconds=0.0):
        """Whether a request has come."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def serve_one(self):
        """Take a request, run it, answer; False when the tests hung up."""
        head = self._take(4)
        if head is None:
            return False
        number, code, values = pickle.loads(self._take(*struct.unpack("!I", head)))
        try:
            value = self._run(code, values)
            _check_plain(value)
            packed = pickle.dumps((number, True, value), protocol=4)
        except BaseException:  # noqa: BLE001  a test's mistake must reach the test, whatever it is
            packed = pickle.dumps((number, False, traceback.format_exc()), protocol=4)
        try:
            self.socket.sendall(struct.pack("!I", len(packed)) + packed)
        except OSError:
            return False
        return True

    def _run(self, code, values):
        """Run statements; the value of the last one if it is an expression."""
        self.names.update(values)
        tree = ast.parse(code, "<test>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<test>", "exec"), self.names)
        if last is None:
            return None
        return eval(compile(ast.Expression(last.value), "<test>", "eval"), self.names)

    def _take(self, size):
        taken = b""
        while len(taken) < size:
            try:
                part = self.socket.recv(size - len(taken))
            except OSError:
                return None
            if not part:
                return None
            taken += part
        return taken
