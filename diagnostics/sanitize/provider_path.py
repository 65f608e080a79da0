"""A provider's paths without account names, resources and searches, and still of the same kind.

What an endpoint is, whose resource a path names and which tile it asks for decide a diagnosis; the
names themselves do not, as long as equal ones stay equal.
"""

from __future__ import annotations

import re
import urllib.parse
from typing import Protocol

from diagnostics.provider.profile import Profile
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.standins import StandIns

#: Services whose paths continue `/v1/ACCOUNT/RESOURCE`, and those with `/v1/ACCOUNT.TILESET`.
_OWNED = frozenset(
    {"styles", "fonts", "datasets", "models", "tilesets", "uploads", "tokens", "scopes"}
)
_OF_TILESETS = frozenset({"raster", "rasterarrays", "3dtiles"})
_TILE = re.compile(r"(/v4/)([^/]+)(/\d{1,2}/\d{1,7}/)(\d{1,7})([^/]*)")
_OWN_TILE = re.compile(
    r"(/styles/v1/)([^/]+)/([^/]+)(/tiles/(?:\d{3}/)?\d{1,2}/\d{1,7}/)(\d{1,7})(.*)"
)
_GLYPHS = re.compile(r"\d{1,5}-\d{1,5}\.pbf")
_BEHIND_TILE = re.compile(r"(?:@\dx)?(?:\.[a-z]{1,9}\d{0,3}){0,2}")
_FIRST = re.compile(r"(?:^|\|)/([a-z0-9-]+)")
_VERSION = re.compile(r"v\d{1,2}")
_TILESETS = re.compile(r"(/v4/)([^/]+?)(\.json)?((?:/[^/]*)*)")


class Segment(Protocol):
    """Cleans one segment of a path."""

    def __call__(self, raw: str, *, phrase: bool = False) -> str: ...


def clean_path(
    profile: Profile, path: str, standins: StandIns, segment: Segment, *, folder: bool = False
) -> str:
    """A path on the provider's host; with `folder` one that stands for all that begin so, as in a
    source of a Content-Security-Policy."""
    endpoint = profile.endpoint(path)
    if endpoint is None and not folder:
        return _private(profile, path, standins, segment, "parts of paths")
    if endpoint is not None and endpoint.name in kept().private_endpoints:
        return _private(profile, path, standins, segment, "searches and places", folder=folder)
    if tile := _TILE.fullmatch(path):
        ids = _tilesets(profile, tile[2], standins, segment)
        return tile[1] + ids + tile[3] + tile[4] + _behind(tile[5])
    if tile := _OWN_TILE.fullmatch(path):
        owner = _account(profile, tile[2], standins)
        return f"{tile[1]}{owner}/{segment(tile[3])}{tile[4]}{tile[5]}{_behind(tile[6])}"
    if tilesets := _TILESETS.fullmatch(path):
        ids = _tilesets(profile, tilesets[2], standins, segment)
        rest = "/".join(map(segment, tilesets[4].split("/")))
        return tilesets[1] + ids + (tilesets[3] or "") + rest
    parts = path.split("/")
    for place, part in enumerate(parts):
        if place == 3 and parts[1] in _OWNED and part:
            parts[place] = _account(profile, part, standins)
        elif place == 3 and parts[1] in _OF_TILESETS and part:
            parts[place] = _tilesets(profile, part, standins, segment)
        elif place == 1 and part in _OF_TILESETS:
            continue
        elif not _GLYPHS.fullmatch(part):
            parts[place] = segment(part, phrase=parts[1] == "fonts")
    return "/".join(parts)


def _private(
    profile: Profile,
    path: str,
    standins: StandIns,
    segment: Segment,
    counted: str,
    *,
    folder: bool = False,
) -> str:
    """What somebody searched for, or where they are, or what nobody knows: only the words of the
    service stay, which stand first. Empty segments do not count, and neither does the case, for
    a path that is written oddly holds the same."""
    parts = path.split("/")
    filled = [place for place, part in enumerate(parts) if part]
    words = [urllib.parse.unquote(parts[place]).lower() for place in filled]
    first = words[0] if words else ""
    owned = first in _OWNED
    of_tilesets = _VERSION.fullmatch(first) is not None
    services = _services(profile)
    stays = 5 if owned else 3
    for number, (place, word) in enumerate(zip(filled, words, strict=True)):
        part = parts[place]
        if number == 0 and word in services:
            continue
        is_last = number == len(filled) - 1 and not folder and not _VERSION.fullmatch(word)
        if owned and number == 2:
            parts[place] = _account(profile, part, standins)
        elif of_tilesets and number == 1:
            parts[place] = _tilesets(profile, part, standins, segment)
        elif number < stays and (owned or of_tilesets or not is_last):
            parts[place] = segment(part)
        else:
            parts[place] = _hidden(part, standins)
            standins.tally.replaced[counted] += 1
    return "/".join(parts)


def _services(profile: Profile) -> frozenset[str]:
    """The words that paths of known endpoints begin with."""
    paths = "|".join(endpoint.path for endpoint in profile.endpoints)
    return _OWNED | _OF_TILESETS | frozenset(_FIRST.findall(paths))


def _hidden(part: str, standins: StandIns) -> str:
    name, dot, ending = part.rpartition(".")
    keeps = bool(dot) and ending.lower() in kept().endings
    return standins.hidden(urllib.parse.unquote(name if keeps else part)) + (
        f".{ending}" if keeps else ""
    )


def _account(profile: Profile, raw: str, standins: StandIns) -> str:
    name = urllib.parse.unquote(raw)
    account, dot, ending = name.partition(".")
    if account in profile.public_owners:
        return account + (f".{ending}" if dot and ending in kept().endings else "")
    # A full stop cannot be part of an account's name: what follows is another thing.
    return standins.account(account) + (f".{standins.hidden(ending)}" if dot else "")


def _tilesets(profile: Profile, raw: str, standins: StandIns, segment: Segment) -> str:
    """`acme.streets,mapbox.mapbox-terrain-v2`: each with its owner."""
    ids = []
    for one in urllib.parse.unquote(raw).split(","):
        owner, dot, name = one.partition(".")
        ids.append(
            _account(profile, owner, standins) + dot + segment(name) if dot else segment(one)
        )
    return ",".join(ids)


def _behind(text: str) -> str:
    return text if _BEHIND_TILE.fullmatch(text) else ""
