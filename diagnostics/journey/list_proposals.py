"""What may be changed in a token's list of allowed URLs? For `proposals`, by cause of the rule's
stage."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from diagnostics.browser import url as urls
from diagnostics.journey.case import Case
from diagnostics.journey.proposal import API_HOST_COST, Proposal, entry_for, snippet
from diagnostics.journey.verdict import Cause
from diagnostics.provider.mapbox import Unreadable, is_this_machine, meant, read_entry


def _with_own_page(case: Case, host: str) -> str:
    """The entries to have: the API's host, and that of the page that holds the frame."""
    parent = case.document.parent if case.document else None
    page = urls.parse(parent.url) if parent is not None else None
    if page is None or not page.host:
        return host
    return snippet(case, Cause.API_HOST_NOT_ALLOWED, "allow-api-host", entry=page.host)


def api_host(case: Case) -> Iterable[Proposal]:
    """For pages of the API's own host."""
    host = case.profile.api_hosts[0]
    yield (
        f"allow+={host}",
        f"Allow {host}: share links and embedded styles are pages of that host.",
        _with_own_page(case, host),
        API_HOST_COST,
    )
    yield (
        "own-page",
        "Better: show the style with the map library on a page of your own.",
        snippet(case, Cause.API_HOST_NOT_ALLOWED, "own-page"),
        None,
    )


def allow_page(cause: Cause, key: str) -> Callable[[Case], Iterable[Proposal]]:
    """One more entry, for the page; one on an address without a name needs a name first."""

    def make(case: Case) -> Iterable[Proposal]:
        entry = entry_for(case)
        page = urls.parse(case.referer or "")
        if page is not None and urls.is_ip_address(page.host):
            yield _with_a_name(page)
        elif entry:
            yield (
                f"allow+={entry}",
                f"Add {entry} to the token's allowed URLs.",
                snippet(case, cause, key, entry=entry),
                _allow_cost(cause, entry),
            )

    return make


def _with_a_name(page: urls.Url) -> Proposal:
    """For a page on an address: this machine has a name, another one needs one first."""
    port = f":{page.port}" if page.port not in {80, 443} else ""
    if is_this_machine(page.host):
        how = f"open the page as localhost{port} and allow that"
    elif _is_of_a_local_network(page.host):
        how = (
            f"on the machine that serves the page open it as localhost{port} and allow that; other"
            " devices need a host name for it"
        )
    else:
        return (
            "name-the-host",
            "IP addresses cannot be allowed: give the machine a host name (in DNS, or in the hosts"
            " file of each device), open the page by it and allow that name.",
            f"YOUR_HOST{port}",
            None,
        )
    return (
        f"page={page.scheme}://localhost{port}/ allow+=localhost{port}",
        f"IP addresses cannot be allowed: {how}.",
        f"localhost{port}",
        _LOCALHOST_COST,
    )


#: RFC 1918, 3927, 4193 and 4291 (2.5.6). `is_private` would count addresses of documentation, too.
_LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7",
                    "fe80::/10")
)  # fmt: skip


def _is_of_a_local_network(host: str) -> bool:
    address = ipaddress.ip_address(host.strip("[]"))
    return any(address in network for network in _LOCAL_NETWORKS)


_LOCALHOST_COST = (
    "Anybody's development server may then use the token: make one of its own for that."
)


def _allow_cost(cause: Cause, entry: str) -> str | None:
    """What one more entry opens beside the page."""
    if entry == "localhost" or entry.startswith("localhost:"):
        return _LOCALHOST_COST
    if cause is Cause.PATH_MISMATCH:
        return "Every page of the host may then use the token, not only the one path."
    if cause is Cause.SCHEME_MISMATCH:
        return "An http page of the host may then use the token too, and such a page can be forged."
    return None


def corrected_list(cause: Cause, key: str) -> Callable[[Case], Iterable[Proposal]]:
    """Replace every entry that can never match, or of which nobody knows how it is read, by what
    it was meant to be."""

    def make(case: Case) -> Iterable[Proposal]:
        changes: list[str] = []
        lines: list[str] = []
        for entry in case.allowed.entries or ():
            better = meant(entry)
            lines += better
            if better != (entry,):
                if entry and not any(map(str.isspace, entry)):  # changes are words
                    changes.append(f"allow-={entry}")
                changes += [f"allow+={one}" for one in better]
        wanted = entry_for(case)
        admitted = wanted and any(
            case.profile.rules.match(case.referer, line).result == "match" for line in lines
        )
        page = urls.parse(case.referer or "")
        if page is not None and urls.is_ip_address(page.host):
            yield from allow_page(cause, key)(case)
            return
        if wanted and not admitted:
            changes.append(f"allow+={wanted}")
            lines.append(wanted)
        if changes and lines:
            yield (
                " ".join(changes),
                _says(case.allowed.entries or ()),
                "\n".join(dict.fromkeys(lines)),
                None,
            )

    return make


def _says(entries: Sequence[str]) -> str:
    if any(isinstance(read_entry(entry), Unreadable) for entry in entries):
        return "Replace the entries that can never match."
    return "Write the entries in the form that is documented."
