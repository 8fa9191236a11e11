"""JSON back to facts: the inverse of `report/json.py`, from the same type hints."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar, get_args, get_origin

from inspector.model.digests import digest_pattern
from inspector.model.enums import MEMBER, Enumeration, enumeration_of
from inspector.model.ids import pattern_of
from inspector.regex import regex
from inspector.report.formats.json import without_none
from inspector.report.formats.schema_builder import known_members
from inspector.wire import packet_reference

T = TypeVar("T")
#: Value, its JSON path, what is noted on the way -> what stands in the fact.
_Loader: TypeAlias = Callable[[Any, str, "Notes"], Any]
#: (name, required, nullable, loader) of each field.
_Plan: TypeAlias = tuple[tuple[str, bool, bool, _Loader], ...]

_plans: Final[dict[type, _Plan]] = {}

_TIME: Final = regex(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCALARS: Final[Mapping[type, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
}


class NotAReport(ValueError):
    """The data is no report of a readable format; the message names the place."""


@dataclass(slots=True)
class Notes:
    """What was met on the way: members of open enumerations that this version does not know."""

    unknown: dict[tuple[str, str], None] = field(default_factory=dict)
    """(enumeration, member), each once, in the order in which they were met."""


def load(kind: type[T], plain: object, where: str = "$", notes: Notes | None = None) -> T:
    """A fact of class `kind` from a JSON object; `where` is its JSON path.

    Unknown names are passed over, fields with a default may be missing, an unknown member of an
    open enumeration is taken as it stands and told to `notes`.  Raises `NotAReport` naming the
    path of what does not fit.
    """
    notes = Notes() if notes is None else notes
    if not isinstance(plain, Mapping):
        raise NotAReport(f"{where} is no object")
    values: dict[str, Any] = {}
    plan = _plans.get(kind)
    if plan is None:
        plan = _plans[kind] = _compile(kind)
    for name, required, nullable, loader in plan:
        if name not in plain:
            if required:
                raise NotAReport(f"{where}.{name} is missing")
            continue
        value = plain[name]
        if value is None:
            if not nullable:
                raise NotAReport(f"{where}.{name} is null")
            values[name] = None
        else:
            values[name] = loader(value, f"{where}.{name}", notes)
    return kind(**values)


def _compile(kind: type[Any]) -> _Plan:
    hints = typing.get_type_hints(kind, include_extras=True)
    plan: list[tuple[str, bool, bool, _Loader]] = []
    for each in fields(kind):
        hint = hints[each.name]
        required = each.default is MISSING and each.default_factory is MISSING
        bare = without_none(hint)
        plan.append((each.name, required, bare is not hint, _loader_of(each.name, bare)))
    return tuple(plan)


def _loader_of(name: str, hint: Any) -> _Loader:
    if name.endswith("_at"):
        return _nanoseconds
    if name in ("packet", "closed_packet"):
        return _reference
    enumeration = enumeration_of(hint)
    if enumeration is not None:
        return _member_of(enumeration)
    pattern = pattern_of(hint)
    if pattern is not None:
        return _shaped(re.compile(pattern), f"name such as {pattern[1]}1")
    digits = digest_pattern(hint)
    if digits is not None:
        return _shaped(re.compile(digits), "digest")
    origin = get_origin(hint)
    if origin is tuple:
        arms = get_args(hint)
        if arms[-1] is not Ellipsis:
            return _row(*(_loader_of("", arm) for arm in arms))
        return _list_of(_reference if name == "packets" else _loader_of("", arms[0]))
    if origin is Sequence:
        return _list_of(_loader_of("", get_args(hint)[0]))
    if origin is Mapping:
        return _object_of(_loader_of("", get_args(hint)[1]))
    if is_dataclass(hint):
        kind = typing.cast("type[Any]", hint)
        return lambda value, where, notes: load(kind, value, where, notes)
    return _scalar(hint)


def _scalar(kind: type) -> _Loader:
    accepted = _SCALARS[kind]

    def load_scalar(value: object, where: str, notes: Notes) -> object:
        if type(value) not in accepted:
            raise NotAReport(f"{where} is no {kind.__name__}")
        return value

    return load_scalar


def _shaped(pattern: re.Pattern[str], what: str) -> _Loader:
    """A text of one form: the name of something in this report, a digest."""
    load_text = _scalar(str)

    def load_shaped(value: object, where: str, notes: Notes) -> object:
        if pattern.fullmatch(load_text(value, where, notes)) is None:
            raise NotAReport(f"{where} is no {what}")
        return value

    return load_shaped


def _member_of(enumeration: Enumeration) -> _Loader:
    known = frozenset(known_members(enumeration))
    load_text = _scalar(str)

    def load_member(value: object, where: str, notes: Notes) -> object:
        member = load_text(value, where, notes)
        if member not in known:
            if not enumeration.is_open:
                raise NotAReport(f"{where} is none of {', '.join(enumeration.known)}")
            if MEMBER.fullmatch(member) is None:
                raise NotAReport(f"{where} is no name of letters and digits")
            notes.unknown[enumeration.name, member] = None
        return member

    return load_member


def _list_of(item: _Loader) -> _Loader:
    def load_list(value: object, where: str, notes: Notes) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise NotAReport(f"{where} is no list")
        return tuple(item(v, f"{where}[{i}]", notes) for i, v in enumerate(value))

    return load_list


def _row(*items: _Loader) -> _Loader:
    """A list of a fixed length."""

    def load_row(value: object, where: str, notes: Notes) -> tuple[object, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(items):
            raise NotAReport(f"{where} is no list of {len(items)}")
        pairs = enumerate(zip(items, value, strict=True))
        return tuple(item(v, f"{where}[{i}]", notes) for i, (item, v) in pairs)

    return load_row


def _object_of(item: _Loader) -> _Loader:
    def load_object(value: object, where: str, notes: Notes) -> dict[str, object]:
        if not isinstance(value, Mapping):
            raise NotAReport(f"{where} is no object")
        return {str(k): item(v, f"{where}.{k}", notes) for k, v in value.items()}

    return load_object


def _nanoseconds(value: object, where: str, notes: Notes) -> int:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise NotAReport(f"{where} is no RFC 3339 time in UTC")
    try:
        since = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) - _EPOCH
    except ValueError:
        raise NotAReport(f"{where} is no date of the calendar") from None
    fraction = (match[2] or "").ljust(9, "0")
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int(fraction)


def _reference(value: object, where: str, notes: Notes) -> int:
    if type(value) is int and value > 0:
        return packet_reference(0, value)
    if isinstance(value, str):
        file, _, number = value.partition(":")
        if file.isascii() and file.isdigit() and number.isascii() and number.isdigit():
            return packet_reference(int(file) - 1, int(number))
    raise NotAReport(f"{where} is no packet number")
