"""The screen that nobody sees."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from diagnostics.live.display import screen
from diagnostics.live.proxy import LiveError


def test_without_xvfb_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LiveError, match="apt-get install xvfb"), screen(tmp_path):
        pass


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb: apt-get install xvfb")
def test_display_is_set_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with screen(tmp_path) as name:
        assert os.environ["DISPLAY"] == name
        assert name.startswith(":")
    assert "DISPLAY" not in os.environ
