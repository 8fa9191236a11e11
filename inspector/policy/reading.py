"""A policy from its TOML file.  Every mistake is told with its place and what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from inspector.errors import NOT_SHOWN, InspectorError, is_plain_word, plain
from inspector.fact import replace
from inspector.model.providers import Provider
from inspector.model.report import Report
from inspector.options import Options
from inspector.policy.fields import Table
from inspector.policy.model import Policy
from inspector.policy.places import Place, PolicyError, lines
from inspector.policy.tables import TOP, expect_reader, ignore_reader
from inspector.toml import Unreadable, parse_table, read_text

#: Policies that ship with the program, as files to start from.
BUILT_IN: Final = ("awf",)
#: A policy extends one that extends one, and so on: so deep.
_DEPTH: Final = 8


def read_policy(named: str | Path, added: Iterable[Provider] = ()) -> Policy:
    """The built-in policy of that name, or the one in a file.  Raises `PolicyError`.

    `added` are names of providers beside those known here, which it may speak of.
    """
    return _read(named, tuple(added), ())


@cache
def built_in(name: str) -> Policy:
    """A policy that ships with the program."""
    return _policy(text_of(name), Place(name), name, (), (name,))


def text_of(name: str) -> str:
    """The file of a policy that ships with the program, to start from."""
    return files("inspector.policy").joinpath(f"{name}.toml").read_text(encoding="utf-8")


def providers_in(report: Report) -> frozenset[Provider]:
    """The providers that a report speaks of, whether or not this version knows them."""
    topology = report.topology
    return frozenset(
        (
            *(row.name for row in topology.added),
            *topology.providers.values(),
            *(client.provider for client in report.clients),
        )
    )


def with_network(options: Options, policy: Policy) -> Options:
    """The options of an inspection, with what a policy says of the network.

    An option's own topology file goes before the policy's; auth headers add up.
    """
    topology = options.topology_file
    if topology is None and policy.topology is not None:
        topology = Path(policy.topology)
    headers = (*options.auth_headers, *policy.auth_headers)
    return replace(options, topology_file=topology, auth_headers=headers)


def _read(named: str | Path, added: tuple[Provider, ...], within: tuple[str, ...]) -> Policy:
    if str(named) in BUILT_IN:
        return built_in(str(named))
    path = Path(named)
    try:
        text = read_text(path)
    except Unreadable as error:
        raise PolicyError(
            f"The policy {path} cannot be read: {error}",
            f"Give a TOML file, or the built-in {', '.join(BUILT_IN)}",
            "The captures were not looked at yet",
        ) from error
    return _policy(text, Place(str(path)), str(path), added, (*within, str(path)))


def _policy(
    text: str, place: Place, name: str, added: tuple[Provider, ...], within: tuple[str, ...]
) -> Policy:
    try:
        table = parse_table(text)
    except Unreadable as error:
        raise PolicyError(
            f"The policy {name} cannot be read: {error}",
            "Mend the line that is named",
            "The captures were not looked at yet",
        ) from error
    told = TOP.read(table, place)
    if "topology" in told:
        told["topology"] = str(Path(name).parent / told["topology"])
    base = _base(told.pop("extends", None), name, added, within, place)
    topology = told.get("topology", base.topology)
    if topology is not None:
        with _named(topology):
            rows = Options(topology_file=Path(topology)).roles().added
        added = (*added, *(row.name for row in rows))
    at = lines(text)
    inherited = tuple(expect.name for expect in base.expect if expect.name)
    told["expect"] = _tables("expect", told, at, name, expect_reader(added, inherited))
    own = tuple(expect.name for expect in told["expect"] if expect.name)
    _unique(own, place)
    known = (*own, *inherited)
    told["ignore"] = _tables("ignore", told, at, name, ignore_reader(known, added))
    told.pop("schema", None)
    if told.get("fail_on") == "never":
        told["fail_on"] = None
    return _over(base, replace(base, name=name, **told), own)


def _over(base: Policy, policy: Policy, own: tuple[str, ...]) -> Policy:
    """A policy with what it extends: a name that both have is the extending one's."""
    return replace(
        policy,
        expect=(*(e for e in base.expect if e.name not in own), *policy.expect),
        ignore=(*base.ignore, *policy.ignore),
        severity=MappingProxyType({**base.severity, **policy.severity}),
    )


def _base(
    extends: str | None, name: str, added: tuple[Provider, ...], within: tuple[str, ...],
    place: Place,
) -> Policy:  # fmt: skip
    if extends is None:
        return Policy(name)
    if extends in BUILT_IN:
        return built_in(extends)
    path = str(Path(name).parent / extends)
    if path in within:
        place.refuse(
            f"extends {plain(extends)}, which extends it", "Let one of them extend nothing"
        )
    if len(within) >= _DEPTH:
        place.refuse(f"extends more than {_DEPTH} others in a row", "Extend the last one itself")
    with _named(path):
        return _read(path, added, within)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Errors of a file that a policy names repeat no name that may be a key."""
    try:
        yield
    except InspectorError as error:
        if is_plain_word(path):
            raise
        written = {path, str(Path(path))}
        args = [str(part) for part in error.args]
        for text in sorted(written, key=len, reverse=True):
            args = [part.replace(text, NOT_SHOWN) for part in args]
        raise type(error)(*args) from None


def _unique(names: tuple[str, ...], place: Place) -> None:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            place.refuse(
                f'has more than one [[expect]] of the name "{plain(name)}"', "Give each its own"
            )


def _tables(
    name: str,
    told: Mapping[str, Any],
    at: Mapping[str, list[int]],
    file: str,
    read: Callable[[Table, Place], Any],
) -> tuple[Any, ...]:
    """The entries of `[[name]]`, each read with its number and line."""
    entries = told.get(name, [])
    found = at.get(name, [])
    places = found if len(found) == len(entries) else [None] * len(entries)
    return tuple(
        read(entry, Place(file, name, index, line))
        for index, (entry, line) in enumerate(zip(entries, places, strict=True), 1)
    )
