"""Turns a drawing into a PNG with a browser of this machine, which shows nothing else and asks
nobody: headless, with a throwaway profile and no network."""

from __future__ import annotations

import subprocess
from pathlib import Path

from diagnostics.desk.request_picture import Drawing
from diagnostics.live import browsers
from diagnostics.live.chromium import needs_no_sandbox
from diagnostics.live.throwaway import Throwaway, throwaway

_SECONDS = 40.0
_SCALE = 2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_of(drawing: Drawing) -> tuple[bytes | None, str]:
    """The PNG of a drawing, or None and why there is none, as a sentence."""
    installed = list(browsers.installed())
    if not installed:
        return None, "No browser was found that could turn it into a PNG."
    why = ""
    for browser, program in installed:
        snap = browsers.snap_of(program)
        within = Path.home() / "snap" / snap / "common" if snap else None
        try:
            with throwaway(within) as session:
                png = _shot(session, browser.family, program, drawing)
        except OSError as error:
            why = f"{browser.title} could not be started: {error.strerror or error}."
            continue
        if png is not None:
            return png, ""
        why = f"{browser.title} made no picture of it."
    return None, why


def _shot(session: Throwaway, family: str, program: Path, drawing: Drawing) -> bytes | None:
    source, target = session.path / "request.svg", session.path / "request.png"
    source.write_text(drawing.svg, encoding="utf-8")
    profile = session.path / "profile"
    profile.mkdir()
    size = f"--window-size={drawing.width},{drawing.height}"
    if family == "firefox":
        (profile / "user.js").write_text(_FIREFOX, encoding="utf-8")
        command = ["--headless", "--no-remote", "--profile", str(profile), f"--screenshot={target}"]
        command += [size, source.as_uri()]
    else:
        command = ["--headless=new", "--hide-scrollbars", "--no-first-run", "--disable-gpu", size]
        command += [f"--user-data-dir={profile}", f"--screenshot={target}"]
        command += [
            f"--force-device-scale-factor={_SCALE}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ]
        command += ["--disable-background-networking", *_no_sandbox(), source.as_uri()]
    process = session.start([str(program), *command], session.path / "said.txt")
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        session.end(process)
    png = target.read_bytes() if target.is_file() else b""
    return png if png.startswith(_SIGNATURE) else None


_FIREFOX = (
    'user_pref("network.proxy.type", 1);\n'
    'user_pref("network.proxy.http", "127.0.0.1");\nuser_pref("network.proxy.http_port", 1);\n'
    'user_pref("network.proxy.ssl", "127.0.0.1");\nuser_pref("network.proxy.ssl_port", 1);\n'
    f'user_pref("layout.css.devPixelsPerPx", "{_SCALE}.0");\n'
)


def _no_sandbox() -> list[str]:
    return ["--no-sandbox"] if needs_no_sandbox() else []
