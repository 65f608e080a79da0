"""A judge that kills its worker, or never comes back, for files whose name says so."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from diagnostics.batch import judge as real
from diagnostics.journey.told import Told


def judge(tasks: Sequence[real.Task], told: Told, base: str = "") -> list[real.Outcome]:
    for task in tasks:
        name = Path(task.place.path).name
        if "fatal" in name:
            os.kill(os.getpid(), signal.SIGKILL)
        if "raises" in name:
            raise OSError("no such thing")
        if "endless" in name:
            time.sleep(600)
    return real.judge(tasks, told, base)
