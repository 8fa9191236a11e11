"""What is right name by name and cannot be meant together.

An entry that could only be always broken, or that nothing would ever be judged by, is refused
when it is read: an accepted one would promise a gate that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from inspector.policy.checks import CHECKS
from inspector.policy.model import Expect, Ignore
from inspector.policy.places import Place

T = TypeVar("T")

#: What is asked of ways out and tunnels, which alone somebody opens.
_OF_WAYS: Final = frozenset({"hosts", "tls", "tunnels", "direct_connect"})


class _Contradiction(NamedTuple, Generic[T]):
    is_in: Callable[[T], bool]
    #: With the names of its fields, after "[[expect]] 1 of the policy ...".
    problem: str
    advice: str


def refuse_expect(expect: Expect, place: Place, replaced: Container[str] = ()) -> None:
    """Raise `PolicyError` for an `[[expect]]` that cannot be meant.

    One of a name in `replaced` takes an expectation of an extended policy out, if it asks nothing.
    """
    if expect.name not in replaced and not any(asked(expect)):
        place.refuse(
            "asks nothing: only of what it would ask is said",
            'Name what is expected (docs/policy.md, "What it asks")',
        )
    _refuse(expect, place, _OF_EXPECT)


def refuse_ignore(ignore: Ignore, place: Place) -> None:
    """Raise `PolicyError` for an `[[ignore]]` that cannot be meant."""
    _refuse(ignore, place, _OF_IGNORE)


def _refuse(entry: T, place: Place, table: tuple[_Contradiction[T], ...]) -> None:
    for each in table:
        if each.is_in(entry):
            place.refuse(each.problem.format(entry), each.advice)


def asked(expect: Expect) -> Iterator[str]:
    """The names by which an expectation asks something."""
    for check in CHECKS:
        if check.wanted(expect) is not None:
            yield check.of[0]


def _forbids_what_it_wants(expect: Expect) -> bool:
    return expect.forbid and expect.hosts is None and expect.min_calls > 0


def _opens_nothing(expect: Expect) -> bool:
    """Whether it narrows to an opener what no opener is asked of."""
    forbids = expect.forbid and expect.hosts is None
    return expect.opened_by is not None and not forbids and not (_OF_WAYS & set(asked(expect)))


def _both(expect: Expect) -> list[str]:
    rules = expect.headers
    if rules is None:
        return []
    present = {name.lower() for name in rules.present}
    return [name for name in rules.absent if name.lower() in present]


def _wants_a_query_and_none(expect: Expect) -> bool:
    auth = expect.auth
    if auth is None or auth.query or auth.names is None:
        return False
    return any(name.startswith("?") for name in auth.names)


_OF_EXPECT: Final[tuple[_Contradiction[Expect], ...]] = (
    _Contradiction(
        lambda expect: expect.max_calls is not None and expect.max_calls < expect.min_calls,
        "asks for at least {0.min_calls} calls and at most {0.max_calls}",
        "Let max_calls be min_calls or more",
    ),
    _Contradiction(
        _forbids_what_it_wants,
        "forbids all calls, and asks for at least {0.min_calls}",
        "Leave out forbid or min_calls",
    ),
    _Contradiction(
        lambda expect: bool(_both(expect)),
        "has a header both in absent and in present",
        "Leave it out of one of them",
    ),
    _Contradiction(
        _wants_a_query_and_none,
        "lets a query parameter carry the credential, and query = false forbids it",
        "Leave out one of the two",
    ),
    _Contradiction(
        lambda expect: expect.opened_by == "api-proxy" and expect.direct_connect == "never",
        'speaks of the api-proxy alone, and direct_connect = "never" of agents',
        "Write an [[expect]] for each",
    ),
    _Contradiction(
        _opens_nothing,
        "has opened_by, and asks nothing of what is opened",
        "Name hosts, tls, tunnels or forbid, or leave out opened_by",
    ),
)
_OF_IGNORE: Final[tuple[_Contradiction[Ignore], ...]] = (
    _Contradiction(
        lambda ignore: (
            ignore.start is not None
            and ignore.expires is not None
            and ignore.expires < ignore.start
        ),
        "begins on {0.start}, after it ended on {0.expires}",
        "Let from be until or earlier",
    ),
)
