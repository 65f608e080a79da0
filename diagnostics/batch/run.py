"""Runs a batch: places out to the workers, rows from them into the store.

Only so much is under way at a time that memory does not grow with the number of captures. Where
a worker dies, what it may have died of is tried again one by one, so that one capture is to blame
and no other is lost.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait

import msgspec

from diagnostics.batch.find import Found
from diagnostics.batch.judge import (
    Failed,
    Judged,
    Known,
    Members,
    NoCapture,
    Outcome,
    Task,
    Unreachable,
    judge,
    why_not,
)
from diagnostics.batch.place import Place, read
from diagnostics.batch.store import Store
from diagnostics.batch.workers import Crew
from diagnostics.capture.exchange import CaptureError
from diagnostics.journey.told import Told
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain

#: A portion for a worker: so many captures at most, and of about so many bytes together.
_MOST = 64
_BYTES = 16 << 20
#: Portions under way for each worker: the next one waits beside it.
_AHEAD = 2
#: The largest file that is sent to a worker that cannot reach it.
_CARRIED = 256 << 20
_PATIENCE = 5.0  # seconds without a result until somebody looks whether anybody is working


class Counts(msgspec.Struct):
    """How far a run is: places met, and of those what became of them."""

    total: int = 0
    judged: int = 0
    known: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def done(self) -> int:
        return self.judged + self.known + self.failed + self.skipped


#: Called whenever the counts have changed.
Observer = Callable[[Counts], None]


def run(found: Found, told: Told, store: Store, crew: Crew, observer: Observer) -> Counts:
    """Judge all that was found. Raises InputError where nobody can work or nothing be stored,
    and KeyboardInterrupt; what is done by then stays done."""
    return _Run(found, told, store, crew, observer).all()


class _Run:
    def __init__(
        self, found: Found, told: Told, store: Store, crew: Crew, observer: Observer
    ) -> None:
        self._told = told
        self._store = store
        self._crew = crew
        self._observer = observer
        self._base = os.getcwd()  # noqa: PTH109 (a string, as it goes to the workers)
        self._waiting = deque(found.places)
        self._asides = found.asides
        self._suspects: deque[Place] = deque()
        self._alone = False  # whether what is under way is one suspect
        self._anew: set[str] = set()  # places that must be judged whatever is known
        self._carry_all = False  # whether workers must be sent the files
        self._at_hand = ("", b"")  # the file that was sent last
        self._under_way: dict[Future[list[Outcome]], tuple[Place, ...]] = {}
        self.counts = Counts(total=len(found.places) + len(found.asides))

    def all(self) -> Counts:
        for aside in self._asides:
            if aside.failed:
                self._failed(Failed(aside.place, aside.reason))
            else:
                self._skipped(NoCapture(aside.place, aside.reason))
        try:
            self._loop()
        except KeyboardInterrupt:
            for future in [future for future in self._under_way if future.done()]:
                with contextlib.suppress(Exception):
                    self._take(future)
            raise
        return self.counts

    def _loop(self) -> None:
        self._observer(self.counts)
        while True:
            while len(self._under_way) < self._room() and (places := self._next()):
                self._submit(places)
            if not self._under_way and not self._waiting and not self._suspects:
                return
            done, _ = wait(self._under_way, _PATIENCE, FIRST_COMPLETED)
            for future in done:
                if future in self._under_way:
                    self._take(future)
            if not done:
                self._crew.check()
            self._store.breathe()
            self._observer(self.counts)

    def _room(self) -> int:
        """How many portions may be under way: a suspect is always alone, so that it is clear
        which capture a worker died of."""
        return 1 if self._suspects or self._alone else _AHEAD * self._crew.size

    def _next(self) -> tuple[Place, ...]:
        if self._suspects:
            self._alone = True
            return (self._suspects.popleft(),)
        # Towards the end portions get smaller, so that no worker waits long for another one.
        most = min(_MOST, max(1, len(self._waiting) // (_AHEAD * 2 * self._crew.size)))
        places: list[Place] = []
        weight = 0
        while self._waiting and len(places) < most:
            weight += self._waiting[0].size or 0
            if places and weight > _BYTES:
                break
            places.append(self._waiting.popleft())
        return tuple(places)

    def _submit(self, places: tuple[Place, ...]) -> None:
        tasks = [task for place in places if (task := self._task(place)) is not None]
        if not tasks:
            self._alone = False
            return
        places = tuple(task.place for task in tasks)
        try:
            future = self._crew.submit(judge, tuple(tasks), self._told, self._base)
        except BrokenExecutor:
            self._suspects += places
            self._broken()
        else:
            self._under_way[future] = places

    def _task(self, place: Place) -> Task | None:
        """What a worker is given; None where the file turns out to be unreadable."""
        known = frozenset() if place.key in self._anew else self._store.known(place)
        if not self._carry_all:
            return Task(place, known)
        try:
            return Task(place, known, self._carried(place))
        except CaptureError as error:
            self._failed(Failed(place, why_not(error, place)))
            return None

    def _carried(self, place: Place) -> bytes:
        """A file's content, to go to a worker that cannot reach it."""
        file, content = self._at_hand
        if file != place.file:
            data = read(place, self._base)
            if len(data) > _CARRIED:
                raise CaptureError("the workers cannot reach it, and it is too large to be sent")
            content = data[:]
            self._at_hand = (place.file, content)
        return content

    def _take(self, future: Future[list[Outcome]]) -> None:
        """Store what a worker found out."""
        places, alone = self._under_way.pop(future), self._alone
        self._alone = False
        try:
            outcomes = future.result()
        except Exception as error:  # a worker that died, or that could not even begin
            if alone:
                self._failed(Failed(places[0], _blame(error)))
            else:
                self._suspects += places
            if isinstance(error, BrokenExecutor):
                self._broken()
            else:
                self._crew.check()
            return
        for outcome in outcomes:
            self._outcome(outcome)

    def _broken(self) -> None:
        """No worker is left: whatever was under way is suspected, or was done just in time."""
        for future, places in list(self._under_way.items()):
            del self._under_way[future]
            try:
                outcomes = future.result(0)
            except Exception:
                self._suspects += places
            else:
                for outcome in outcomes:
                    self._outcome(outcome)
        self._crew.mend()

    def _outcome(self, outcome: Outcome) -> None:
        match outcome:
            case Judged():
                self._store.judged(outcome)
                self.counts.judged += 1
            case Known():
                if self._store.again(outcome):
                    self.counts.known += 1
                else:
                    self._anew.add(outcome.place.key)
                    self._waiting.appendleft(outcome.place)
            case Failed():
                self._failed(outcome)
            case NoCapture():
                self._skipped(outcome)
            case Members():
                self.counts.total += len(outcome.members) - 1
                self._waiting.extendleft(reversed(outcome.members))
            case Unreachable():
                self._unreachable(outcome)

    def _unreachable(self, outcome: Unreachable) -> None:
        """A worker does not see the file: it is sent to it, if it is seen from here."""
        try:
            read(outcome.place, self._base)
        except CaptureError as error:
            self._failed(Failed(outcome.place, why_not(error, outcome.place)))
        else:
            self._carry_all = True
            self._waiting.appendleft(outcome.place)

    def _failed(self, outcome: Failed) -> None:
        self._store.failed(outcome)
        self.counts.failed += 1

    def _skipped(self, outcome: NoCapture) -> None:
        self._store.skipped(outcome)
        self.counts.skipped += 1


def _blame(error: Exception) -> str:
    """Why a capture failed that was alone with a worker."""
    if isinstance(error, BrokenExecutor):
        return "its worker process died, perhaps for lack of memory"
    said = " ".join(str(error).split()) or type(error).__name__
    return f"its worker failed: {plain(redact_text(said), 300)}"
