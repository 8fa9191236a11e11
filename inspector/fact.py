"""`Fact`: a frozen record with the fields that its class body lists.

In all that uses a dataclass it is one (`fields`, `replace`, `asdict`), but msgspec makes it: the
decorator of `dataclasses` compiles six functions a class, a third of the time that this program
took to start, and builds an instance in Python, eight times as slowly.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Final, dataclass_transform

import msgspec
from msgspec import field
from msgspec.structs import replace

__all__ = ["Fact", "field", "replace"]


class _Fields:
    """What `dataclasses` wants to know of a class, made when it first asks."""

    def __init__(self) -> None:
        self._known: Final[dict[type, dict[str, dataclasses.Field[Any]]]] = {}

    def __get__(self, _: object, kind: type[msgspec.Struct]) -> dict[str, dataclasses.Field[Any]]:
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = _fields(kind)
        return known


def _fields(kind: type[msgspec.Struct]) -> dict[str, dataclasses.Field[Any]]:
    described = []
    for each in msgspec.structs.fields(kind):
        own: dataclasses.Field[Any]
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


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Fact(msgspec.Struct, frozen=True):
    """A record that does not change: `class Name(Fact)`, with fields as a dataclass has them.

    Equal are facts of one class with equal fields; hashable if all fields are.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    else:  # no annotation: who asks for a fact's type hints is told of its fields alone
        __dataclass_fields__ = _Fields()
