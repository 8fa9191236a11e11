"""`Fact`: a frozen record with the fields that its class body lists; `Changing`: one that changes.

In all that uses a dataclass they are one (`fields`, `replace`, `asdict`), but msgspec makes them:
the decorator of `dataclasses` compiles six functions a class, three million instructions where
msgspec takes a twentieth, and builds an instance in Python, eight times as slowly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, dataclass_transform

import msgspec
from msgspec import field
from msgspec.structs import replace

if TYPE_CHECKING:
    import dataclasses

__all__ = ["Changing", "Fact", "field", "names_of", "replace"]

_Field: TypeAlias = "dataclasses.Field[Any]"


class _Fields:
    """Gives each class what `dataclasses` wants to know of it."""

    def __init__(self) -> None:
        self._known: Final[dict[type, _Described]] = {}

    def __get__(self, _: object, kind: type[msgspec.Struct]) -> Mapping[str, _Field]:
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = _Described(kind)
        return known


class _Params:
    """Tells what asks how a dataclass was made (`pprint`): msgspec writes its `__repr__`."""

    def __get__(self, _: object, kind: type[msgspec.Struct]) -> Any:
        import dataclasses

        made: Any = dataclasses.make_dataclass(
            kind.__name__, (), repr=False, frozen=kind.__struct_config__.frozen
        )
        return made.__dataclass_params__


class _Described(Mapping[str, "_Field"]):
    """The fields of a class: their names at once, the rest when somebody looks at it."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self._kind = kind

    @cached_property
    def _fields(self) -> dict[str, _Field]:
        return _fields(self._kind)

    def __getitem__(self, name: str) -> _Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kind.__struct_fields__)

    def __len__(self) -> int:
        return len(self._kind.__struct_fields__)


def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    import dataclasses

    described = []
    for each in msgspec.structs.fields(kind):
        own: _Field
        if each.default_factory is not msgspec.NODEFAULT:
            own = dataclasses.field(default_factory=each.default_factory)
        elif each.default is not msgspec.NODEFAULT:
            own = dataclasses.field(default=each.default)
        else:
            own = dataclasses.field()
        described.append((each.name, each.type, own))
    alike: Any = dataclasses.make_dataclass(
        kind.__name__, described, init=False, repr=False, eq=False, kw_only=True,
        namespace={"__doc__": kind.__name__},
    )  # fmt: skip
    return dict(alike.__dataclass_fields__)


def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a class of facts, or of a dataclass, in their order; empty for any other."""
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    return tuple(getattr(kind, "__dataclass_fields__", ()))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Fact(msgspec.Struct, frozen=True):
    """A record that does not change: `class Name(Fact)`, with fields as a dataclass has them.

    Equal are facts of one class with equal fields; hashable if all fields are.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    else:  # no annotation: who asks for a fact's type hints is told of its fields alone
        __dataclass_fields__ = _Fields()
        __dataclass_params__ = _Params()


@dataclass_transform(field_specifiers=(field,))
class Changing(msgspec.Struct):
    """A record that changes while packets come: `class Name(Changing)`, as `Fact` otherwise.

    A slot of it is written at a third of the speed of a dataclass's; what writes one for each
    packet or record is a class with `__slots__`.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    else:
        __dataclass_fields__ = _Fields()
        __dataclass_params__ = _Params()
