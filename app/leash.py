"""Turns into another program that cannot outlive its parent, as another user if asked to.

Run as a script in front of every child (`python -I -S leash.py PARENT SIGNAL UID GID ARGV…`): the kernel sends SIGNAL to the
program when the parent is gone, so a killed supervisor leaves nothing running. A script and not `preexec_fn`, which is
unsafe beside threads. The user changes first, because a change of user takes the leash off. UID and GID are `-` to keep.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # From linux/prctl.h.


def main() -> None:
    parent, death_signal, uid, gid, *argv = sys.argv[1:]
    if uid != "-":
        os.chdir("/")  # Where the new user may be.
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.Signals(int(death_signal)).value, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("The parent was gone before its child had started.")
    os.umask(0o077)
    os.execv(argv[0], argv)  # noqa: S606 - no shell is the point.


if __name__ == "__main__":
    main()
