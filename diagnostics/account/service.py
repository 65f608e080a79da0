"""How do requests with a token leave this machine? To one origin, in no log, along no redirect.

The only module that sends anything to a provider; `tokens_api` and `probing` call it. A token
stands in the query, as the provider's API asks for it, so whatever would show the URL has to be
kept from it: httpx logs each request line, and its errors may name the URL.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import msgspec

from diagnostics import __version__
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Headers, Pairs
from diagnostics.errors import InputError
from diagnostics.live.scope import is_loopback as is_loopback  # for who plans what is sent
from diagnostics.provider import token as tokens

DEFAULT_ORIGIN = "https://api.mapbox.com"
#: The header fields of every request, besides Host.
FIELDS: Pairs = (("User-Agent", f"why403/{__version__}"), ("Accept", "*/*"))
_SECONDS = 20.0
_LARGEST_BODY = 32_000_000
_LOGGERS = ("httpx", "httpcore")


class Response(msgspec.Struct, frozen=True):
    """An answer, decoded as far as every caller needs it."""

    status: int
    headers: Headers
    body: bytes


class ServiceError(InputError):
    """The service could not be asked; the message is one line without the token."""


def origin_of(api_url: str) -> str:
    """The origin that `--api-url` names. Raises InputError where a token must not be sent there:
    plain http beyond this machine, a user name, a path."""
    url = urls.parse(api_url.strip())
    if url is None or url.scheme not in {"http", "https"} or not url.host:
        raise InputError(f"{api_url}: not an address such as {DEFAULT_ORIGIN}")
    if "@" in api_url or url.path not in {"", "/"} or url.query or "#" in api_url:
        raise InputError(f"{api_url}: give scheme, host and port only, such as {DEFAULT_ORIGIN}")
    if url.scheme == "http" and not is_loopback(url.host):
        raise InputError(f"{api_url}: a token goes over plain http to this machine only; use https")
    return url.origin


class Service:
    """One origin to ask; a context manager. `get` sends one GET request and follows nothing.
    Raises ServiceError where the environment's settings of a proxy or certificates are wrong."""

    def __init__(self, origin: str) -> None:
        import httpx  # costs 100 ms, which `--help` must not pay

        self.origin = origin
        url = urls.parse(origin)
        assert url is not None
        try:
            self._client = httpx.Client(
                timeout=_SECONDS,
                follow_redirects=False,
                # A proxy of the environment may stand between here and the provider, outside of
                # TLS; what is for this machine must not leave it.
                trust_env=not is_loopback(url.host),
                # Plain http needs no certificates, and loading them takes a tenth of a second.
                verify=url.scheme == "https",
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            says = " ".join(tokens.redact(str(error)).split()) or type(error).__name__
            raise ServiceError(
                f"{origin} cannot be asked: {says.rstrip('.')}. Check HTTPS_PROXY, ALL_PROXY,"
                " SSL_CERT_FILE and SSL_CERT_DIR in the environment."
            ) from None

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, target: str, fields: Pairs = ()) -> Response:
        """The answer to GET `target` (path and query) with `FIELDS` and `fields`, and no others.
        Raises ServiceError."""
        import httpx

        request = httpx.Request("GET", self.origin + target, headers=[*FIELDS, *fields])
        with _without_tokens_in_logs():
            try:
                response = self._client.send(request, stream=True)
                try:
                    body = bytearray()
                    for part in response.iter_bytes(65_536):
                        body += part
                        if len(body) > _LARGEST_BODY:
                            raise ServiceError(f"{self.origin} answers more than can be a list.")
                finally:
                    response.close()
            except httpx.TimeoutException:
                raise ServiceError(f"{self.origin} did not answer in {_SECONDS:.0f} s.") from None
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                says = tokens.redact(str(error)) or type(error).__name__
                raise ServiceError(f"{self.origin} cannot be asked: {says}") from None
        fields_of = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.headers.raw
        ]
        return Response(response.status_code, Headers(fields_of), bytes(body))


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = tokens.redact(record.getMessage()), ()
        return True


@contextlib.contextmanager
def _without_tokens_in_logs() -> Iterator[None]:
    """Within, what httpx logs has its tokens redacted, whoever listens."""
    redacting = _Redacting()
    # A filter works only on the logger that a record was made by, so children count too.
    loggers = [
        logging.getLogger(name)
        for name in list(logging.root.manager.loggerDict)
        if name.partition(".")[0] in _LOGGERS
    ]
    for logger in loggers:
        logger.addFilter(redacting)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redacting)
