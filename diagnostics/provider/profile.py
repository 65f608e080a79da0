"""A provider as data: its hosts, endpoints, error bodies and map library (`mapbox.yaml`)."""

from __future__ import annotations

import functools
import re
import urllib.parse
from importlib import resources

import msgspec

from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Dialect

_DIALECTS: dict[str, Dialect] = {"mapbox": mapbox}
_PROFILES = ("mapbox",)


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of request: its name, the path that it has, the scope that the documentation asks
    for, whether the documentation speaks of its scopes at all, whether it needs a token, whether
    allowed URLs are known to govern it, and who usually makes it (page, worker or navigation)."""

    name: str
    path: str
    scope: str | None = None
    scope_documented: bool = True
    token: bool = True
    restricted: bool = True
    maker: str = "page"


class ErrorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error answer: a pattern for the body, the cause that it settles, if one, and the whole
    texts that were seen (`SCOPE` stands for a scope's name)."""

    body: str
    status: int | None = None
    settles: str | None = None
    texts: tuple[str, ...] = ()


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider's map library: version limits that bear on the Referer, and where a version
    shows in a capture (patterns whose first group is the version)."""

    name: str
    documented_minimum: str
    names_referrer_since: str
    request_policy_since: str
    version_in_url: str
    version_in_script: str
    version_in_banner: str


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The request that shows whether a token admits a Referer: its path, with `{number}` where
    each has its own, and what it is and costs."""

    path: str
    says: str


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything about one provider."""

    name: str
    title: str
    dialect: str
    account_page: str
    hosts: tuple[str, ...]
    api_hosts: tuple[str, ...]
    token_parameter: str
    endpoints: tuple[Endpoint, ...]
    owner_path: str
    public_scopes: tuple[str, ...]
    public_owners: tuple[str, ...]
    errors: tuple[ErrorBody, ...]
    library: Library
    probe: Probe

    @property
    def rules(self) -> Dialect:
        """The provider's way of reading allowed URLs."""
        return _DIALECTS[self.dialect]

    def serves(self, host: str) -> bool:
        """Whether a host (lower case, without port) is one of the provider's API hosts."""
        return any(
            host.endswith(known) if known.startswith(".") else host == known for known in self.hosts
        )

    def endpoint(self, path: str) -> Endpoint | None:
        """The kind of request that a URL path stands for; None for an unknown one."""
        return next((e for e in self.endpoints if _pattern(e.path).fullmatch(path)), None)

    def owner(self, path: str) -> str | None:
        """The account whose style, font or dataset a path names, decoded."""
        found = _pattern(self.owner_path).fullmatch(path)
        return urllib.parse.unquote(found[1]) if found else None

    def error(self, status: int, body: str) -> tuple[ErrorBody, re.Match[str]] | None:
        """The known error answer that `body` is, with its match (groups: `scope`)."""
        for error in self.errors:
            if error.status in {None, status}:
                found = _pattern(error.body, re.IGNORECASE).search(body)
                if found:
                    return error, found
        return None

    def error_by_length(
        self, status: int, length: int, endpoint: Endpoint | None
    ) -> tuple[ErrorBody, str] | None:
        """The known error answer of that length in bytes, and its text; for a body that the
        capture does not hold."""
        scope = (endpoint.scope if endpoint else None) or ""
        for error in self.errors:
            if error.status not in {None, status}:
                continue
            for text in error.texts:
                if "SCOPE" in text and not scope:
                    continue
                whole = text.replace("SCOPE", scope)
                if len(whole) == length:
                    return error, whole
        return None

    def token_in(self, query: str) -> str | None:
        """The token in a URL's query (without `?`), decoded; None where the parameter is absent,
        "" where it is empty."""
        found = _pattern(f"(?:^|&){re.escape(self.token_parameter)}(?:=([^&]*))?(?=&|$)").search(
            query
        )
        return urllib.parse.unquote_plus(found[1] or "") if found else None


@functools.lru_cache(maxsize=256)
def _pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(text, flags)


@functools.lru_cache(maxsize=1)
def profiles() -> tuple[Profile, ...]:
    """Every provider that is known."""
    folder = resources.files(__package__)
    return tuple(
        msgspec.yaml.decode(folder.joinpath(f"{name}.yaml").read_bytes(), type=Profile)
        for name in _PROFILES
    )


@functools.lru_cache(maxsize=4096)
def profile_for(host: str) -> Profile | None:
    """The provider whose API host this is."""
    return next((profile for profile in profiles() if profile.serves(host)), None)
