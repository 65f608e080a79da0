"""`why403 addon-path`: a path that mitmproxy can load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from diagnostics.cli import main
from diagnostics.cli.addon_path import find
from diagnostics.errors import InputError


def test_it_prints_one_path_that_is_a_script_with_addons() -> None:
    result = CliRunner().invoke(main, ["addon-path"])
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    path = Path(line)
    assert path.is_absolute()
    assert path.name == "why403.py"
    assert "together = Together(" in path.read_text()


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "why403")
    done = subprocess.run([program, "addon-path"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"{find()}\n"


def test_it_does_not_import_mitmproxy() -> None:
    code = (
        "import sys; from diagnostics.cli.addon_path import find; find();"
        "sys.exit('mitmproxy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_where_it_is_missing_the_way_out_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "addons").mkdir()
    (tmp_path / "addons" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "addons", raising=False)
    with pytest.raises(InputError, match="not in this installation"):
        find()
