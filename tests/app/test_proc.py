from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.proc import process_tree, tree_cpu_us

if TYPE_CHECKING:
    from collections.abc import Iterator

# A parent whose child burns a tenth of a second of processor time and says so, then waits to be told to end.
BURN = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.1: pass\nprint('burnt', flush=True); input()"
PARENT = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {BURN!r}]))"


@contextmanager
def family() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "burnt\n"
        yield parent


def test_a_tree_holds_the_process_and_what_descends_from_it() -> None:
    with family() as parent:
        tree = process_tree(parent.pid)
        parent.communicate("\n")

    assert tree[0] == parent.pid
    assert len(tree) == 2
    assert os.getpid() not in tree


def test_a_process_that_is_gone_has_no_tree() -> None:
    with family() as parent:
        parent.communicate("\n")

    assert process_tree(parent.pid) == []
    assert tree_cpu_us(parent.pid) == 0


def test_processor_time_counts_children_while_they_live_and_after_they_ended() -> None:
    child_ends = "import subprocess, sys; subprocess.call([sys.executable, '-c', 'sum(range(5_000_000))']); print('done', flush=True); input()"
    with family() as parent:
        assert tree_cpu_us(parent.pid) >= 100_000
        parent.communicate("\n")
    with subprocess.Popen(
        [sys.executable, "-c", child_ends], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert len(process_tree(parent.pid)) == 1
        assert tree_cpu_us(parent.pid) > 20_000
        parent.communicate("\n")
