"""Watches one session from outside: when it ends, however it ends, nothing of it stays.

Run as a program of its own, `python -I -S guard.py FOLDER`, with a pipe to the session as its
standard input: `+123` and `-123` begin and end the care for a process group. When the pipe
closes, which the system does even where the session was killed, the groups that are left are
killed and the folder is deleted. Uses nothing but the standard library, and little of it.

`python -I -S guard.py --start FD PROGRAM ...` becomes PROGRAM after it has told its own process
group to the guard through the pipe FD. The pipe stays open until then, so that there is no moment
in which a program runs of which the guard does not know.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

_ATTEMPTS = 50  # a browser that is being killed still writes for a moment


def watch(lines: Iterable[bytes], folder: str) -> None:
    """Read `lines` to their end, then clean up."""
    groups: set[int] = set()
    for line in lines:
        sign, number = line[:1], line[1:].strip()
        if number.isdigit():
            (groups.add if sign == b"+" else groups.discard)(int(number))
    for group in groups:
        kill(group)
    remove(folder)


def kill(group: int) -> None:
    """Kill a process group at once; one that is gone already is no error."""
    if sys.platform == "win32":
        os.system(f"taskkill /F /T /PID {group} >NUL 2>&1")
        return
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)


def remove(folder: str) -> None:
    """Delete a folder with all that is in it, as soon as nobody writes there any more."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.1)


def start(descriptor: int, command: list[str]) -> None:
    """Tell the guard of this process and become the program `command`."""
    with contextlib.suppress(OSError):  # without the guard the session cleans up itself
        os.write(descriptor, b"+%d\n" % os.getpid())
        os.close(descriptor)
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, its heir shall not
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def main() -> None:
    """What this file does as a program; see above."""
    if sys.argv[1] == "--start":
        start(int(sys.argv[2]), sys.argv[3:])
    # A signal to the whole process group (Ctrl-C, a closed terminal) is for the session.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    watch(sys.stdin.buffer, sys.argv[1])


if __name__ == "__main__":
    main()
