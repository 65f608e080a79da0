"""Who trusts whom: how a client comes to trust the proxy's CA, and which servers the proxy trusts.

Chromium's `--ignore-certificate-errors-spki-list` names the hash of a public key. mitmproxy signs
its CA and every certificate with one key, so that only what this proxy made is trusted, and a
page counts as secure (service workers register), unlike with a general "ignore certificate errors".
"""

from __future__ import annotations

import base64
import functools
import hashlib
import shlex
import ssl
import subprocess
import sys
from importlib import resources
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from diagnostics.live.proxy import Endpoint


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to send a client through the proxy and to let it trust the CA: what it is for, what
    to type or set, and how to undo it where it outlives the capture."""

    title: str
    lines: tuple[str, ...]
    undo: tuple[str, ...] = ()


def key_hash(ca: Path) -> str:
    """The base64 SHA-256 of the certificate's public key, as Chromium's switch wants it."""
    key = _certificate(ca).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def fingerprint(ca: Path) -> str:
    """The SHA-1 of the whole certificate in hexadecimal, by which systems delete one."""
    # The systems' own tools know certificates by this hash; nothing is secured with it.
    return _certificate(ca).fingerprint(hashes.SHA1()).hex().upper()


def ways(proxy: Endpoint, url: str, system: str = sys.platform) -> list[Way]:
    """What works on this system, with this proxy's values filled in."""
    known = _ways()
    quote = _quoted_for_windows if system == "win32" else shlex.quote
    values = {
        "address": proxy.address,
        "port": str(proxy.port),
        "ca": quote(str(proxy.ca)),
        "hash": key_hash(proxy.ca),
        "sha1": fingerprint(proxy.ca),
        "url": quote(url),
        "folder": r"%TEMP%\why403-profile" if system == "win32" else "/tmp/why403-profile",
    }
    return [
        Way(
            way.title,
            tuple(line.format_map(values) for line in way.lines),
            tuple(line.format_map(values) for line in way.undo),
        )
        for way in (*known["everywhere"], *known.get(system, known["linux"]))
    ]


def instructions(proxy: Endpoint, url: str, system: str = sys.platform) -> str:
    """The same as text, ready to copy from."""
    parts = [f"Proxy:          http://{proxy.address}", f"CA certificate: {proxy.ca}"]
    for way in ways(proxy, url, system):
        parts += ["", f"{way.title}:", *(f"    {line}" for line in way.lines)]
        parts += [f"  to undo:\n    {line}" for line in way.undo]
    parts += ["", "The CA is made for this capture alone and deleted with it."]
    return "\n".join(parts)


def write_authorities(file: Path) -> Path:
    """Write every CA that the proxy is to trust as a client into `file`: those that come with
    mitmproxy, and those of this system (a company's own, or what SSL_CERT_FILE names)."""
    import certifi  # a dependency of mitmproxy, which uses nothing else by itself

    of_system = ssl.create_default_context().get_ca_certs(binary_form=True)
    text = Path(certifi.where()).read_text(encoding="ascii", errors="replace")
    text += "".join(map(ssl.DER_cert_to_PEM_cert, of_system))
    file.write_text(text, encoding="ascii", errors="replace")
    return file


def _certificate(ca: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ca.read_bytes())


@functools.lru_cache(maxsize=1)
def _ways() -> dict[str, tuple[Way, ...]]:
    data = resources.files(__package__).joinpath("trust.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=dict[str, tuple[Way, ...]])


def _quoted_for_windows(text: str) -> str:
    return subprocess.list2cmdline([text])
