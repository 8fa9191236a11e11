"""Facts to JSON: the conventions of `model/`, applied once for every class.

For each dataclass a plan is compiled from its type hints: which fields pass as
they are, which are times, packet references, nested facts or sequences.  The
plans mean that a field added to a fact is in the report without a line here.

Output is written piece by piece, one list item a line: a report of 100,000
exchanges never exists a second time as text.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import UnionType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, Union, get_args, get_origin

import orjson

from inspector.wire import packet_label

if TYPE_CHECKING:
    from inspector.model.report import Report

#: Turns a field's value into what orjson writes; the flag is `several_files`.
Encoder: TypeAlias = Callable[[Any, bool], Any]
_Plan: TypeAlias = tuple[tuple[str, Encoder | None], ...]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000
#: RFC 3339 has four digits for the year.  A lying clock is held at its ends.
_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799

#: The runner of GitHub Actions acts on `##[command]` anywhere in a line of
#: standard output.  Outside strings JSON has no `#`, so this is the same JSON.
_WORKFLOW_COMMAND: Final = (b"##[", b"#\\u0023[")
#: What a terminal acts on or does not show, and JSON need not escape (RFC 8259 7):
#: DEL and the C1 controls, format characters (the bidirectional ones, tags), line separators.
_ACTING: Final = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


@lru_cache(maxsize=256)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def timestamp(ns: int) -> str:
    """RFC 3339 of integer nanoseconds UTC, always with nine digits: text order is time order.

    Times outside the years 1 to 9999, which only a lying clock gives, are
    written as the nearest one inside.
    """
    second, rest = divmod(ns, _SECOND)
    if not _FIRST_SECOND <= second <= _LAST_SECOND:
        second, rest = (_FIRST_SECOND, 0) if second < 0 else (_LAST_SECOND, _SECOND - 1)
    return f"{_second(second)}.{rest:09d}Z"


def to_plain(fact: object, *, several_files: bool, without: Collection[str] = ()) -> dict[str, Any]:
    """A fact as dicts, lists and scalars, ready for any JSON writer.

    `several_files` says whether packet references carry their file's index;
    the fields named by `without` are left out.
    """
    return _encode_fact(fact, several_files, without)


def dumps(value: object) -> bytes:
    r"""Compact JSON of plain values, safe to print on a terminal and a runner of GitHub Actions.

    What orjson refuses (a file name that is not UTF-8, a number beyond 64
    bits) is still written: undecodable bytes as the text `\udc..`.
    """
    try:
        data = orjson.dumps(value)
    except TypeError:
        data = json.dumps(_encodable(value), separators=(",", ":")).encode()
    if _WORKFLOW_COMMAND[0] in data:
        data = data.replace(*_WORKFLOW_COMMAND)
    if not data.isascii() or b"\x7f" in data:
        data = _ACTING.sub(lambda found: json.dumps(found[0])[1:-1], data.decode()).encode()
    return data


def pieces(report: Report) -> Iterator[bytes]:
    """The report as pieces of JSON text: each top-level name and list item on a line."""
    several_files = len(report.captures) > 1
    before = b"{"
    for name, encoder in _plan(type(report)):
        value = getattr(report, name)
        yield before + b'\n"' + name.encode() + b'": '
        before = b","
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield from _list_pieces(value, several_files)
        else:
            plain = value if encoder is None or value is None else encoder(value, several_files)
            yield dumps(plain)
    yield b"\n}\n"


def write_json(report: Report, out: BinaryIO) -> None:
    """Write the report to `out` without holding its text."""
    write = out.write
    for piece in pieces(report):
        write(piece)


def _list_pieces(items: Sequence[object], several_files: bool) -> Iterator[bytes]:
    if not items:
        yield b"[]"
        return
    before = b"[\n  "
    for item in items:
        yield before + dumps(_encode_fact(item, several_files))
        before = b",\n  "
    yield b"\n]"


def _encode_fact(
    fact: object, several_files: bool, without: Collection[str] = ()
) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, encoder in _plan(type(fact)):
        if name in without:
            continue
        value = getattr(fact, name)
        if encoder is not None and value is not None:
            value = encoder(value, several_files)
        plain[name] = value
    return plain


_plans: Final[dict[type, _Plan]] = {}


def _plan(kind: type) -> _Plan:
    plan = _plans.get(kind)
    if plan is None:
        plan = _plans[kind] = _compile(kind)
    return plan


def _compile(kind: type) -> _Plan:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no fact")
    hints = typing.get_type_hints(kind)
    return tuple((field.name, encoder_of(field.name, hints[field.name])) for field in fields(kind))


def encoder_of(name: str, hint: Any) -> Encoder | None:
    """How the field `name` of type `hint` is written; None: as it is."""
    hint = without_none(hint)
    if hint is Any:
        return None
    if name.endswith("_at"):
        return lambda value, _: timestamp(value)
    if name in ("packet", "closed_packet"):
        return lambda value, several: packet_label(value, several_files=several)
    origin = get_origin(hint)
    if origin in (tuple, Sequence):
        item = get_args(hint)[0]
        if name == "packets":
            return lambda value, several: [packet_label(v, several_files=several) for v in value]
        if get_origin(item) is tuple:
            return lambda value, _: [list(pair) for pair in value]
        if is_dataclass(item):
            return lambda value, several: [_encode_fact(v, several) for v in value]
        return lambda value, _: list(value)
    if origin is Mapping:
        return lambda value, _: dict(value)
    if is_dataclass(hint):
        return _encode_fact
    return None


def without_none(hint: Any) -> Any:
    """`X` for the type hint `X | None`; other hints as they are."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (arm for arm in get_args(hint) if arm is not type(None))
    return hint


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {str(_encodable(k)): _encodable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(v) for v in value]
    return value
