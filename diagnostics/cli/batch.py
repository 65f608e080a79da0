"""`why403 batch`: many captures to one file of results, on all cores or on a cluster."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import click

from diagnostics.batch import export, totals
from diagnostics.batch.find import find, network_hosts
from diagnostics.batch.run import Counts, Observer, run
from diagnostics.batch.store import Store, reading
from diagnostics.batch.workers import crew
from diagnostics.cli import given
from diagnostics.cli import told as about_token
from diagnostics.cli.output import write, write_pieces
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain

_RESULTS = "why403-batch.sqlite"
_WIDTH = 100
_EVERY = 10.0  # seconds between two lines of progress where there is no terminal


@click.command("batch")
@about_token.options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=_RESULTS,
    show_default=True,
    help="The results, an SQLite file; one that exists is continued.",
)
@click.option("--csv", "csv_file", metavar="FILE", help="The results as CSV too; - is stdout.")
@click.option("--jsonl", "jsonl_file", metavar="FILE", help="As JSON lines too; - is stdout.")
@click.option("--html", "html_file", metavar="FILE", help="The totals as a web page too.")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    help="How many processes; as many as there are cores, unless given.",
)
@click.option("--scheduler", metavar="URL", help="A Dask scheduler, whose workers do the work.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.pass_context
def batch(
    ctx: click.Context,
    allow: tuple[str, ...],
    allow_file: str | None,
    unrestricted: bool,
    tokens_file: str | None,
    output: str,
    csv_file: str | None,
    jsonl_file: str | None,
    html_file: str | None,
    jobs: int | None,
    scheduler: str | None,
    paths: tuple[str, ...],
) -> None:
    """Diagnose many captures and count their causes.

    PATH is a capture, a folder, a glob, a zip archive, or a URL that fsspec knows (s3://…,
    https://…, memory://…); only such a URL makes this program connect anywhere, and --scheduler.

    The results are one SQLite file with the tables captures, verdicts, findings and skipped,
    which Datasette opens. The same command goes on where it was stopped: what was judged with
    the same allowed URLs, by its content, is not judged again.

    Exit status 0: nothing was refused; 1: refusals were found; 2: the input cannot be used, or
    none of the captures could be judged. Those that could not are rows with the reason.

    \b
    Examples:
      why403 batch tickets/ --allow example.com --html totals.html
      why403 batch 'tickets/**/*.har' upload.zip -o week.sqlite --csv week.csv
      why403 batch s3://bucket/tickets --scheduler tcp://127.0.0.1:8786
    """
    if jobs is not None and scheduler is not None:
        raise click.UsageError("--jobs and --scheduler contradict each other.")
    _check_outputs(output, csv_file, jsonl_file, html_file)
    for name in (output, csv_file, jsonl_file, html_file):
        given.spare(name, allow_file, tokens_file)
    told = about_token.told(allow, allow_file, unrestricted, tokens_file)
    _announce(paths, scheduler)
    outputs = [name for name in (output, csv_file, jsonl_file, html_file) if name and name != "-"]
    found = find(paths, [*outputs, f"{output}-journal"])
    with Store(output, told, paths) as store, crew(jobs or _cores(), scheduler) as workers:
        with _progress() as observer:
            try:
                run(found, told, store, workers, observer)
            except KeyboardInterrupt:
                store.commit()
                raise
        store.finish()
    with reading(output) as db:
        found_out = totals.count(db)
        _print(db, found_out, output, csv_file, jsonl_file, html_file)
    if found_out.captures and found_out.failed == found_out.captures:
        ctx.exit(2)
    ctx.exit(int(found_out.refused > 0))


def _check_outputs(output: str, *others: str | None) -> None:
    """Raises UsageError where one result would take the place of another."""
    if others.count("-") > 1:
        raise click.UsageError("Only one of --csv, --jsonl and --html can be stdout.")
    if output == "-":
        raise click.UsageError("The results are a database, which cannot be stdout: name a file.")
    names = [os.path.realpath(name) for name in (output, *others) if name and name != "-"]
    if len(set(names)) < len(names):
        raise click.UsageError("Two of -o, --csv, --jsonl and --html name the same file.")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what this process may use, not what there is
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _announce(paths: Sequence[str], scheduler: str | None) -> None:
    """Say where this run connects to, before it does."""
    for host in network_hosts(paths):
        click.echo(f"Reads from {plain(redact_text(host))}.", err=True)
    if scheduler is not None:
        says = f"The workers of {plain(redact_text(scheduler))} are given the captures."
        click.echo(says, err=True)


def _print(
    db: sqlite3.Connection,
    found: totals.Totals,
    output: str,
    csv_file: str | None,
    jsonl_file: str | None,
    html_file: str | None,
) -> None:
    if csv_file is not None:
        write_pieces(export.as_csv(db), csv_file)
    if jsonl_file is not None:
        write_pieces(export.as_jsonl(db), jsonl_file)
    if html_file is not None:
        from diagnostics.batch import page

        write(page.render(found), html_file)
    # Results on stdout are for a program: then the tables are for the person beside it.
    aside = "-" in {csv_file, jsonl_file, html_file}
    stream = sys.stderr if aside else sys.stdout
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if stream.isatty() else _WIDTH
    click.echo(totals.text(found, width), err=aside)
    click.echo(f"Results: {plain(output)}", err=aside)


@contextmanager
def _progress() -> Iterator[Observer]:
    """Shows how far a run is, and what to do where it is interrupted."""
    seen = Counts()
    with _bar() if sys.stderr.isatty() else nullcontext(_lines()) as show:

        def observe(counts: Counts) -> None:
            nonlocal seen
            seen = counts
            show(counts)

        try:
            yield observe
        except KeyboardInterrupt:
            _interrupted(seen)
            raise


@contextmanager
def _bar() -> Iterator[Observer]:
    with click.progressbar(length=1, label="Captures", file=sys.stderr, show_pos=True) as bar:

        def draw(counts: Counts) -> None:
            bar.length = counts.total
            bar.update(counts.done - bar.pos)

        yield draw


def _lines() -> Observer:
    """A line now and then."""
    last = time.monotonic()

    def tell(counts: Counts) -> None:
        nonlocal last
        if time.monotonic() - last > _EVERY:
            last = time.monotonic()
            click.echo(f"{counts.done:,} of {counts.total:,}", err=True)

    return tell


def _interrupted(counts: Counts) -> None:
    click.echo(
        f"\nStopped: {counts.done:,} of {counts.total:,} are done and stored."
        " The same command goes on from there.",
        err=True,
    )
