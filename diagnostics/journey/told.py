"""What the person who diagnoses knows: a token's allowed URLs, or the account's token list."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from diagnostics.provider.token import Token, decode


class Allowed(msgspec.Struct, frozen=True):
    """What one token allows. `entries` is None where nobody said; an empty tuple is a token that
    is known to have no restriction. `told_by` names the source, as a phrase."""

    entries: tuple[str, ...] | None = None
    told_by: str = ""
    is_default: bool = False
    scopes: tuple[str, ...] | None = None

    @property
    def known(self) -> bool:
        return self.entries is not None

    @property
    def unrestricted(self) -> bool:
        return self.entries == ()


UNKNOWN = Allowed()

#: How a list is told, on the command line and live.
HOW_TO_TELL = "--allow, or why403_allow in mitmproxy"
#: What would settle a verdict that rests on a restriction which nobody has told.
WHETHER_RESTRICTED = f"Whether the token has allowed URLs: tell them with {HOW_TO_TELL}."


class Told(msgspec.Struct, frozen=True):
    """`everywhere` holds for every token of the capture; `by_id` for tokens of the account list."""

    everywhere: Allowed = UNKNOWN
    by_id: Mapping[str, Allowed] = {}

    def about(self, token: Token | None) -> Allowed:
        """What is known about a token; a temporary token can have no allowed URLs (Tokens API)."""
        if token is not None and token.kind == "tk":
            return Allowed((), "temporary tokens have no allowed URLs")
        if token is not None and token.id and token.id in self.by_id:
            return self.by_id[token.id]
        return self.everywhere


class ListedToken(msgspec.Struct, frozen=True, rename="camel"):
    """One item of the Tokens API's list, as far as it bears on a diagnosis. `default` is whether
    it is the account's default token; secret tokens come without `token`."""

    id: str
    usage: str = ""
    default: bool = False
    note: str | None = None
    scopes: list[str] | None = None
    allowed_urls: list[str] | None = None
    token: str | None = None

    @property
    def captured_id(self) -> str:
        """The id that the token itself carries; the item's own where its text is not listed."""
        return (decode(self.token).id if self.token else None) or self.id

    @property
    def allowed(self) -> Allowed:
        return Allowed(
            tuple(self.allowed_urls or ()),
            f"the token list ({'default token' if self.default else self.note or self.id})",
            self.default,
            tuple(self.scopes) if self.scopes is not None else None,
        )


def read_list(data: bytes) -> list[ListedToken]:
    """The answer of the Tokens API's list call (or several, as one JSON list), or one item of it.

    Raises ValueError with one line where it is something else.
    """
    try:
        listed = msgspec.json.decode(data, type=list[ListedToken] | ListedToken)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a list of the Tokens API: {error}") from None
    return listed if isinstance(listed, list) else [listed]


def read_tokens(data: bytes) -> dict[str, Allowed]:
    """What the Tokens API's list says about each token, by token id. Raises ValueError."""
    return {item.captured_id: item.allowed for item in read_list(data)}
