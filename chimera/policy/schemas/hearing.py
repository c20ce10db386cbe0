"""Hearing files: what Schemas say of each, remembered for as long as neither changes.

Files are taken in runs that stand next to one another, so that one entry of the memory tells of
many. In it each answer stands with the content that it is about. Refuses to hold more values than
those of a few runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chimera.documents import without_collector
from chimera.kinds import NoMemo, Subject
from chimera.model import Diagnostic, Digest, digest_bytes, digest_json
from chimera.policy.foreign import ForeignDocument, ForeignFile, claims_of, read_contents
from chimera.policy.schemas.answers import Answer, answer_json, read_answer
from chimera.policy.schemas.checker import Checker, Found, UndecidedError
from chimera.policy.schemas.definition import Definition
from chimera.policy.schemas.holder import Holder, Schema
from chimera.policy.schemas.selecting import selects, unselected
from chimera.policy.schemas.wording import Speaker

Json = Any

_FORMAT = "schema-files/1"
_MEAN = 64
_MOST = 512
"""Files in a run, more or less, and at most."""
_CROWD = 2_000
"""Files of which something is not known that are judged together."""


@dataclass
class Run:
    """Files that are remembered together; `answers` are those that are known so far.

    `kept` is what the memory holds of them, by path: the content's id and the answer. Without a
    key nothing is remembered.
    """

    paths: Sequence[str]
    key: Digest | None
    kept: dict[str, Json] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    fresh: list[ForeignFile] = field(default_factory=list)


class Hearing:
    """All files that are claimed, and the Schemas that act for any of them, by name."""

    def __init__(self, subject: Subject, holders: Mapping[str, Holder], checker: Checker) -> None:
        self._snapshot = subject.snapshot
        self._memo = subject.memo
        self._claims = claims_of(subject.snapshot)
        self._holders = holders
        self._checker = checker
        self._positions = {path: number for number, path in enumerate(self._claims.schemas)}

    def holders(self, path: str) -> list[Holder]:
        """Return the Schemas that act for a file."""
        names = (str(schema.address) for schema in self._claims.schemas[path])
        return [self._holders[name] for name in names if name in self._holders]

    def answers(self) -> Iterator[tuple[int, Answer]]:
        """Yield what is said of every file that is claimed, with its position, in order."""
        crowd: list[Run] = []
        for paths in _parted(self._claims.schemas):
            run = Run(paths, None if isinstance(self._memo, NoMemo) else self._key(paths))
            self._recall(run)
            crowd.append(run)
            if sum(len(one.fresh) for one in crowd) >= _CROWD:
                yield from self._settled(crowd)
                crowd = []
        yield from self._settled(crowd)

    def _key(self, paths: Sequence[str]) -> Digest:
        """Return the key of a run: where it ends, and the Schemas that claim any of its files."""
        claiming = {s.address: s for path in paths for s in self._claims.schemas[path]}
        schemas = [claiming[address] for address in sorted(claiming)]
        facts = [_facts(schema, self._holders.get(str(schema.address))) for schema in schemas]
        end = digest_bytes(paths[-1].encode("utf-8", "surrogateescape"))
        return digest_json([_FORMAT, end, facts])

    def _recall(self, run: Run) -> None:
        """Find out what is known of a run's files, and read those of which nothing is."""
        known = self._memo.get(run.key) if run.key else None
        known = known if isinstance(known, dict) else {}
        ids = {path: self._claims.ids[path] for path in run.paths if path in self._claims.ids}
        self._take(run, known, ids)
        unknown = [path for path in run.paths if path not in run.answers]
        data, faults = read_contents(self._snapshot, unknown)
        run.answers |= {path: Answer(path, (faults[path],)) for path in unknown if path in faults}
        if run.key:
            self._take(run, known, {p: digest_bytes(data[p]) for p in data if p not in ids})
        rest = [path for path in data if path not in run.answers]
        with without_collector():
            run.fresh = [self._claims.read(path, data[path]) for path in rest]

    def _take(self, run: Run, known: Mapping[str, Json], ids: Mapping[str, str]) -> None:
        """Take the answers that are about the content that `ids` name."""
        run.ids |= ids
        for path, id in ids.items():
            kept = known.get(path)
            if isinstance(kept, list) and len(kept) == 2 and kept[0] == id:
                names = {holder.name for holder in self.holders(path)}
                answer = read_answer(path, kept[1], names)
                if answer is not None:
                    run.kept[path], run.answers[path] = kept, answer

    def _settled(self, runs: Sequence[Run]) -> Iterator[tuple[int, Answer]]:
        """Judge what is not known yet, remember it, and yield all in order."""
        heard = self._judge([file for run in runs for file in run.fresh])
        for run in runs:
            fresh = {file.path: heard[file.path] for file in run.fresh}
            run.answers |= fresh
            if run.key and fresh:
                certain = {p: a for p, a in fresh.items() if self._is_certain(a)}
                new = {path: [run.ids[path], answer_json(a)] for path, a in certain.items()}
                self._memo.put(run.key, {**run.kept, **new})
            yield from ((self._positions[path], run.answers[path]) for path in run.paths)

    def _is_certain(self, answer: Answer) -> bool:
        """Tell whether an answer is the same at any time: whether all could be decided."""
        position = self._positions[answer.path]
        stops = (self._holders[name].stopped for name in answer.said)
        return not any(stop is not None and position >= stop[0] for stop in stops)

    def _judge(self, files: Sequence[ForeignFile]) -> dict[str, Answer]:
        """Return what all Schemas say of files, by path."""
        said: dict[str, dict[str, tuple[Diagnostic, ...]]] = {file.path: {} for file in files}
        for holder in self._holders.values():
            spec, address = holder.schema.spec, holder.schema.address
            claimed = (d for file in files for d in file.documents if address in d.schemas)
            meant = [document for document in claimed if selects(spec, document)]
            for document, faults in zip(meant, self._faults(holder, meant), strict=True):
                before = said[document.path].get(holder.name, ())
                said[document.path][holder.name] = (*before, *faults)
        return {file.path: self._answer(file, said[file.path]) for file in files}

    def _answer(self, file: ForeignFile, said: dict[str, tuple[Diagnostic, ...]]) -> Answer:
        specs = [holder.schema.spec for holder in self.holders(file.path)]
        return Answer(file.path, file.faults, said, tuple(unselected(file.documents, specs)))

    def _faults(
        self, holder: Holder, documents: Sequence[ForeignDocument]
    ) -> Iterator[tuple[Diagnostic, ...]]:
        """Yield what a Schema finds in each document; nothing where it cannot, or no longer."""
        definition = holder.definition if holder.is_sound and not holder.stopped else None
        if definition is None:
            yield from (() for _ in documents)
            return
        answers = self._checker.judge(definition, [document.value for document in documents])
        for document in documents:
            if holder.stopped is None:
                try:
                    yield tuple(_told(holder.name, definition, document, next(answers)))
                    continue
                except UndecidedError as error:
                    holder.stop(self._positions[document.path], document.place, error)
            yield ()


def _parted(paths: Iterable[str]) -> Iterator[Sequence[str]]:
    """Yield paths in runs that end where a checksum says so.

    A file that comes or goes changes the run that it is in, and no other.
    """
    run: list[str] = []
    for path in paths:
        run.append(path)
        is_last = not zlib.crc32(path.encode("utf-8", "surrogateescape")) % _MEAN
        if is_last or len(run) == _MOST:
            yield run
            run = []
    if run:
        yield run


def _facts(schema: Schema, holder: Holder | None) -> Json:
    """Return what answers about a file depend on of a Schema that claims it, idle or not."""
    return [str(schema.address), schema.digest, holder and holder.key]


def _told(
    who: str, definition: Definition, document: ForeignDocument, found: Found
) -> Iterator[Diagnostic]:
    speaker = Speaker(who, document.value, document.place, definition)
    for fact in found.errors:
        yield from speaker.diagnostics(fact)
    if found.more:
        yield Diagnostic(
            "schema-violated",
            f"the document has more faults than the {len(found.errors)} that are told",
            document.place,
            "mend these first",
        )
