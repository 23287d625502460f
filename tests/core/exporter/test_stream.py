"""Whole or visibly broken: outcome, checksum, a failing source, a reader who leaves, a file that appears only when whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from core.exporter.columns import Column
from core.exporter.stream import Outcome, Stream, group_digest, read_all, save
from core.exporter.text import Options, write_csv

COLUMNS = [Column("a"), Column("b")]


def failing(after: int) -> Iterator[tuple[str, str]]:
    for number in range(after):
        yield str(number), "نص"
    raise RuntimeError("the database went away")


def make(rows: object) -> Stream:
    return write_csv(COLUMNS, rows, Options(bom=False))  # type: ignore[arg-type]


def test_outcome_counts_rows_and_covers_every_byte() -> None:
    told: list[Outcome] = []
    stream = make([("1", "2"), ("3", "4")]).finished(told.append)
    assert stream.outcome is None

    content = read_all(stream)

    assert told == [Outcome(2, len(content), sha256(content).hexdigest(), True)]
    assert stream.outcome == told[0]


def test_a_source_that_fails_midway_cannot_pass_for_a_whole_file() -> None:
    stream, sent = make(failing(1_000)), b""

    with pytest.raises(RuntimeError):
        for data in stream:
            sent += data

    assert stream.outcome is not None and not stream.outcome.whole
    with pytest.raises(csv.Error):
        list(csv.reader(io.StringIO(sent.decode()), strict=True))


def test_a_source_that_fails_at_once_sends_nothing() -> None:
    stream = make(failing(0))

    with pytest.raises(RuntimeError):
        stream.prime()

    assert stream.outcome is not None and (stream.outcome.size, stream.outcome.whole) == (0, False)


def test_a_reader_who_leaves_ends_it_as_broken() -> None:
    told: list[Outcome] = []
    stream = make((str(number), "x") for number in range(10_000)).finished(told.append)
    next(stream)

    stream.close()

    assert [one.whole for one in told] == [False]


def test_closing_an_ended_stream_changes_nothing() -> None:
    stream = make([("1", "2")])
    read_all(stream)

    stream.close()

    assert stream.outcome is not None and stream.outcome.whole


def test_primed_stream_loses_nothing() -> None:
    assert read_all(make([("1", "2")]).prime()) == b"a,b\r\n1,2\r\n"


def test_saved_file_appears_only_when_whole(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"

    outcome = save(make([("1", "2")]), good)
    with pytest.raises(RuntimeError):
        save(make(failing(1_000)), bad)

    assert sha256(good.read_bytes()).hexdigest() == outcome.sha256
    assert [file.name for file in tmp_path.iterdir()] == ["good.csv"]


def test_checksum_is_shown_in_groups_of_eight() -> None:
    assert group_digest("0123456789abcdef" * 4) == " ".join(["01234567", "89abcdef"] * 4)
