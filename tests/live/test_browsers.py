"""Finding browsers, and trusting one key only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.live import browsers


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    find = browsers.find
    find.cache_clear()
    yield
    find.cache_clear()


def test_the_environment_names_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mine"
    program.touch()
    monkeypatch.setenv("WHY403_FIREFOX", str(program))
    assert browsers.find("firefox") == program
    browsers.find.cache_clear()
    monkeypatch.setenv("WHY403_FIREFOX", str(tmp_path / "gone"))
    assert browsers.find("firefox") is None


def test_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHY403_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browsers, "_places", lambda browser: [])
    assert browsers.find("chromium") is None
    assert "chromium" in browsers.how_to_get("chromium")
    program = tmp_path / "google-chrome"
    program.touch(mode=0o755)
    browsers.find.cache_clear()
    assert browsers.find("chromium") == program
    browsers.find.cache_clear()
