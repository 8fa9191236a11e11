"""How a table lies on the disk: as Parquet (pyarrow, the extra `fleet`), or as JSON Lines."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Literal, Protocol, get_args, get_origin

import orjson

from inspector.errors import ExitCode, InspectorError
from inspector.report.formats.json import dumps, timestamp, without_none

#: Rows of a row group of Parquet, and rows that are in memory while a table is written.
GROUP: Final = 20_000


class Form(Protocol):
    """Reads and writes files of rows; a row is a dict as `to_plain` makes it."""

    name: str
    ending: str

    def write(
        self,
        out: BinaryIO,
        kind: type,
        old: Path | None,
        stale: Collection[str],
        rows: Iterable[Mapping[str, Any]],
    ) -> int:
        """Write the rows of `old` whose run is not `stale`, then `rows`; how many these are."""
        ...

    def rows(
        self, path: Path, kind: type, columns: Sequence[str] | None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a file, or some columns of them."""
        ...


class NoParquet(InspectorError):
    """Parquet was asked for, and the library for it is not installed."""

    exit_code = ExitCode.USAGE


class LinesForm:
    """A row a line."""

    name = "jsonl"
    ending = "jsonl"

    def write(
        self,
        out: BinaryIO,
        kind: type,
        old: Path | None,
        stale: Collection[str],
        rows: Iterable[Mapping[str, Any]],
    ) -> int:
        count = 0
        if old is not None:
            with old.open("rb") as lines:
                for line in lines:
                    if orjson.loads(line)["key"] not in stale:
                        out.write(line)
                        count += 1
        for row in rows:
            out.write(dumps(row) + b"\n")
            count += 1
        return count

    def rows(
        self, path: Path, kind: type, columns: Sequence[str] | None
    ) -> Iterator[dict[str, Any]]:
        with path.open("rb") as lines:
            for line in lines:
                row = orjson.loads(line)
                yield row if columns is None else {name: row.get(name) for name in columns}


class ParquetForm:
    """One file of row groups, compressed with Zstandard."""

    name = "parquet"
    ending = "parquet"

    def write(
        self,
        out: BinaryIO,
        kind: type,
        old: Path | None,
        stale: Collection[str],
        rows: Iterable[Mapping[str, Any]],
    ) -> int:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        schema = arrow_schema(kind)
        count = 0
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            if old is not None:
                told = pa.array(sorted(stale), pa.string())
                with pq.ParquetFile(old) as file:
                    for batch in file.iter_batches(GROUP):
                        kept = batch.filter(pc.invert(pc.is_in(batch["key"], value_set=told)))
                        if kept.num_rows:
                            writer.write_batch(_widened(kept, schema))
                            count += kept.num_rows
            source = iter(rows)
            while some := list(islice(source, GROUP)):
                writer.write_batch(arrow_batch(some, schema))
                count += len(some)
        return count

    def rows(
        self, path: Path, kind: type, columns: Sequence[str] | None
    ) -> Iterator[dict[str, Any]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            there = set(file.schema_arrow.names)
            wanted = None if columns is None else [name for name in columns if name in there]
            for batch in file.iter_batches(GROUP, columns=wanted):
                plain = [_plain_column(column, pa) for column in batch.columns]
                names = batch.schema.names
                for values in zip(*plain, strict=True):
                    yield dict(zip(names, values, strict=True))


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


# -- records as Arrow schemas ------------------------------------------------------


def arrow_schema(kind: type) -> Any:
    """The Arrow schema of a record, from its type hints."""
    import pyarrow as pa

    hints = typing.get_type_hints(kind, include_extras=False)
    return pa.schema(
        [pa.field(f.name, _arrow_type(f.name, hints[f.name]), _is_null(hints[f.name]))
         for f in fields(kind)]
    )  # fmt: skip


def column_type(name: str, hint: Any) -> str:
    """The type of a column in words, as docs/fleet-tables.md has it."""
    bare = without_none(hint)
    if name.endswith("_at"):
        return "time"
    if get_origin(bare) is tuple:
        item = get_args(bare)[0]
        if is_dataclass(item):
            return f"list of {typing.cast('type[Any]', item).__name__}"
        return f"list of {column_type('', item)}"
    if get_origin(bare) is Mapping or get_origin(bare) is dict or _is_mapping(bare):
        return f"map of text to {column_type('', get_args(bare)[1])}"
    return {bool: "boolean", int: "integer", float: "number"}.get(bare, "text")


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_null(hint: Any) -> bool:
    return without_none(hint) is not hint


def _arrow_type(name: str, hint: Any) -> Any:
    import pyarrow as pa

    bare = without_none(hint)
    if name.endswith("_at"):
        return pa.timestamp("ns", "UTC")
    if get_origin(bare) is tuple:
        item = get_args(bare)[0]
        if is_dataclass(item):
            return pa.list_(pa.struct(list(arrow_schema(typing.cast("type", item)))))
        return pa.list_(_arrow_type("", item))
    if _is_mapping(bare):
        return pa.map_(pa.string(), _arrow_type("", get_args(bare)[1]))
    if get_origin(bare) is Literal or get_origin(bare) is Annotated:
        return pa.string()
    return {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}.get(bare, pa.string())


def arrow_batch(rows: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    """Rows as a record batch."""
    import pyarrow as pa

    columns = []
    for each in schema:
        values = [row.get(each.name) for row in rows]
        if pa.types.is_timestamp(each.type):
            columns.append(pa.array(values, pa.string()).cast(each.type))
        elif pa.types.is_map(each.type):
            columns.append(pa.array([list((value or {}).items()) for value in values], each.type))
        else:
            columns.append(pa.array(values, each.type))
    return pa.record_batch(columns, schema=schema)


def _widened(batch: Any, schema: Any) -> Any:
    """A batch of an earlier MINOR, with nulls (or what is empty) where there was no column yet."""
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    there = set(batch.schema.names)
    columns = [
        batch[each.name] if each.name in there else _absent(each, batch.num_rows, pa)
        for each in schema
    ]
    return pa.record_batch(columns, schema=schema)


def _absent(each: Any, count: int, pa: Any) -> Any:
    if each.nullable:
        return pa.nulls(count, each.type)
    empty: Any = [] if pa.types.is_list(each.type) or pa.types.is_map(each.type) else None
    if empty is None:
        empty = {"bool": False, "string": ""}.get(str(each.type), 0)
    return pa.array([empty] * count, each.type)


def _plain_column(column: Any, pa: Any) -> list[Any]:
    """A column's values as `to_plain` has them."""
    if pa.types.is_timestamp(column.type):
        times = column.cast("int64").to_pylist()
        return [None if ns is None else timestamp(ns) for ns in times]
    values = column.to_pylist()
    if pa.types.is_map(column.type):
        return [dict(value) for value in values]
    return typing.cast("list[Any]", values)
