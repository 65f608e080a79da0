"""A screen that nobody sees, for a browser that draws WebGL only on a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from diagnostics.live.proxy import LiveError


@contextmanager
def screen() -> Iterator[str]:
    """An Xvfb on a free display number, with DISPLAY set to it meanwhile. Raises LiveError."""
    program = shutil.which("Xvfb")
    if program is None:
        raise LiveError("Firefox needs Xvfb to draw this map (Debian: apt-get install xvfb)")
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            [program, "-displayfd", str(writer), "-screen", "0", "1024x768x24"],
            pass_fds=(writer,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.close(writer)
    before = os.environ.get("DISPLAY")
    try:
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise LiveError("Xvfb did not start")
        os.environ["DISPLAY"] = f":{number}"
        yield f":{number}"
    finally:
        if before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = before
        process.terminate()
        process.wait(10)
