"""Facts to JSON: the conventions of `model/`, applied once for every class.

A plan made from the annotations of a fact's class says what of it is written otherwise: times,
packet references, and facts inside that hold some.  The fact with these in it is written by
msgspec in one step, so that a field that is added to a fact is in the report without a line here.

Output is written piece by piece, one list item a line: a report of 100,000
exchanges never exists a second time as text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from types import UnionType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, Union, get_args, get_origin

import orjson
from msgspec import to_builtins
from msgspec.json import Encoder

from inspector.fact import Fact, replace
from inspector.regex import regex
from inspector.wire import FILE_SHIFT, packet_label

if TYPE_CHECKING:
    from inspector.model.report import Report

#: Turns a value into what is written in its place.
_Rewriter: TypeAlias = Callable[[Any], Any]
#: The fields of a fact that are written otherwise.
_Plan: TypeAlias = tuple[tuple[str, _Rewriter], ...]

#: A packed list is of no type that msgspec knows.
_encode: Final = Encoder(enc_hook=list).encode

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000
#: RFC 3339 has four digits for the year.  A lying clock is held at its ends (ns).
_FIRST: Final = -62_135_596_800 * _SECOND
_LAST: Final = 253_402_300_800 * _SECOND - 1

#: `packet_label` where one file has them all.
_NUMBER_ALONE: Final = ((1 << FILE_SHIFT) - 1).__and__

#: The runner of GitHub Actions acts on `##[command]` anywhere in a line of
#: standard output.  Outside strings JSON has no `#`, so this is the same JSON.
_WORKFLOW_COMMAND: Final = (b"##[", b"#\\u0023[")
#: What a terminal acts on or does not show, and JSON need not escape (RFC 8259 7):
#: DEL and the C1 controls, format characters (the bidirectional ones, tags), line separators.
_ACTING: Final = regex(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


@lru_cache(maxsize=256)
def _second(digits: str) -> str:
    moment = _EPOCH + timedelta(seconds=int(digits))
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


@lru_cache(maxsize=16)  # what came in one packet began and ended with it
def timestamp(ns: int) -> str:
    """RFC 3339 of integer nanoseconds UTC, always with nine digits: text order is time order.

    Times outside the years 1 to 9999, which only a lying clock gives, are
    written as the nearest one inside.
    """
    if not _SECOND <= ns <= _LAST:  # no capture's, and its digits do not stand so
        second, rest = divmod(min(max(ns, _FIRST), _LAST), _SECOND)
        return f"{_second(str(second))}.{rest:09d}Z"
    digits = str(ns)
    return f"{_second(digits[:-9])}.{digits[-9:]}Z"


def to_plain(fact: Fact, *, several_files: bool, without: Collection[str] = ()) -> dict[str, Any]:
    """A fact as dicts, lists and scalars, ready for any JSON writer.

    `several_files` says whether packet references carry their file's index;
    the fields named by `without` are left out.
    """
    plan = dict(_plan(type(fact), several_files))
    plain: dict[str, Any] = {}
    for name in fact.__struct_fields__:
        if name in without:
            continue
        value = getattr(fact, name)
        if value is not None and name in plan:
            value = plan[name](value)
        plain[name] = _listed(_built_in(value))
    return plain


def dumps(value: object) -> bytes:
    r"""Compact JSON of plain values, safe to print on a terminal and a runner of GitHub Actions.

    What orjson refuses (a file name that is not UTF-8, a number beyond 64
    bits) is still written: undecodable bytes as the text `\udc..`.
    """
    try:
        data = orjson.dumps(value)
    except TypeError:
        data = _written(_encodable(value))
    return _harmless(data)


def text_of(fact: Any, *, several_files: bool) -> bytes:
    """`dumps` of what `to_plain` makes of a fact, in a fifth of the time."""
    rewritten = _rewriting(fact.__class__, several_files)
    return _of_fact(fact if rewritten is None else rewritten(fact))


def _of_fact(fact: object) -> bytes:
    try:
        data = _encode(fact)
    except UnicodeEncodeError:  # a file name that is not UTF-8
        return dumps(_built_in(fact))
    return _harmless(data)


def _harmless(data: bytes) -> bytes:
    """The same JSON without what a terminal or a runner acts on."""
    # One character is found twenty times as fast as three.
    if b"#" in data and _WORKFLOW_COMMAND[0] in data:
        data = data.replace(*_WORKFLOW_COMMAND)
    if not data.isascii() or b"\x7f" in data:
        data = _ACTING.sub(lambda found: _written(found[0])[1:-1].decode(), data.decode()).encode()
    return data


def _written(value: object) -> bytes:
    """In ASCII, as orjson does not write it."""
    import json

    return json.dumps(value, separators=(",", ":")).encode()


def pieces(report: Report) -> Iterator[bytes]:
    """The report as pieces of JSON text: each top-level name and list item on a line."""
    several_files = len(report.captures) > 1
    plan = dict(_plan(type(report), several_files))
    before = b"{"
    for name in report.__struct_fields__:
        value = getattr(report, name)
        yield before + b'\n"' + name.encode() + b'": '
        before = b","
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield from _list_pieces(value, several_files)
            continue
        if value is not None and name in plan:
            value = plan[name](value)
        yield _of_fact(value)
    yield b"\n}\n"


def write_json(report: Report, out: BinaryIO) -> None:
    """Write the report to `out` without holding its text."""
    write = out.write
    for piece in pieces(report):
        write(piece)


def _list_pieces(items: Sequence[Any], several_files: bool) -> Iterator[bytes]:
    if not items:
        yield b"[]"
        return
    before = b"[\n  "
    rewritten = _rewriting(items[0].__class__, several_files)  # all of one list are of one class
    for item in items:
        yield before + _of_fact(item if rewritten is None else rewritten(item))
        before = b",\n  "
    yield b"\n]"


def _built_in(value: object) -> Any:
    """A fact as dicts, what is in it too; tuples stay, which orjson writes as lists."""
    return to_builtins(value, enc_hook=list)


def _listed(value: Any) -> Any:
    """A plain value with lists for tuples."""
    if isinstance(value, dict):
        return {name: _listed(item) for name, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


@cache
def _rewriting(kind: Any, several_files: bool) -> _Rewriter | None:
    """Makes of a fact one that holds what is written of it; None: it is written as it is."""
    plan = _plan(kind, several_files)
    if not plan:
        return None

    def rewritten(fact: Any) -> Any:
        changes = {}
        for name, rewriter in plan:
            value = getattr(fact, name)
            if value is not None:
                changes[name] = rewriter(value)
        return replace(fact, **changes) if changes else fact

    return rewritten


def _each(rewriter: _Rewriter, items: Iterable[Any]) -> list[Any]:
    """The items of a list, each rewritten."""
    return [rewriter(item) for item in items]


@cache
def _plan(kind: Any, several_files: bool) -> _Plan:
    if not _is_fact(kind):
        raise TypeError(f"{kind.__name__} is no fact")
    found = (
        (name, _rewriter(name, *within, several_files))
        for name, within in facts_within(kind).items()
    )
    return tuple((name, rewriter) for name, rewriter in found if rewriter is not None)


def facts_within(kind: type[Fact]) -> dict[str, tuple[type[Fact] | None, bool]]:
    """For each field of a class the class of facts that it holds, if any, and whether in a list.

    Read from the words of `X | None`, `tuple[X, ...]` and `Sequence[X]`, as the fields of a report
    are written: to evaluate all of its type hints took a fourteenth of a small analysis.
    """
    within: dict[str, tuple[type[Fact] | None, bool]] = dict.fromkeys(
        kind.__struct_fields__, (None, False)
    )
    for each in reversed(kind.__mro__):
        names = vars(sys.modules[each.__module__])
        for name, hint in getattr(each, "__annotations__", {}).items():
            if name in within:
                outer, bracket, inner = hint.removesuffix(" | None").partition("[")
                listed = bool(bracket) and outer in ("tuple", "Sequence")
                held = names.get(inner.rstrip("]").partition(",")[0] if listed else outer)
                within[name] = (held if _is_fact(held) else None, listed)
    return within


def _is_fact(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Fact)


def _rewriter(
    name: str, held: type[Fact] | None, listed: bool, several_files: bool
) -> _Rewriter | None:
    """What the field `name` is written as, which holds such facts; None: as it is."""
    if name.endswith("_at"):
        return timestamp
    label: _Rewriter = partial(packet_label, several_files=True) if several_files else _NUMBER_ALONE
    if name in ("packet", "closed_packet"):
        return label
    if name == "packets" and listed:
        return partial(_each, label)
    rewritten = None if held is None else _rewriting(held, several_files)
    return partial(_each, rewritten) if listed and rewritten is not None else rewritten


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
