"""What runs in the children of `test_sacrifice`. Imported by name, in a process of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path


class AwayError(ConnectionError):
    """A dependency is away."""


class Suspects:
    """Does what the payload says."""

    def run_suspect(self, payload: bytes) -> None:
        action, _, argument = payload.decode().partition(" ")
        match action:
            case "write":
                Path(argument).write_text(str(os.getpid()))
            case "raise":
                raise ValueError(argument)
            case "away":
                raise AwayError(argument)
            case "kill":
                if argument:
                    Path(argument).write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(int(argument))
            case "segfault":
                ctypes.string_at(0)
            case "hang":
                Path(argument).write_text(str(os.getpid()))
                time.sleep(600)


def make() -> Suspects:
    return Suspects()


ready = Suspects()
