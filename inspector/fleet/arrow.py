"""The records of the tables in Arrow's types, and back: what a file of Parquet holds."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from inspector.fleet.tables import Row, empty_row
from inspector.report.formats.json import timestamp, without_none


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

    types = pa.types
    times = {each.name for each in schema if types.is_timestamp(each.type)}
    maps = [each.name for each in schema if types.is_map(each.type)]
    if maps:
        rows = [{**row, **{name: list(row[name].items()) for name in maps}} for row in rows]
    written = [pa.field(each.name, pa.string()) if each.name in times else each for each in schema]
    columns = [
        column.cast(each.type) if each.name in times else column
        for column, each in zip(pa.array(rows, pa.struct(written)).flatten(), schema, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def widened(batch: Any, kind: type[Row], schema: Any) -> Any:
    """A batch of an earlier MINOR with the columns that it lacks (`tables.empty_row`)."""
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    empty = arrow_batch([empty_row(kind)] * batch.num_rows, schema)
    there = set(batch.schema.names)
    columns = [(batch if name in there else empty)[name] for name in schema.names]
    return pa.record_batch(columns, schema=schema)


def plain_column(column: Any) -> list[Any]:
    """A column's values as `to_plain` has them."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        times = column.cast("int64").to_pylist()
        return [None if ns is None else timestamp(ns) for ns in times]
    values = column.to_pylist()
    if pa.types.is_map(column.type):
        return [dict(value) for value in values]
    return typing.cast("list[Any]", values)
