"""Runs suspect work in a child process, with the worker as its witness.

An entry whose workers keep dying may be what kills them, or the machine may simply be rebooting often. Only one
observation tells the two apart: the child that runs it dies while its parent lives.

The child is a fresh interpreter. A fork of a process with threads copies locks that nobody will ever release (psycopg's
pool, logging, malloc), and multiprocessing's spawn imports the parent's `__main__` again; both hang or surprise now
and then, and this code runs when things go wrong already. Starting costs about a second, which a suspect may cost.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_LENGTH = struct.Struct(">Q")
_LONGEST_REASON = 4_000
_POLL_S = 0.02


class Suspects(Protocol):
    """What runs in the child."""

    def run_suspect(self, payload: bytes) -> None:
        """Do the work described by *payload*, or raise."""


class Ending(StrEnum):
    """How a suspect's run ended."""

    DONE = "done"
    RAISED = "raised"
    AWAY = "away"
    """A dependency could not be reached: says nothing about the suspect."""
    DIED = "died"
    HUNG = "hung"
    ABANDONED = "abandoned"
    """The worker is stopping: says nothing about the suspect."""


@dataclass(frozen=True, slots=True)
class Verdict:
    ending: Ending
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sacrifice:
    """Starts children. *target* names a `Suspects`, or what makes one, as `module:attribute`."""

    target: str
    time_limit_s: float = 60.0
    mourning_s: float = 1.0
    """How long the witness waits before it blames the dead. Whoever kills a whole group of processes reaches the
    witness within this time, and then nobody is blamed."""

    def run(
        self, payload: bytes, is_stopping: Callable[[], bool], *, pause_on: tuple[type[BaseException], ...] = ()
    ) -> Verdict:
        """Run *payload* in a child and tell how that ended. Exceptions of *pause_on* end it as `AWAY`."""
        reader, writer = os.pipe()
        program = f"from {__name__} import main; main({writer})"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        request = msgspec.msgpack.encode(
            {
                "target": self.target,
                "payload": payload,
                "pause_on": [_name(kind) for kind in pause_on],
            }
        )
        with os.fdopen(reader, "rb") as answers:
            child = subprocess.Popen(
                [sys.executable, "-c", program], stdin=subprocess.PIPE, pass_fds=(writer,), env=environment
            )
            os.close(writer)
            try:
                return self._witness(child, request, answers, is_stopping)
            finally:
                # The child ends by itself when its standard input does; this only makes it sooner.
                child.kill()
                if child.stdin:
                    _close_quietly(child.stdin)
                child.wait()

    def _witness(
        self, child: subprocess.Popen[bytes], request: bytes, answers: Any, is_stopping: Callable[[], bool]
    ) -> Verdict:
        _send(child, request)
        deadline = time.monotonic() + self.time_limit_s
        while child.poll() is None:
            if is_stopping():
                return Verdict(Ending.ABANDONED)
            if time.monotonic() > deadline:
                return Verdict(Ending.HUNG, f"its process hung for more than {self.time_limit_s:g} s")
            time.sleep(_POLL_S)
        if answer := answers.read():
            return msgspec.msgpack.decode(answer, type=Verdict)
        mourned = time.monotonic() + self.mourning_s
        while time.monotonic() < mourned:
            if is_stopping():
                return Verdict(Ending.ABANDONED)
            time.sleep(_POLL_S)
        return Verdict(Ending.DIED, f"its process died ({_cause(child.returncode)})")


def main(answers: int) -> None:
    """Be the child: read a request from standard input, answer on the descriptor *answers*."""
    stdin = sys.stdin.buffer
    (length,) = _LENGTH.unpack(stdin.read(_LENGTH.size))
    request = msgspec.msgpack.decode(stdin.read(length))
    # Nothing more is ever sent, so the end of the input means that the witness is gone: then there is nobody to tell.
    threading.Thread(target=lambda: (stdin.read(), os._exit(1)), daemon=True).start()
    verdict = _judge(request)
    with os.fdopen(answers, "wb") as out:
        out.write(msgspec.msgpack.encode(verdict))
    # Threads that the work has left behind must not keep the child.
    os._exit(0)


def _judge(request: dict[str, Any]) -> Verdict:
    try:
        module, _, attribute = request["target"].partition(":")
        suspects = getattr(import_module(module), attribute)
        if not hasattr(suspects, "run_suspect"):
            suspects = suspects()
        suspects.run_suspect(request["payload"])
    except Exception as error:  # noqa: BLE001 (whatever it is, the witness is told)
        away = {_name(kind) for kind in type(error).__mro__} & set(request["pause_on"])
        return Verdict(Ending.AWAY if away else Ending.RAISED, describe(error))
    return Verdict(Ending.DONE)


def describe(error: BaseException) -> str:
    """Return what an exception says and where it came from, the end of a long traceback first to go."""
    lines = traceback.format_exception(error)
    return f"{type(error).__name__}: {error}\n{''.join(lines)}"[:_LONGEST_REASON]


def _send(child: subprocess.Popen[bytes], request: bytes) -> None:
    if child.stdin is None:
        raise RuntimeError("the child has no standard input")
    try:
        child.stdin.write(_LENGTH.pack(len(request)) + request)
        child.stdin.flush()
    except BrokenPipeError:
        # It died before it could read; that is found out in a moment.
        return


def _close_quietly(stream: Any) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


def _cause(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
