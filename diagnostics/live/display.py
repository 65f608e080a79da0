"""A screen that nobody sees, for a browser that draws WebGL only on a screen."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diagnostics.live.proxy import LiveError
from diagnostics.live.throwaway import Start, start_plainly

_SECONDS_TO_START = 30
_NUMBER = re.compile(r"^(\d+)\n", re.MULTILINE)


@contextmanager
def screen(folder: Path, start: Start = start_plainly) -> Iterator[str]:
    """An Xvfb on a free display number, with DISPLAY set to it meanwhile; what it says goes into
    `folder`. Raises LiveError."""
    program = shutil.which("Xvfb")
    if program is None:
        raise LiveError("Firefox needs Xvfb to draw this map (Debian: apt-get install xvfb)")
    output = folder / "xvfb.txt"
    process = start([program, "-displayfd", "1", "-screen", "0", "1024x768x24"], output, None)
    before = os.environ.get("DISPLAY")
    try:
        deadline = time.monotonic() + _SECONDS_TO_START
        number = None
        while number is None and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
            number = _NUMBER.search(output.read_text(errors="replace"))
        if number is None:
            raise LiveError("Xvfb did not start")
        os.environ["DISPLAY"] = f":{number[1]}"
        yield f":{number[1]}"
    finally:
        if before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = before
        process.terminate()
        process.wait(10)
