"""JSON back to facts: the inverse of `report/json.py`, from the same type hints."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args, get_origin

from inspector.report.formats.json import without_none
from inspector.wire import packet_reference

T = TypeVar("T")
_Loader: TypeAlias = Callable[[Any, str], Any]
#: (name, required, nullable, loader) of each field.
_Plan: TypeAlias = tuple[tuple[str, bool, bool, _Loader], ...]

_plans: Final[dict[type, _Plan]] = {}

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCALARS: Final[Mapping[type, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
}


class NotAReport(ValueError):
    """The data is no `inspector.report/1`; the message names the place."""


def load(kind: type[T], plain: object, where: str = "$") -> T:
    """A fact of class `kind` from a JSON object; `where` is its JSON path.

    Unknown names are passed over, fields with a default may be missing.
    Raises `NotAReport` naming the path of what does not fit.
    """
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
            values[name] = loader(value, f"{where}.{name}")
    return kind(**values)


def _compile(kind: type[Any]) -> _Plan:
    hints = typing.get_type_hints(kind)
    plan: list[tuple[str, bool, bool, _Loader]] = []
    for field in fields(kind):
        hint = hints[field.name]
        required = field.default is MISSING and field.default_factory is MISSING
        bare = without_none(hint)
        plan.append((field.name, required, bare is not hint, _loader_of(field.name, bare)))
    return tuple(plan)


def _loader_of(name: str, hint: Any) -> _Loader:
    if name.endswith("_at"):
        return _nanoseconds
    if name in ("packet", "closed_packet"):
        return _reference
    origin = get_origin(hint)
    if origin is tuple:
        arms = get_args(hint)
        if arms[-1] is not Ellipsis:
            return _list_of(_loader_of("", arms[0]), length=len(arms))
        return _list_of(_reference if name == "packets" else _loader_of("", arms[0]))
    if origin is Sequence:
        return _list_of(_loader_of("", get_args(hint)[0]))
    if origin is Literal:
        return _one_of(get_args(hint))
    if origin is Mapping:
        return _object_of(_loader_of("", get_args(hint)[1]))
    if is_dataclass(hint):
        kind = typing.cast("type[Any]", hint)
        return lambda value, where: load(kind, value, where)
    return _scalar(hint)


def _scalar(kind: type) -> _Loader:
    kind = getattr(kind, "__supertype__", kind)
    accepted = _SCALARS[kind]

    def load_scalar(value: object, where: str) -> object:
        if type(value) not in accepted:
            raise NotAReport(f"{where} is no {kind.__name__}")
        return value

    return load_scalar


def _one_of(allowed: tuple[object, ...]) -> _Loader:
    def load_name(value: object, where: str) -> object:
        if value not in allowed:
            raise NotAReport(f"{where} is none of {', '.join(map(str, allowed))}")
        return value

    return load_name


def _list_of(item: _Loader, length: int | None = None) -> _Loader:
    def load_list(value: object, where: str) -> tuple[object, ...]:
        if not isinstance(value, list | tuple) or length not in (None, len(value)):
            raise NotAReport(f"{where} is no list{f' of {length}' if length else ''}")
        return tuple(item(v, f"{where}[{i}]") for i, v in enumerate(value))

    return load_list


def _object_of(item: _Loader) -> _Loader:
    def load_object(value: object, where: str) -> dict[str, object]:
        if not isinstance(value, Mapping):
            raise NotAReport(f"{where} is no object")
        return {str(k): item(v, f"{where}.{k}") for k, v in value.items()}

    return load_object


def _nanoseconds(value: object, where: str) -> int:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise NotAReport(f"{where} is no RFC 3339 time in UTC")
    try:
        since = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) - _EPOCH
    except ValueError:
        raise NotAReport(f"{where} is no date of the calendar") from None
    fraction = (match[2] or "").ljust(9, "0")
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int(fraction)


def _reference(value: object, where: str) -> int:
    if type(value) is int and value > 0:
        return packet_reference(0, value)
    if isinstance(value, str):
        file, _, number = value.partition(":")
        if file.isascii() and file.isdigit() and number.isascii() and number.isdigit():
            return packet_reference(int(file) - 1, int(number))
    raise NotAReport(f"{where} is no packet number")
