"""Finding browsers, and trusting one key only."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mitmproxy.certs import CertStore

from diagnostics.live import browsers, chromium, extension, firefox, trust
from diagnostics.live.proxy import LiveError, Proxy


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


def test_the_key_hash_is_that_of_the_authority_and_of_what_it_signs(tmp_path: Path) -> None:
    store = CertStore.from_store(tmp_path, "mitmproxy", 2048)
    leaf = x509.load_pem_x509_certificate(store.get_cert("shop.example.com", []).cert.to_pem())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expected = base64.b64encode(hashlib.sha256(key).digest()).decode()
    assert trust.key_hash(tmp_path / "mitmproxy-ca-cert.pem") == expected


def test_firefox_sends_everything_through_the_proxy(tmp_path: Path) -> None:
    proxy = Proxy(8123, tmp_path, tmp_path, None)  # type: ignore[arg-type]
    found = firefox.preferences(proxy, {"network.http.sendRefererHeader": 0})
    assert found["network.proxy.ssl"] == "127.0.0.1"
    assert found["network.proxy.ssl_port"] == found["network.proxy.http_port"] == 8123
    assert found["network.proxy.allow_hijacking_localhost"] is True
    assert found["network.http.sendRefererHeader"] == 0


def test_the_extension(tmp_path: Path) -> None:
    folder = tmp_path / "extension"
    switches = extension.write(folder, ["||events.mapbox.com^"], ["referer"])
    assert switches[0] == f"--load-extension={folder}"
    block, remove = json.loads((folder / "rules.json").read_text())
    assert (block["id"], block["condition"]["urlFilter"]) == (1, "||events.mapbox.com^")
    assert remove["action"]["requestHeaders"] == [{"header": "referer", "operation": "remove"}]
    assert json.loads((folder / "manifest.json").read_text())["manifest_version"] == 3


@pytest.mark.parametrize("module", [chromium, firefox], ids=["chromium", "firefox"])
def test_a_missing_browser_is_said_with_the_way_to_get_it(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find", lambda name: None)
    proxy = Proxy(1, tmp_path, tmp_path, None)  # type: ignore[arg-type]
    with pytest.raises(LiveError, match="apt-get install"), module.running(tmp_path, proxy):
        pass
