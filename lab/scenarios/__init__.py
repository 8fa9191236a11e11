"""The scenarios: what the lab is told to do, and what a reader of the capture must learn.

One module a family, one function a scenario: the function is what the clients
do, its decorator says everything else.  `catalogue()` is all of them by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from lab.record import Lab

Verdict = Literal["complete", "incomplete", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """The right diagnosis: the code of the root cause (null: no agent call failed), the hypotheses.

    A hypothesis that is None can be defended either way.
    """

    root_cause: str | None = None
    H1: bool | None = False
    H2: bool | None = False
    H3: bool | None = False
    H4a: bool | None = False
    H4b: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One folder of `captures/`."""

    name: str
    #: One line for the index: the picture a person with a failing run looks for.
    title: str
    #: What was done.
    what: str
    #: What is wrong, "nothing" when all is well.
    wrong: str
    #: What a reader of the capture must learn.
    learn: str
    play: Callable[[Lab], None]
    expect: Expect = Expect()

    # --- how the lab is set up ---
    generation: Literal["old", "new"] = "new"
    #: Whether the new generation tries its keys at start-up.
    probes: bool = False
    #: Keys of the API proxy that differ from the lab's, None for none at all.
    keys: Mapping[str, str | None] = field(default_factory=dict)
    #: Switches of `proxy.start(faults=…)`.
    proxy: Mapping[str, Any] = field(default_factory=dict)
    #: Hosts that the API proxy sends a provider's calls to, in place of the provider's own.
    targets: Mapping[str, str] = field(default_factory=dict)
    #: Whether the API proxy trusts the upstream's authority.
    trusts: bool = True
    #: Switches of the upstream by host (`upstream_behaviour`).
    upstream: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Arguments of `squid.start`.
    squid: Mapping[str, Any] = field(default_factory=dict)
    #: A gateway in the API proxy's place at Anthropic's port (`lab.gateways`), and its limits.
    gateway: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    #: Whether rules of nftables stand in the way (`lab.obstacles`).
    filtered: bool = False
    one_network: bool = False
    ipv6: bool = False
    any_interface: bool = False
    #: "start": from before the API proxy's; "late": the scenario itself says when.
    capture: Literal["start", "late"] = "start"
    #: Which of the API proxy's frames with data are taken out of the file afterwards.
    lose: tuple[int, ...] = ()
    #: Wait until every connection has ended before the capture does.
    settle: bool = True

    # --- what the report ought to say beyond what the logs show ---
    #: Whether the root cause's finding is of level note: nothing proves that a call failed.
    is_noted: bool = False
    #: Codes of findings of the levels warning and error, beside that of the root cause.
    findings: tuple[str, ...] = ()
    #: Verdicts on hypotheses that do not hold and that the packets cannot refute either.
    verdicts: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict = "complete"
    #: Names of oddities, with how often.
    oddities: Mapping[str, int] = field(default_factory=dict)
    #: How agent-side exchanges without a whole answer ended on the wire.
    ended_by: str = "server"
    #: The outcome of the handshake in a tunnel that reached no API call.
    handshake: str = "failed"
    #: What the report must say of every event stream of an API; None: no stream was recognised.
    stream: Mapping[str, Any] | None = field(
        default_factory=lambda: {"terminated": True, "malformed": 0, "truncated": False}
    )
    #: Whether keys.log is part of the folder.
    keep_keys: bool = True
    #: The capture shows a part of the truth only.
    partial: bool = False

    @property
    def description(self) -> str:
        """The line that lists it."""
        return self.title


_CATALOGUE: Final[dict[str, Scenario]] = {}


def scenario(name: str, **about: Any) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """Enter the decorated function into the catalogue."""

    def enter(play: Callable[[Lab], None]) -> Callable[[Lab], None]:
        if name in _CATALOGUE:
            raise ValueError(f"two scenarios are called {name}")
        _CATALOGUE[name] = Scenario(name=name, play=play, **about)
        return play

    return enter


@cache
def catalogue() -> Mapping[str, Scenario]:
    """All scenarios by name, in the order in which the index shows them."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_CATALOGUE.items()))
