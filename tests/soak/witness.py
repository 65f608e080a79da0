"""mitmproxy script: what a user would see of the diagnosis, written down flow by flow.

Comes after `addons/why403.py`. Writes a line for each verdict on a finished flow (the number that
the soak gave the request) and for each error that anybody logs.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import TextIO

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

from addons.contentview import KEY

_NUMBER = re.compile(r"[?&]n=(\d+)")


class Witness(logging.Handler):
    name = "witness"

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._file: TextIO | None = None
        self.flows = 0

    def load(self, loader: Loader) -> None:
        loader.add_option("witness_log", str, "", "Where to write.")

    def running(self) -> None:
        self._file = Path(ctx.options.witness_log).open("w", encoding="utf-8")  # noqa: SIM115
        logging.getLogger().addHandler(self)

    def done(self) -> None:
        logging.getLogger().removeHandler(self)
        self._write({"flows": self.flows})
        if self._file is not None:
            self._file.close()

    def response(self, flow: http.HTTPFlow) -> None:
        self.flows += 1
        number = _NUMBER.search(flow.request.path)
        if number and KEY in flow.metadata:
            verdict = flow.metadata[KEY]
            self._write({"n": int(number[1]), "cause": verdict["cause"]})

    def error(self, flow: http.HTTPFlow) -> None:
        self.flows += 1

    def emit(self, record: logging.LogRecord) -> None:
        self._write({"error": record.getMessage(), "trace": str(record.exc_info or "")})

    def _write(self, line: object) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


addons = [Witness()]
