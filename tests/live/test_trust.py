"""How a client comes to trust the CA, on each system; and which CAs the proxy itself trusts."""

from __future__ import annotations

import base64
import hashlib
import shlex
import ssl
import subprocess
import warnings
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from diagnostics.live import trust
from diagnostics.live.proxy import Endpoint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mitmproxy.certs import CertStore

URL = "https://shop.example.com/map?a=1&b=2"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Endpoint:
    folder = tmp_path_factory.mktemp("a folder")
    CertStore.from_store(folder, "mitmproxy", 2048)
    return Endpoint(8123, folder / "mitmproxy-ca-cert.pem")


@pytest.mark.parametrize("system", ["linux", "darwin", "win32", "freebsd14"])
def test_every_system_has_its_ways(proxy: Endpoint, system: str) -> None:
    found = trust.ways(proxy, URL, system)
    text = trust.instructions(proxy, URL, system)
    assert "{" not in text
    assert "127.0.0.1:8123" in text
    assert str(proxy.ca) in text
    titles = " ".join(way.title for way in found)
    assert "curl" in titles
    assert "Firefox" in titles
    assert "Chrom" in titles
    # What outlives the capture says so and how to undo it.
    for way in found:
        assert bool(way.undo) == ("undone" in way.title), way.title
    assert trust.key_hash(proxy.ca) in text


def test_the_systems_differ(proxy: Endpoint) -> None:
    texts = {system: trust.instructions(proxy, URL, system) for system in ("linux", "darwin")}
    assert "update-ca-certificates" in texts["linux"]
    assert "add-trusted-cert" in texts["darwin"]
    assert trust.fingerprint(proxy.ca) in texts["darwin"]
    assert "certutil -user -addstore Root" in trust.instructions(proxy, URL, "win32")


def test_commands_can_be_pasted(proxy: Endpoint) -> None:
    curl = next(way for way in trust.ways(proxy, URL, "linux") if "curl" in way.title)
    words = shlex.split(curl.lines[0])
    assert words == ["curl", "--proxy", "http://127.0.0.1:8123", "--cacert", str(proxy.ca), URL]
    assert subprocess.list2cmdline([str(proxy.ca)]) in trust.instructions(proxy, URL, "win32")


def test_the_proxy_trusts_the_usual_and_this_system_s_authorities(
    proxy: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca))
    file = trust.write_authorities(tmp_path / "authorities.pem")
    context = ssl.create_default_context(cafile=str(file))
    subjects = [str(known["subject"]) for known in context.get_ca_certs()]
    assert any("mitmproxy" in subject for subject in subjects)
    assert len(subjects) > 50


def test_the_key_hash_is_that_of_the_authority_and_of_what_it_signs(tmp_path: Path) -> None:
    store = CertStore.from_store(tmp_path, "mitmproxy", 2048)
    leaf = x509.load_pem_x509_certificate(store.get_cert("shop.example.com", []).cert.to_pem())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expected = base64.b64encode(hashlib.sha256(key).digest()).decode()
    assert trust.key_hash(tmp_path / "mitmproxy-ca-cert.pem") == expected
