"""`why403 sanitize`: a capture that can be shared, and the proof that it is still worth as much."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from diagnostics.capture.exchange import Capture
from diagnostics.capture.open import read_capture, read_data
from diagnostics.cli import given
from diagnostics.cli import told as about_token
from diagnostics.cli.output import write_bytes
from diagnostics.errors import InputError
from diagnostics.journey.told import Told
from diagnostics.report.model import Report
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain
from diagnostics.report.wording import counted
from diagnostics.sanitize.compare import differences
from diagnostics.sanitize.output import form_of, gzipped, pieces
from diagnostics.sanitize.sanitizer import Sanitizer
from diagnostics.sanitize.standins import Tally
from diagnostics.sanitize.table import table

_MOST_DIFFERENCES = 10
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say; the real one says when


@click.command("sanitize")
@about_token.options
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="The new file; .gz and .zip pack it."
)
@click.argument("capture", metavar="CAPTURE")
@click.pass_context
def sanitize(
    ctx: click.Context,
    allow: tuple[str, ...],
    allow_file: str | None,
    unrestricted: bool,
    tokens_file: str | None,
    output: str,
    capture: str,
) -> None:
    """Make a capture fit to share: no secrets, the same diagnosis.

    CAPTURE is a HAR (plain, .gz or .zip), a mitmproxy flow file, or a file of curl commands; - is
    stdin. The new file is of the same kind, and DevTools and mitmproxy open it.

    Only what a diagnosis reads is kept. Cookies, authorization, bodies, query values, fragments
    and the text of pages are gone. Tokens, account names and whatever is no word in a path have
    stand-ins, equal where they were equal. Names of hosts and words in paths stay: they decide
    what a list of allowed URLs admits. Tell the list with --allow where it has a path or a query
    that is not made of words; the list itself is not written.

    Both files are diagnosed and compared. Exit status 0: the diagnosis is the same; 1: it is not;
    2: the input cannot be used, or the file not be written.

    \b
    Examples:
      why403 sanitize customer.har -o for-the-ticket.har
      why403 sanitize customer.har.gz -o for-the-ticket.har.gz --allow example.com/maps/42a
      pbpaste | why403 sanitize - -o request.curl
    """
    told = about_token.told(allow, allow_file, unrestricted, tokens_file)
    given.spare(output, capture, allow_file, tokens_file)
    _check(output)
    given.announce("Sanitizing", capture)
    captures = given.captures([capture])
    sanitizers = [Sanitizer(one, _entries(told)) for one in captures]
    if output == "-":
        data = b"".join(_packed(sanitizers, output))
        write_bytes([data], output)
        again = read_data(data, "the sanitized capture")
    else:
        write_bytes(_packed(sanitizers, output), output)
        again = read_capture(output)
    same = _tell(captures, again, sanitizers, told, output)
    ctx.exit(int(not same))


def _entries(told: Told) -> list[str]:
    """Every allowed URL that was told."""
    lists = [told.everywhere, *told.by_id.values()]
    return list(dict.fromkeys(entry for allowed in lists for entry in allowed.entries or ()))


def _packed(sanitizers: Sequence[Sanitizer], output: str) -> Iterable[bytes]:
    """The content of the new file, packed as its name says."""
    name = output.lower()
    if name.endswith(".zip"):
        return [_zipped(sanitizers)]
    if len(sanitizers) != 1:
        raise InputError(
            f"the archive holds {len(sanitizers)} captures: give -o a name that ends in .zip"
        )
    data = pieces(sanitizers[0])
    return gzipped(data) if name.endswith(".gz") else data


def _zipped(sanitizers: Sequence[Sanitizer]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, sanitizer in enumerate(sanitizers, 1):
            member = zipfile.ZipInfo(f"{number}.{form_of(sanitizer.capture)}", _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                for piece in pieces(sanitizer):
                    file.write(piece)
    return out.getvalue()


def _check(output: str) -> None:
    """Raises InputError where what was written could not be read again, to be compared."""
    if output != "-" and Path(output).exists() and not Path(output).is_file():
        raise InputError(
            f"{output}: is no file that can be read again, to compare. Name a file, or -."
        )


def _tell(
    before: Sequence[Capture],
    after: Sequence[Capture],
    sanitizers: Sequence[Sanitizer],
    told: Told,
    output: str,
) -> bool:
    """Print what was done, and whether the diagnosis stayed the same."""
    from diagnostics.journey.diagnose import diagnose

    to_stderr = output == "-"
    tally, stand_ins = Tally(), told
    for sanitizer in sanitizers:
        tally.add(sanitizer.tally)
        stand_ins = sanitizer.told(stand_ins)
    reports = diagnose(before, told), diagnose(after, stand_ins)
    click.echo(table(tally), err=to_stderr)
    for line in _other_tools(before, reports[0], tally):
        click.echo(f"\n{line}", err=to_stderr)
    parted = list(differences(*reports))
    if not parted:
        refusals = counted(reports[0].summary.refused, "refused request")
        findings = counted(len(reports[0].findings), "finding")
        click.echo(
            f"\nSame verdicts before and after: yes, checked ({refusals}, {findings}).",
            err=to_stderr,
        )
    else:
        click.echo("\nTHE DIAGNOSIS IS NOT THE SAME:", err=True)
        for says in parted[:_MOST_DIFFERENCES]:
            click.echo(f"  {plain(redact_text(says))}", err=True)
        if len(parted) > _MOST_DIFFERENCES:
            click.echo(f"  and {len(parted) - _MOST_DIFFERENCES:,} more", err=True)
        click.echo(
            "The file holds no secrets, but support would be told something else. Tell the token's"
            " allowed URLs with --allow, or say so when you send it.",
            err=True,
        )
    if not to_stderr:
        click.echo(f"Written: {plain(redact_text(output))}", err=to_stderr)
    return not parted


def _other_tools(before: Sequence[Capture], report: Report, tally: Tally) -> Iterable[str]:
    """What other tools took out before, and what that costs."""
    from diagnostics.capture.redacted import is_cost

    yield from filter(is_cost, report.capture.blind_spots)
    already = not tally.removed["cookies"] and not tally.removed["authorization"]
    if already and any(c.exporter == "Chrome DevTools" and c.exchanges for c in before):
        yield (
            "The capture looks like Chrome's own sanitized export, which leaves out cookies and"
            " authorization. That costs a diagnosis nothing; but tokens in addresses, bodies and"
            " scripts were still in it."
        )
