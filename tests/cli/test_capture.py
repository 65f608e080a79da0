"""`why403 capture` in real browsers and without one, through the program itself."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from diagnostics.cli import main
from diagnostics.cli.capture import page_of
from diagnostics.errors import InputError
from tests.capturing import PROGRAM, TILE, TOKEN, Capture, capturing, dev_server, map_page

in_each_browser = pytest.mark.parametrize(
    "browser",
    [
        pytest.param(name, marks=pytest.mark.browser(name), id=name)
        for name in ("chromium", "firefox")
    ],
)


def check_files(capture: Capture, cause: str, page: str, allowed: str = "shop.example.com") -> None:
    """The three files say the same, and no secret was printed."""
    flow, har, report = (
        capture.output / name for name in ("capture.flow", "capture.har", "report.html")
    )
    entries = json.loads(har.read_text())["log"]["entries"]
    urls = [entry["request"]["url"] for entry in entries]
    assert page in urls
    assert TILE in urls
    assert cause in report.read_text()
    done = subprocess.run(
        [PROGRAM, "diagnose", flow, "--allow", allowed, "--format", "json"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert list(json.loads(done.stdout)["summary"]["by_cause"]) == [cause]
    assert TOKEN.split(".")[1] not in capture.text
    assert TOKEN.split(".")[1] not in report.read_text()
    for file in (flow, har, report):
        assert str(file) in capture.text


@in_each_browser
def test_a_page_of_a_dev_server(tmp_path: Path, browser: str) -> None:
    with dev_server({"/": ({}, map_page())}) as port:
        page = f"http://localhost:{port}/"
        with capturing(
            tmp_path, page, "--browser", browser, "--headless", "--allow", "shop.example.com"
        ) as capture:
            assert "page-not-allowed" in capture.until("403: ")
            assert capture.end() == 1
            assert "The one request to Mapbox was refused; one cause explains it." in capture.text
            assert "Fix (allowed): " in capture.text
            check_files(capture, "page-not-allowed", page)
            assert capture.leavings() == []


@in_each_browser
def test_an_https_page(tmp_path: Path, browser: str) -> None:
    pages = {"/map": ({"Referrer-Policy": "no-referrer"}, map_page())}
    with dev_server(pages, folder=tmp_path) as port:
        page = f"https://localhost:{port}/map"
        with capturing(
            tmp_path, page, "--browser", browser, "--headless", "--allow", "shop.example.com"
        ) as capture:
            assert "referrer-policy-blocks" in capture.until("403: ")
            assert "is not checked: it is on this machine" in capture.text
            assert capture.end(signal.SIGTERM) == 1
            check_files(capture, "referrer-policy-blocks", page)
            assert capture.leavings() == []


@in_each_browser
def test_a_page_in_an_iframe(tmp_path: Path, browser: str) -> None:
    frame = {"/map": ({}, map_page())}
    with dev_server(frame) as inner:
        html = f'<iframe sandbox="allow-scripts" src="http://127.0.0.1:{inner}/map"></iframe>'
        with (
            dev_server({"/": ({}, html)}) as outer,
            capturing(
                tmp_path,
                f"localhost:{outer}",
                "--browser",
                browser,
                "--headless",
                "--allow",
                f"localhost:{outer}",
            ) as capture,
        ):
            # Firefox alone sends a Referer from a sandboxed frame.
            cause = {"chromium": "opaque-origin", "firefox": "page-not-allowed"}[browser]
            assert cause in capture.until("403: ")
            assert capture.end() == 1
            check_files(capture, cause, f"http://127.0.0.1:{inner}/map", f"localhost:{outer}")


@pytest.mark.browser("chromium")
def test_the_host_of_a_frame_is_learnt(tmp_path: Path) -> None:
    page = "https://shop.example.com/map"
    arguments = (page, "--browser", "chromium", "--headless", "--allow", "shop.example.com")
    with capturing(tmp_path, *arguments) as capture:
        assert "referrer-policy-blocks" in capture.until("403: ")
        assert capture.end() == 1
        entries = json.loads((capture.output / "capture.har").read_text())["log"]["entries"]
        urls = [entry["request"]["url"] for entry in entries]
        assert urls.index(page) < urls.index("https://maps.example.net/map")
        assert not [url for url in urls if "mapbox" not in url and "example" not in url]


@pytest.mark.browser("chromium")
def test_the_end_of_the_browser_is_the_end(tmp_path: Path) -> None:
    with dev_server({"/": ({}, map_page())}) as port:
        page = f"http://localhost:{port}/"
        with capturing(tmp_path, page, "--browser", "chromium", "--headless") as capture:
            capture.until("403: ")
            profile = str(capture.temporary).encode()
            roots = [
                number
                for number in capture.processes()
                if b"--user-data-dir=" + profile in Path(f"/proc/{number}/cmdline").read_bytes()
                and b"--type=" not in Path(f"/proc/{number}/cmdline").read_bytes()
                and b"crashpad" not in Path(f"/proc/{number}/cmdline").read_bytes()
            ]
            assert len(roots) == 1
            subprocess.run(["kill", "-KILL", str(roots[0])], check=True)
            assert capture.wait() == 1
            assert (capture.output / "report.html").exists()
            assert capture.leavings() == []


@pytest.mark.browser("chromium")
def test_one_s_own_profile_stays(tmp_path: Path) -> None:
    with dev_server({"/": ({}, map_page())}) as port:
        arguments = (f"localhost:{port}", "--browser", "chromium", "--headless")
        with capturing(tmp_path, *arguments, "--profile", "none") as capture:
            capture.until("Your own profile of Chromium is used")
            capture.until("403: ")
            assert capture.end() == 1
            assert (capture.home / ".config" / "chromium" / "Default").is_dir()


@pytest.mark.browser("chromium")
def test_a_page_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # nobody listens there
        port = listener.getsockname()[1]
        page = f"http://localhost:{port}/"
        arguments = (page, "--browser", "chromium", "--headless", "--for", "4")
        with capturing(tmp_path, *arguments) as capture:
            assert capture.wait() == 2
            assert f"localhost:{port} cannot be reached" in capture.text
            assert "Is the server running, and on that port?" in capture.text
            assert f"Error: Nothing of {page} came" in capture.text


@in_each_browser
def test_without_a_display_the_browser_quits(tmp_path: Path, browser: str) -> None:
    arguments = ("http://localhost:9/", "--browser", browser)
    with capturing(tmp_path, *arguments, DISPLAY=":7777") as capture:
        assert capture.wait() == 2
        assert "ended at once" in capture.text
        assert "use --headless with --for SECONDS" in capture.text
        assert "Traceback" not in capture.text
        assert not capture.output.exists()
        assert capture.leavings() == []


def fetch(capture: Capture, url: str, *, trusting: bool = True) -> tuple[int, str]:
    """Ask for a URL through the proxy, as the command says: status and body."""
    address = capture.until("Proxy: ").split()[-1]
    ca = capture.until("CA certificate: ").split()[-1]
    capture.until("hold secrets")
    context = ssl.create_default_context(cafile=ca if trusting else None)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"http": address, "https": address}),
        urllib.request.HTTPSHandler(context=context),
    )
    try:
        with opener.open(urllib.request.Request(url), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_without_browser_and_display(tmp_path: Path) -> None:
    with (
        dev_server({"/": ({}, "hello")}) as port,
        capturing(tmp_path, "--no-browser", "--allow", "shop.example.com") as capture,
    ):
        assert fetch(capture, f"http://localhost:{port}/") == (200, "hello")
        status, page = fetch(capture, capture.until("shows the causes").split()[4])
        assert status == 200
        assert "why403" in page
        assert fetch(capture, "http://www.example.net/")[0] == 502
        assert fetch(capture, TILE) == (403, '{"message":"Forbidden"}')
        assert "non-browser-client" in capture.until("403: ")
        with pytest.raises(urllib.error.URLError):
            fetch(capture, TILE, trusting=False)
        capture.until("does not trust the proxy’s certificate for api.mapbox.com")
        # Another host's connection passes unread, and the emulation lets nothing out.
        with pytest.raises(urllib.error.URLError):
            fetch(capture, "https://www.example.org/")
        assert capture.end(signal.SIGTERM) == 1
        report = (capture.output / "report.html").read_text()
        assert "passed unread" in report
        assert "www.example.org" in report
        har = (capture.output / "capture.har").read_text()
        assert "example.org" not in har
        assert "example.net" not in har
        assert "why403.test" not in har
        assert capture.leavings() == []


def test_it_ends_by_itself(tmp_path: Path) -> None:
    with capturing(tmp_path, "--no-browser", "--for", "0.5") as capture:
        assert capture.wait() == 0
        assert "This capture holds no request to a map provider." in capture.text


def test_mitmweb_beside_it(tmp_path: Path) -> None:
    with capturing(tmp_path, "--no-browser", "--web") as capture:
        address = capture.until("mitmweb: ").split()[-1]
        assert "characters" not in address
        assert fetch(capture, TILE)[0] == 403
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert b"mitmproxy" in answer.read()
        assert capture.end() == 1


def test_only_the_user_may_read_the_traffic(tmp_path: Path) -> None:
    with capturing(tmp_path, "--no-browser") as capture:
        fetch(capture, TILE)
        (session,) = capture.temporary.iterdir()
        assert session.stat().st_mode & 0o777 == 0o700
        assert capture.end() == 1
        assert capture.output.stat().st_mode & 0o777 == 0o700
        for name in ("capture.flow", "capture.har"):
            assert (capture.output / name).stat().st_mode & 0o077 == 0


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with capturing(tmp_path, "--no-browser", "--port", port) as capture:
            assert capture.wait() == 2
            assert f"Error: Port {port} is taken" in capture.text
            assert not capture.output.exists()


def run(*arguments: str, folder: Path, **environment: str | None) -> tuple[int, str]:
    with contextlib.chdir(folder):
        result = CliRunner(env=environment).invoke(main, ["capture", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--no-browser", "--headless"], "--no-browser opens none"),
        (["--no-browser", "--profile", "none"], "--no-browser opens none"),
        (["--allow", "a.example", "--unrestricted"], "contradict each other"),
        (["ftp://example.com/"], "is no page"),
        (["http://"], "is no page"),
        (["--also", "co.uk"], "“co.uk” is no host"),
        (["--also", "a b"], "“a b” is no host"),
        (["--tokens", "nowhere.json"], "No such file"),
        (["--browser", "lynx"], "'lynx' is not one of"),
        (["--for", "0"], "--for"),
        (["--port", "70000"], "--port"),
    ],
)
def test_wrong_usage_starts_nothing(tmp_path: Path, arguments: list[str], says: str) -> None:
    status, output = run(*arguments, folder=tmp_path)
    assert status == 2
    assert says in output
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_display_is_said_before_anything_starts(tmp_path: Path) -> None:
    program = tmp_path / "chrome"
    program.touch(mode=0o755)
    status, output = run(
        "http://localhost:3000/",
        folder=tmp_path,
        WHY403_CHROME=str(program),
        DISPLAY=None,
        WAYLAND_DISPLAY=None,
    )
    assert status == 2
    assert re.match("Error: There is no display here .* --headless .* --no-browser", output)


@pytest.mark.parametrize("name", ["capture.flow", "capture.har"])
def test_an_earlier_capture_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    status, output = run("--no-browser", "-o", str(tmp_path), folder=tmp_path)
    assert (status, output) == (
        2,
        f"Error: {tmp_path}: holds a capture already. Name another folder.\n",
    )
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(name, b"x")]


def test_a_link_is_not_followed_to_what_it_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "capture.flow").symlink_to(tmp_path / "elsewhere")
    status, output = run("--no-browser", "-o", str(folder), folder=tmp_path)
    assert status == 2
    assert "holds a capture already" in output
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:3000", "http://localhost:3000/"),
        ("localhost:3000", "http://localhost:3000/"),
        ("127.0.0.1:8000/a", "http://127.0.0.1:8000/a"),
        ("[::1]:8000", "http://[::1]:8000/"),
        ("shop.example.com/map", "https://shop.example.com/map"),
        ("https://Shop.example.com", "https://shop.example.com/"),
    ],
)
def test_a_page_as_a_person_writes_it(text: str, url: str) -> None:
    assert page_of(text).href == url


def test_a_page_on_disk(tmp_path: Path) -> None:
    file = tmp_path / "map.html"
    file.touch()
    assert page_of(str(file)).href == file.as_uri()
    with pytest.raises(InputError):
        page_of("javascript://alert(1)")
