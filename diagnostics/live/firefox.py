"""Firefox, started for one case: throwaway profile, our proxy, and our CA in that profile only.

The CA comes into the profile through Firefox's own certificate database, over its control port.
A person's Firefox is started a second time without that port: it would let any program on the
machine drive the browser, and pages would see `navigator.webdriver`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from diagnostics.live import browsers
from diagnostics.live.marionette import Marionette
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.throwaway import Start, start_plainly

_SECONDS_TO_START = 60
_SECONDS_TO_QUIT = 20
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
#: A ticket's page may come from a stranger; WebRTC would go past the proxy. So would Firefox,
#: for settings of its own, where the proxy has none for it.
ON_THIS_MACHINE: dict[str, Preference] = {
    "media.peerconnection.ice.proxy_only": True,
    "network.proxy.allow_bypass": False,
    "network.proxy.failover_direct": False,
}
#: What its environment has beside the user's own.
ENVIRONMENT = {"MOZ_CRASHREPORTER_DISABLE": "1"}
_CONTROL: dict[str, Preference] = {"marionette.port": 0}
_CONTROLLED = ("--marionette", "--remote-allow-system-access")
_TRUST = """
  const database = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
  database.addCertFromBase64(arguments[0], "C,,");
  return true;
"""


class Firefox(msgspec.Struct):
    """A running Firefox and its remote control."""

    process: subprocess.Popen[bytes]
    control: Marionette


def preferences(proxy: Endpoint, extra: Mapping[str, Preference]) -> dict[str, Preference]:
    """The profile's preferences: quiet, every host through the proxy, then `extra`."""
    host, port = proxy.address.split(":")
    return {
        **_QUIET,
        "network.proxy.type": 1,
        "network.proxy.http": host,
        "network.proxy.http_port": int(port),
        "network.proxy.ssl": host,
        "network.proxy.ssl_port": int(port),
        "network.proxy.no_proxies_on": "",
        "network.proxy.allow_hijacking_localhost": True,
        **extra,
    }


def write_preferences(profile: Path, wanted: Mapping[str, Preference]) -> None:
    """Make these the preferences of a profile folder, which is made where it is missing."""
    profile.mkdir(exist_ok=True)
    lines = (f"user_pref({json.dumps(n)}, {json.dumps(v)});\n" for n, v in wanted.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")


def prepare(
    program: Path,
    profile: Path,
    proxy: Endpoint,
    start: Callable[[list[str]], subprocess.Popen[bytes]],
) -> None:
    """Make a profile that sends every host, loopback too, through `proxy` and trusts its CA.

    Firefox runs for that without a window, through `start`, which the caller ends. Raises
    LiveError where it does not come up or refuses.
    """
    wanted = preferences(proxy, {})
    write_preferences(profile, {**wanted, **_CONTROL})
    process = start([*command(program, profile, headless=True), *_CONTROLLED])
    control = Marionette(_wait_for_port(profile, process))
    try:
        _trust(control, proxy.ca)
        control.quit()
    finally:
        control.close()
    try:
        process.wait(_SECONDS_TO_QUIT)
    except subprocess.TimeoutExpired:
        raise LiveError("Firefox did not end after its profile was made") from None
    write_preferences(profile, wanted)


def command(program: Path, profile: Path, url: str = "", *, headless: bool = False) -> list[str]:
    """The command that opens `url` in a window for a person (or in none), with a profile that
    `prepare` made."""
    switches = ["--profile", str(profile), "--no-remote", "--new-instance"]
    return [
        str(program),
        *switches,
        *(("--headless",) if headless else ()),
        *([url] if url else []),
    ]


def _trust(control: Marionette, ca: Path) -> None:
    pem = ca.read_text().split("-----")[2]
    control.browser(_TRUST, "".join(pem.split()))


@contextmanager
def running(
    folder: Path,
    proxy: Endpoint,
    *,
    headless: bool = True,
    extra: Mapping[str, Preference] | None = None,
    start: Start = start_plainly,
) -> Iterator[Firefox]:
    """Firefox with a new profile in `folder`, all that a page sends through `proxy`; `extra` are
    further preferences. Raises LiveError."""
    program = browsers.find("firefox")
    if program is None:
        raise LiveError(f"Firefox is not there: {browsers.how_to_get('firefox')}")
    profile = folder / "firefox"
    write_preferences(profile, {**preferences(proxy, extra or {}), **ON_THIS_MACHINE, **_CONTROL})
    command = [
        str(program),
        "--profile",
        str(profile),
        "--no-remote",
        *_CONTROLLED,
        *(("--headless",) if headless else ()),
    ]
    environment = {**os.environ, **ENVIRONMENT, "HOME": str(folder)}
    process = start(command, folder / "firefox.txt", environment)
    try:
        control = Marionette(_wait_for_port(profile, process))
        try:
            _trust(control, proxy.ca)
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
