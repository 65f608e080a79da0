"""Firefox, started for one case: throwaway profile, our proxy, and our CA in that profile only."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from diagnostics.live import browsers
from diagnostics.live.marionette import Marionette
from diagnostics.live.proxy import LiveError, Proxy

_SECONDS_TO_START = 60
Preference = bool | int | str
#: Quiet: no background traffic, no first-run pages, no prompts. None of these changes what a
#: page's requests carry.
_QUIET: dict[str, Preference] = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "captivedetect.canonicalURL": "",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "geo.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.http.speculative-parallel-limit": 0,
    "remote.prefs.recommended": False,
    "services.settings.server": "data:,",
    "signon.autofillForms": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
}
_TRUST = """
  const database = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
  database.addCertFromBase64(arguments[0], "C,,");
  return true;
"""


class Firefox(msgspec.Struct):
    """A running Firefox and its remote control."""

    process: subprocess.Popen[bytes]
    control: Marionette


def preferences(proxy: Proxy, extra: Mapping[str, Preference]) -> dict[str, Preference]:
    """The profile's preferences: quiet, every host through the proxy, then `extra`."""
    host, port = proxy.address.split(":")
    return {
        **_QUIET,
        "marionette.port": 0,
        "network.proxy.type": 1,
        "network.proxy.http": host,
        "network.proxy.http_port": int(port),
        "network.proxy.ssl": host,
        "network.proxy.ssl_port": int(port),
        "network.proxy.no_proxies_on": "",
        "network.proxy.allow_hijacking_localhost": True,
        **extra,
    }


@contextmanager
def running(
    folder: Path,
    proxy: Proxy,
    *,
    headless: bool = True,
    extra: Mapping[str, Preference] | None = None,
) -> Iterator[Firefox]:
    """Firefox with a new profile in `folder`; `extra` are further preferences. Raises LiveError."""
    program = browsers.find("firefox")
    if program is None:
        raise LiveError(f"Firefox is not there: {browsers.how_to_get('firefox')}")
    profile = folder / "firefox"
    profile.mkdir()
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in preferences(proxy, extra or {}).items()
    )
    (profile / "user.js").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [
        str(program),
        "--profile",
        str(profile),
        "--no-remote",
        "--marionette",
        "--remote-allow-system-access",
        *(("--headless",) if headless else ()),
    ]
    environment = {**os.environ, "MOZ_CRASHREPORTER_DISABLE": "1", "HOME": str(folder)}
    with (folder / "firefox.txt").open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment
        )
    try:
        control = Marionette(_wait_for_port(profile, process))
        try:
            pem = proxy.ca.read_text().split("-----")[2]
            control.browser(_TRUST, "".join(pem.split()))
            yield Firefox(process, control)
        finally:
            control.close()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    file = profile / "MarionetteActivePort"
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and (text := file.read_text().strip()):
            return int(text)
        time.sleep(0.05)
    raise LiveError("Firefox did not start")
