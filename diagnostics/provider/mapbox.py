"""Mapbox's dialect of allowed URLs.

Source of each rule: the token management page (https://docs.mapbox.com/accounts/guides/tokens/,
"Add URL restrictions to access tokens", "Matching rules", "Example scenarios"):

- only a domain is required; scheme, subdomain, port, path and query are optional;
- subdomains of an allowed URL are allowed; subpaths of an allowed path are allowed;
- paths are case sensitive; a scheme that is given must match;
- without a port, 80 and 443 are allowed;
- wildcards and IP addresses are not supported; a request without a Referer is refused.

Where the page is silent (`/path` against `/pathology`, the parts and order of a query, letter
case of the host, internationalised names, white space, a fragment) the answer is "undocumented".
"""

from diagnostics.provider.mapbox_entry import Entry, Unreadable, read_entry
from diagnostics.provider.mapbox_lint import (
    MAXIMUM_ENTRIES,
    admits_strangers,
    is_this_machine,
    lint,
    meant,
    suggest,
)
from diagnostics.provider.mapbox_match import match

__all__ = [
    "MAXIMUM_ENTRIES",
    "Entry",
    "Unreadable",
    "admits_strangers",
    "is_this_machine",
    "lint",
    "match",
    "meant",
    "read_entry",
    "suggest",
]
