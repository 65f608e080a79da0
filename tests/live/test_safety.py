"""What SECURITY.md promises of the proxy, shown at the program itself with plain clients.

Each test is a promise of its table. The servers are this machine's, the provider is emulated.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from diagnostics.live.throwaway import remove_stale
from tests.capturing import TOKEN, Capture, capturing, dev_server

linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
LIVE = "http://why403.test/"
EVIL = "http://evil.example"
BUTTONS = {"/allow": '{"entries": "evil.example"}', "/try": '{"changes": ["csp-=sandbox"]}'}
OURS = "mitmproxy"  # who signed a certificate that the proxy made
_SECONDS = 20.0


class Running:
    """A capture of https://shop.example.com/map, with mitmweb, and two servers of this machine
    that speak TLS: one that was named with `--also` by its port, and another one."""

    def __init__(self, capture: Capture, named: int, other: int) -> None:
        self.capture, self.named, self.other = capture, named, other
        self.port = int(capture.until("Proxy: ").rsplit(":", 1)[1])
        self.ca = capture.until("CA certificate: ").split()[-1]
        self.web = int(re.findall(r":(\d+)/", capture.until("mitmweb: "))[0])
        capture.until("hold secrets")

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        trust = ssl.create_default_context(cafile=self.ca)
        proxy = f"http://127.0.0.1:{self.port}"
        with httpx.Client(proxy=proxy, verify=trust, trust_env=False, timeout=_SECONDS) as client:
            yield client

    def ask(self, method: str, url: str, **sent: str) -> httpx.Response:
        body = sent.pop("body", "")
        fields = {name.replace("_", "-"): value for name, value in sent.items()}
        with self.client() as client:
            return client.request(method, url, headers=fields, content=body)

    def say(self, request: str, port: int = 0) -> tuple[int, str]:
        """Status and body of the answer to what is sent straight to a port, the proxy's if none."""
        with socket.create_connection(("127.0.0.1", port or self.port), _SECONDS) as plain:
            plain.sendall(f"{request}\n\n".replace("\n", "\r\n").encode())
            with http.client.HTTPResponse(plain) as answer:
                answer.begin()
                return answer.status, answer.read().decode()

    def signer(self, target: str, sni: str | None) -> str:
        """Who signed the certificate that a tunnel to `target` shows, asked for `sni`; nobody
        where it shows none."""
        lax = ssl.create_default_context()
        lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), _SECONDS) as plain:
            plain.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            assert b" 200 " in plain.recv(4096)
            try:
                with lax.wrap_socket(plain, server_hostname=sni) as secure:
                    certificate = x509.load_der_x509_certificate(secure.getpeercert(True) or b"")
            except OSError:
                return "nobody"
        (name,) = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(name.value)

    def state(self) -> dict[str, object]:
        """What the live page shows of the token's list and of what is tried."""
        found = self.ask("GET", f"{LIVE}state.json").json()
        return {name: found[name] for name in ("allow", "what_if")}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("safety")
    with (
        dev_server({"/": ({}, "named")}, folder=folder) as named,
        dev_server({"/": ({}, "other")}, folder=folder) as other,
        capturing(
            folder,
            "https://shop.example.com/map",
            "--no-browser",
            "--web",
            "--also",
            f"localhost:{named}",
        ) as capture,
    ):
        yield Running(capture, named, other)


# ---- "It listens on 127.0.0.1 only." ----


@linux
def test_it_listens_on_this_machine_only(running: Running) -> None:
    listening = running.capture.listening()
    ports = {f"{port:04X}" for port in (running.port, running.web)}
    assert set(listening["tcp"]) == {f"0100007F:{port}" for port in ports}
    assert listening["tcp6"] == []


# ---- "Only the page's hosts and the provider's are decrypted; everything else passes." ----


@pytest.mark.parametrize(
    ("target", "sni", "signer"),
    [
        ("localhost:{named}", "localhost", OURS),
        ("api.mapbox.com:443", "api.mapbox.com", OURS),
        ("shop.example.com:8443", "shop.example.com", OURS),
        # Another port, another name, an address.
        ("localhost:{other}", "localhost", "localhost"),
        ("localhost:{other}", None, "localhost"),
        ("127.0.0.1:{named}", "localhost.example", "localhost"),
        ("127.0.0.1:{other}", None, "localhost"),
        ("127.0.0.1:{other}", "127.0.0.1", "localhost"),
        # A name that is read does not open a connection to one that is not, nor the reverse.
        ("localhost:{other}", "api.mapbox.com", "localhost"),
        ("localhost:{other}", "shop.example.com", "localhost"),
        ("localhost:{named}", "bank.example", "localhost"),
        ("api.mapbox.com:443", "bank.example", "nobody"),
        ("bank.example:443", "api.mapbox.com", "nobody"),
        ("bank.example:443", "bank.example", "nobody"),
        ("notexample.com:443", "notexample.com", "nobody"),
        ("api.mapbox.com.evil.example:443", "api.mapbox.com.evil.example", "nobody"),
    ],
)
def test_what_it_was_not_asked_to_read_passes_as_it_is(
    running: Running, target: str, sni: str | None, signer: str
) -> None:
    target = target.format(named=running.named, other=running.other)
    assert running.signer(target, sni) == signer


def test_it_does_not_ask_itself(tmp_path: Path) -> None:
    """Any name may resolve to this machine; here an address that mitmproxy does not know again."""
    with capturing(tmp_path, "--no-browser", WHY403_EMULATE="") as capture:
        port = int(capture.until("Proxy: ").rsplit(":", 1)[1])
        capture.until("hold secrets")
        proxy = f"http://127.0.0.1:{port}"
        with httpx.Client(proxy=proxy, trust_env=False, timeout=_SECONDS) as client:
            for _ in range(2):
                assert client.get(f"http://127.1:{port}/").status_code == 508
        assert capture.end() == 0
        assert "127.1" not in (capture.output / "capture.har").read_text()


# ---- "The key is made for this run ... and is deleted with it." ----


@contextmanager
def nobody_is_kept_out() -> Iterator[None]:
    """A process whose files everybody may read and write unless it says otherwise."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077]


@linux
def test_key_and_files_are_the_user_s_alone(tmp_path: Path) -> None:
    with nobody_is_kept_out(), capturing(tmp_path, "--no-browser") as capture:
        ca = Path(capture.until("CA certificate: ").split()[-1]).parent
        capture.until("hold secrets")
        for folder in (ca, ca.parent, capture.output):
            assert folder.stat().st_mode & 0o777 == 0o700
        keys = [file for file in ca.iterdir() if b"PRIVATE KEY" in file.read_bytes()]
        assert keys
        for file in (*keys, ca / "mitmproxy-ca.p12"):
            assert file.stat().st_mode & 0o777 == 0o600
        assert open_to_others(capture.output) == []
        # Without its guard it cleans up itself.
        (guard,) = [n for n in capture.processes() if n != capture.process.pid]
        assert b"guard.py" in Path(f"/proc/{guard}/cmdline").read_bytes()
        os.kill(guard, signal.SIGKILL)
        assert capture.end() == 0
        assert capture.leavings() == []
        assert not ca.exists()
        assert open_to_others(capture.output) == []
        assert len(list(capture.output.iterdir())) == 3


@linux
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "at its end"])
def test_the_key_is_gone_however_it_ends(tmp_path: Path, how: str) -> None:
    arguments = ("--for", "0.2") if how == "at its end" else ()
    with capturing(tmp_path, "--no-browser", *arguments) as capture:
        ca = Path(capture.until("CA certificate: ").split()[-1])
        capture.until("hold secrets")
        if how == "at its end":
            assert capture.wait() == 0
        else:
            assert capture.end(getattr(signal, how)) == (-9 if how == "SIGKILL" else 0)
        assert capture.leavings() == []
        assert not ca.parent.exists()


@linux
def test_what_a_power_failure_leaves_goes_at_the_next_start(tmp_path: Path) -> None:
    with capturing(tmp_path, "--no-browser") as capture:
        session = Path(capture.until("CA certificate: ").split()[-1]).parent.parent
        capture.until("hold secrets")
        assert remove_stale(session.parent) == []  # it still runs
        for number in capture.processes()[::-1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        capture.wait()
        end = time.monotonic() + 10
        while capture.processes() and time.monotonic() < end:
            time.sleep(0.05)
        if session.exists():  # the guard may have been the quicker one
            assert remove_stale(session.parent) == [session]
        assert not session.exists()


# ---- "A web page drives the live page" ----


def test_the_live_page_is_that_host_s_only(running: Running) -> None:
    assert running.ask("GET", LIVE).status_code == 200
    port = running.port
    for request in (
        # A page of another name, which its owner lets resolve to this machine.
        f"GET / HTTP/1.1\nHost: evil.example:{port}",
        f"GET /state.json HTTP/1.1\nHost: 127.0.0.1:{port}",
        # A browser that is not proxied, and somehow finds the name here.
        f"GET / HTTP/1.1\nHost: why403.test:{port}",
        "GET / HTTP/1.1",
        # Through the proxy, under two names.
        "GET http://why403.test/ HTTP/1.1\nHost: evil.example",
        "GET http://evil.example/ HTTP/1.1\nHost: why403.test",
        # Other ports and names.
        "GET http://why403.test:8080/ HTTP/1.1\nHost: why403.test:8080",
        "GET https://why403.test/ HTTP/1.1\nHost: why403.test",
        "GET http://why403.test./ HTTP/1.1\nHost: why403.test.",
        "GET http://x.why403.test/ HTTP/1.1\nHost: x.why403.test",
    ):
        status, body = running.say(request)
        assert status in {400, 404, 502}, request
        assert 'id="headline"' not in body
        assert "provider_requests" not in body


def test_the_live_page_is_not_there_over_https(running: Running) -> None:
    with running.client() as client:
        assert client.get("https://why403.test/").status_code == 502
        assert client.get("https://why403.test/selftest").status_code == 200


FORMS = {
    "application/x-www-form-urlencoded": 'entries=evil.example&{"entries":+"evil.example"}=',
    "multipart/form-data; boundary=x": '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    '{"entries": "evil.example"}\r\n--x--\r\n',
    "text/plain": '{"entries": "evil.example", "changes": ["csp-=sandbox"], "x": "="}\r\n',
}


@pytest.mark.parametrize("path", BUTTONS)
@pytest.mark.parametrize("origin", [EVIL, "null", ""])
@pytest.mark.parametrize("enctype", FORMS)
def test_no_form_presses_its_buttons(
    running: Running, path: str, origin: str, enctype: str
) -> None:
    before = running.state()
    sent = {"Content_Type": enctype, **({"Origin": origin} if origin else {})}
    reply = running.ask("POST", f"http://why403.test{path}", body=FORMS[enctype], **sent)
    assert reply.status_code == 403
    assert running.state() == before


@pytest.mark.parametrize("path", BUTTONS)
@pytest.mark.parametrize(
    ("method", "sent"),
    [
        # A fetch of another page: no-cors may not set the header field; with it, a preflight
        # comes before, which is refused below.
        ("POST", {"Origin": EVIL, "Content_Type": "text/plain"}),
        ("POST", {"Origin": EVIL, "X_Why403": "1"}),
        ("POST", {"Origin": "null", "X_Why403": "1"}),
        ("POST", {"Origin": "https://why403.test", "X_Why403": "1"}),
        ("POST", {"Origin": "http://why403.test:8080", "X_Why403": "1"}),
        ("POST", {"Origin": "http://maps.why403.test", "X_Why403": "1"}),
        ("POST", {"Origin": "http://why403.test", "X_Why403": "1", "Sec_Fetch_Site": "cross-site"}),
        # Another program of this machine, that knows nothing of the page.
        ("POST", {"Content_Type": "application/json"}),
        ("POST", {"X_Why403": "1"}),
        # What changes nothing may not change anything.
        ("GET", {"Origin": "http://why403.test", "X_Why403": "1"}),
        ("HEAD", {"Origin": "http://why403.test", "X_Why403": "1"}),
        ("PUT", {"Origin": "http://why403.test", "X_Why403": "1"}),
    ],
)
def test_nobody_else_presses_its_buttons(
    running: Running, path: str, method: str, sent: dict[str, str]
) -> None:
    before = running.state()
    body = BUTTONS[path]
    reply = running.ask(method, f"http://why403.test{path}", body=body, **sent)
    assert reply.status_code == 403
    assert running.state() == before


def test_it_presses_them_itself(running: Running) -> None:
    """Without which the refusals above would say nothing."""
    before = running.state()
    own = {"Origin": "http://why403.test", "X_Why403": "1"}
    for path, body in BUTTONS.items():
        reply = running.ask("POST", f"http://why403.test{path}", body=body, **own)
        assert (reply.status_code, reply.text) == (200, "{}")
    assert running.state() != before
    for path, body in {"/allow": '{"entries": ""}', "/try": '{"changes": []}'}.items():
        assert running.ask("POST", f"http://why403.test{path}", body=body, **own).status_code == 200
    assert running.state() == before


@pytest.mark.parametrize("path", ["/", "/state.json", *BUTTONS])
def test_no_other_page_is_let_read_it(running: Running, path: str) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x-why403"}
    for method, sent in {"OPTIONS": asked, "GET": {}}.items():
        reply = running.ask(method, f"http://why403.test{path}", Origin=EVIL, **sent)
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    ["/", "/live.js", "/style.css", "/icon.svg", "/state.json", "/allow", "/nothing", "/selftest"],
)
def test_nothing_of_it_is_kept_or_guessed(running: Running, path: str) -> None:
    reply = running.ask("GET", f"http://why403.test{path}")
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("path", ["/", "/selftest"])
def test_nobody_frames_it_and_it_runs_only_its_own(running: Running, path: str) -> None:
    reply = running.ask("GET", f"http://why403.test{path}")
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in reply.headers["content-security-policy"].split(";")
    )
    assert policy["frame-ancestors"] == "'none'"
    assert reply.headers["x-frame-options"] == "DENY"
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"('self' )?'nonce-[\w-]{20,}'", policy["script-src"])
    again = running.ask("GET", f"http://why403.test{path}")
    assert again.headers["content-security-policy"] != reply.headers["content-security-policy"]


# ---- "mitmproxy's own web interface" ----


def test_mitmweb_answers_to_no_name_of_others(running: Running) -> None:
    request = f"GET /flows HTTP/1.1\nHost: evil.example:{running.web}"
    assert running.say(request, running.web)[0] == 403


def test_no_secret_is_printed(running: Running) -> None:
    running.ask("GET", f"https://api.mapbox.com/v4/acme.x/1/0/0.png?access_token={TOKEN}")
    running.capture.until("403: ")
    assert TOKEN.split(".")[1] not in running.capture.text
    assert TOKEN.split(".")[1] not in str(running.ask("GET", f"{LIVE}state.json").text)
