"""How a table lies on the disk: as Parquet (pyarrow, the extra `fleet`), or as JSON Lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import orjson

from inspector.errors import ExitCode, InspectorError
from inspector.fact import Fact
from inspector.fleet.arrow import arrow_batch, arrow_schema, plain_column, widened
from inspector.fleet.tables import Row
from inspector.report.formats.json import dumps

#: Rows of a row group of Parquet: what is held of a table while it is written or rewritten.
GROUP: Final = 2_000
#: Rows that are in memory as Python has them while a table is written or read: some megabytes.
CHUNK: Final = 500


class Change(Fact):
    """What becomes of one file: the rows of `old` whose run is not `stale`, then `rows`.

    `kind` is the record of a row; a row is a dict as `to_plain` makes it.
    """

    kind: type[Row]
    old: Path | None
    stale: Collection[str]
    rows: Iterable[Mapping[str, Any]]


class Form(Protocol):
    """Reads and writes files of rows."""

    name: str
    ending: str

    def write(self, out: BinaryIO, change: Change) -> int:
        """Write the file; how many rows it has."""
        ...

    def rows(self, path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
        """The rows of a file, or some columns of them."""
        ...


class NoParquet(InspectorError):
    """Parquet was asked for, and the library for it is not installed."""

    exit_code = ExitCode.USAGE


class LinesForm:
    """A row a line."""

    name = "jsonl"
    ending = "jsonl"

    def write(self, out: BinaryIO, change: Change) -> int:
        count = 0
        if change.old is not None:
            with change.old.open("rb") as lines:
                for line in lines:
                    if orjson.loads(line)["key"] not in change.stale:
                        out.write(line)
                        count += 1
        for row in change.rows:
            out.write(dumps(row) + b"\n")
            count += 1
        return count

    def rows(self, path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
        with path.open("rb") as lines:
            for line in lines:
                row = orjson.loads(line)
                yield row if columns is None else {n: row[n] for n in columns if n in row}


class ParquetForm:
    """One file of row groups, compressed with Zstandard."""

    name = "parquet"
    ending = "parquet"

    def __init__(self) -> None:
        import pyarrow as pa

        # Arrow's own allocator gives nothing back (measured: 156 MB instead of 109).
        pa.set_memory_pool(pa.system_memory_pool())

    def write(self, out: BinaryIO, change: Change) -> int:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        schema = arrow_schema(change.kind)
        count = 0
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            if change.old is not None:
                told = pa.array(sorted(change.stale), pa.string())
                with pq.ParquetFile(change.old) as file:
                    for batch in file.iter_batches(GROUP):
                        kept = batch.filter(pc.invert(pc.is_in(batch["key"], value_set=told)))
                        if kept.num_rows:
                            writer.write_batch(widened(kept, change.kind, schema))
                            count += kept.num_rows
            for group in _groups(change.rows, schema):
                writer.write_table(pa.Table.from_batches(group, schema))
                count += sum(batch.num_rows for batch in group)
        return count

    def rows(self, path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            there = set(file.schema_arrow.names)
            wanted = None if columns is None else [name for name in columns if name in there]
            for batch in file.iter_batches(CHUNK, columns=wanted):
                plain = [plain_column(column) for column in batch.columns]
                names = batch.schema.names
                for values in zip(*plain, strict=True):
                    yield dict(zip(names, values, strict=True))


def _groups(rows: Iterable[Mapping[str, Any]], schema: Any) -> Iterator[list[Any]]:
    """Rows as batches of Arrow, of a row group each."""
    source = iter(rows)
    while group := [
        arrow_batch(some, schema)
        for _ in range(GROUP // CHUNK)
        if (some := list(islice(source, CHUNK)))
    ]:
        yield group


FORMS: Final[Mapping[str, type[Form]]] = {"parquet": ParquetForm, "jsonl": LinesForm}


def form_of(name: str | None) -> Form:
    """The form of that name; None: Parquet where it can be written.  Raises `NoParquet`."""
    has_arrow = find_spec("pyarrow") is not None
    if name is None:
        name = "parquet" if has_arrow else "jsonl"
    if name == "parquet" and not has_arrow:
        raise NoParquet(
            "Parquet is written by pyarrow, which is not installed",
            "Install inspector[fleet], or give --tables jsonl and another directory",
        )
    return FORMS[name]()
