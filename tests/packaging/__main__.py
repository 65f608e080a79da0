"""Is what we hand out whole? `python -m tests.packaging [PYTHON...]` (`make package`).

Builds wheel and source distribution, checks what is in them, installs each in a clean environment
of every Python that is given, far from the checkout, and runs the program there as a newcomer
would. Prints one row an installation and leaves with 1 where one does not work. Fetches the
dependencies from the package index that pip is set up for.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tabulate import tabulate

from diagnostics import __version__

ROOT = Path(__file__).parents[2]
PAGE, ALLOWED = "helmet-gl3-chromium.mitmproxy.har", "shop.example.com"
#: What stands in both, and what must not.
NEEDED = (
    "diagnostics/py.typed", "diagnostics/causes/page-not-allowed.md", "addons/why403.py",
    "diagnostics/report/report.schema.json", f"fixtures/captures/{PAGE}",
)  # fmt: skip
UNWANTED = re.compile(r"(^|/)(tests|\.ci|\.git|\.venv[^/]*|__pycache__|\.hypothesis)(/|$)|\.pyc$")


class BrokenError(Exception):
    """An installation that does not work; the message says where."""


def run(*command: str | Path, folder: Path, status: int = 0) -> str:
    """What a command prints, far from the checkout. Raises BrokenError for another status."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=clean, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != status:
        said = (done.stdout + done.stderr).strip()[-1500:]
        raise BrokenError(f"{' '.join(map(str, command))}: {done.returncode}, not {status}\n{said}")
    return done.stdout


def build(folder: Path) -> list[Path]:
    """Wheel and source distribution, from the checkout."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder)
    return sorted(folder.glob("why403-*"))


def names_in(package: Path) -> list[str]:
    """The files of a distribution, without the source distribution's own folder."""
    if package.suffix == ".whl":
        return zipfile.ZipFile(package).namelist()
    with tarfile.open(package) as archive:
        return [member.name.partition("/")[2] for member in archive if member.isfile()]


def check_contents(package: Path) -> None:
    """Raises BrokenError where something is missing or should not be there."""
    names = names_in(package)
    missing = [name for name in NEEDED if name not in names]
    unwanted = [name for name in names if package.suffix == ".whl" and UNWANTED.search(name)]
    if missing or unwanted:
        raise BrokenError(f"{package.name}: missing {missing}, unwanted {unwanted[:5]}")


def check_installed(program: Path, folder: Path) -> float:
    """Use an installed program; the seconds that `--version` takes. Raises BrokenError."""
    python = program.with_name("python")
    where = Path(
        run(python, "-c", "import diagnostics; print(diagnostics.__file__)", folder=folder)
    )
    if ROOT in where.parents:
        raise BrokenError(f"{where} is in the checkout")
    started = time.perf_counter()
    version = run(program, "--version", folder=folder)
    took = time.perf_counter() - started
    expect(version.strip() == f"why403 {__version__}", f"--version: {version}")
    capture = where.parents[1].joinpath("fixtures", "captures", PAGE)
    report = json.loads(
        run(program, "diagnose", capture, "--allow", ALLOWED, "--format", "json", folder=folder,
            status=1)
    )  # fmt: skip
    expect(report["summary"]["by_cause"] == {"referrer-policy-blocks": 1}, str(report["summary"]))
    expect("Referrer-Policy" in run(program, "demo", folder=folder), "demo")
    for name in re.findall(r"^  ([a-z][a-z-]+)  ", run(program, "--help", folder=folder), re.M):
        run(program, name, "--help", folder=folder)
    addon = run(program, "addon-path", folder=folder).strip()
    said = run(
        program.with_name("mitmdump"), "-q", "-n", "-r", capture.with_suffix(".flow"), "-s", addon,
        "--set", f"why403_allow={ALLOWED}", "--set", "why403_report=-", folder=folder,
    )  # fmt: skip
    expect("referrer-policy-blocks" in said, f"mitmdump with the addon says: {said}")
    return took


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenError(otherwise)


def with_pip(python: str, package: Path, folder: Path) -> Path:
    """A clean environment with the package in it; its program."""
    run(python, "-m", "venv", folder / "venv", folder=folder)
    fresh = folder / "venv" / "bin"
    run(fresh / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package,
        folder=folder)  # fmt: skip
    return fresh / "why403"


def with_pipx(python: str, package: Path, folder: Path) -> Path:
    """As pipx installs it: an environment of its own, the program linked elsewhere."""
    homes = {"PIPX_HOME": f"{folder / 'pipx'}", "PIPX_BIN_DIR": f"{folder / 'bin'}"}
    assignments = [f"{name}={value}" for name, value in homes.items()]
    run("env", *assignments, sys.executable, "-m", "pipx", "install", "--python", python, package,
        folder=folder)  # fmt: skip
    expect((folder / "bin" / "why403").exists(), "pipx linked no program")
    return (folder / "bin" / "why403").resolve()


def main(pythons: Sequence[str]) -> int:
    rows, failed = [], False
    with tempfile.TemporaryDirectory(prefix="why403-package-") as temporary:
        dist = Path(temporary) / "dist"
        dist.mkdir()
        packages = build(dist)
        for package in packages:
            check_contents(package)
            size, count = package.stat().st_size / 1e6, len(names_in(package))
            print(f"{package.name}: {size:.1f} MB, {count} files")
        ways: list[tuple[str, Callable[[str, Path, Path], Path], Path]] = [
            *(("pip", with_pip, package) for package in packages),
            ("pipx", with_pipx, packages[0]),
        ]
        for python in pythons or [sys.executable]:
            version = run(python, "-c", "import platform; print(platform.python_version())",
                          folder=dist).strip()  # fmt: skip
            for number, (way, install, package) in enumerate(ways):
                folder = Path(temporary) / f"{version}-{number}"
                folder.mkdir()
                try:
                    took = check_installed(install(python, package, folder), folder)
                except BrokenError as error:
                    failed = True
                    print(error, file=sys.stderr)
                    result = "broken"
                else:
                    result = f"works, --version in {took:.2f} s"
                print(f"Python {version}, {way}, {package.name}: {result}", file=sys.stderr)
                rows.append((version, way, package.name, result))
    print(tabulate(rows, ("Python", "installed by", "package", "result"), disable_numparse=True))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
