"""Which process held which end of a connection: claims, and the comments that carry them.

A claim comes from the kernel during a live capture, or from a packet comment in
a file that one wrote::

    inspector:process {"client":"172.30.0.20:41234","server":"172.30.0.30:10001",
                       "end":"client","at":1764070000000000000,
                       "pid":4242,"comm":"curl","exe":"/usr/bin/curl", ...}

The comment names its connection itself, so it may stand on any packet; a live
capture puts it on the connection's first.  A comment is as hostile as a packet:
what does not fit is passed over, and all text is scrubbed of credentials.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, TypeGuard

from inspector.fact import Fact, names_of, replace
from inspector.model.network import Endpoint, Process
from inspector.regex import regex

End: TypeAlias = Literal["client", "server"]

PREFIX: Final = "inspector:process "
#: A longer comment is none of ours.
_LONGEST: Final = 4096
#: The longest text in one (a path; Linux' PATH_MAX is 4096, but nobody reads such a name).
_LONGEST_TEXT: Final = 1024
#: The id of a container, whole or as `docker ps` writes it.
_CONTAINER: Final = regex(r"[0-9a-f]{12}(?:[0-9a-f]{52})?")
#: Claims that wait for their connection; most are of connections elsewhere on the machine.
WAITING: Final = 65_536
#: Connections that are over and may still be spoken of.
RECENT: Final = 1024
#: Clocks of kernel and capture agree to well within this; pairs of ports do not come
#: again so soon (TIME-WAIT takes a minute).
SLACK_NS: Final = 1_000_000_000

_Key: TypeAlias = tuple[str, int, str, int]


class SocketOwner(Fact):
    """`process` held the `end` of the connection from `client` to `server`, from `at` on."""

    client: Endpoint
    server: Endpoint
    end: End
    at: int
    process: Process


class Processes:
    """Claims, until their connections are over."""

    def __init__(self, scrub: Callable[[str], str]) -> None:
        self._scrub = scrub
        self._claims: OrderedDict[_Key, list[SocketOwner]] = OrderedDict()
        self._recent: OrderedDict[_Key, tuple[Process | None, Process | None]] = OrderedDict()
        self.any = False

    def add(self, claim: SocketOwner) -> SocketOwner:
        """Remember a claim, scrubbed; one that was made before is not made twice."""
        self.any = True
        key = _key(claim.client, claim.server)
        claims = self._claims.setdefault(key, [])
        claim = replace(claim, process=_scrubbed(claim.process, self._scrub))
        if claim not in claims:
            claims.append(claim)
        self._claims.move_to_end(key)
        if len(self._claims) > WAITING:
            self._claims.popitem(last=False)
        return claim

    def read(self, comment: str) -> None:
        """Take the claim out of a packet comment, if it holds one."""
        claim = parse(comment)
        if claim is not None:
            self.add(claim)

    def known(self, client: Endpoint, server: Endpoint) -> Process | None:
        """The client of the newest connection between the two, open or just over."""
        key = _key(client, server)
        claims = [claim for claim in self._claims.get(key, ()) if claim.end == "client"]
        if claims:
            return max(claims, key=lambda claim: claim.at).process
        return self._recent.get(key, (None, None))[0]

    def of(
        self, client: Endpoint, server: Endpoint, opened_at: int, ended_at: int
    ) -> tuple[Process | None, Process | None]:
        """The processes at both ends of a connection that is over; its claims are used up.

        An end that two processes claimed is nobody's: two namespaces can hold
        the same address, and a wrong name is worse than none.
        """
        key = _key(client, server)
        claims = self._claims.pop(key, None)
        if claims is None:
            return None, None
        # It ended before it was opened if the clock was set back meanwhile.
        opened_at, ended_at = sorted((opened_at, ended_at))
        later = [claim for claim in claims if claim.at > ended_at + SLACK_NS]
        if later:
            self._claims[key] = later
        own = [claim for claim in claims if opened_at - SLACK_NS <= claim.at <= ended_at + SLACK_NS]
        held = _holder(own, "client"), _holder(own, "server")
        self._recent[key] = held
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return held


def comment(claim: SocketOwner) -> str:
    """The claim as a packet comment."""
    process = {
        name: value
        for name in names_of(Process)
        if (value := getattr(claim.process, name)) is not None
    }
    named = {
        "client": _written(claim.client),
        "server": _written(claim.server),
        "end": claim.end,
        "at": claim.at,
        **process,
    }
    import json

    return PREFIX + json.dumps(named, separators=(",", ":"))


def parse(text: str) -> SocketOwner | None:
    """The claim in a packet comment; None for any other comment."""
    if not text.startswith(PREFIX) or len(text) > _LONGEST:
        return None
    import json

    try:
        named = json.loads(text[len(PREFIX) :])
    except (ValueError, RecursionError):
        return None
    if not isinstance(named, dict) or named.get("end") not in ("client", "server"):
        return None
    client, server = _read(named.get("client")), _read(named.get("server"))
    at, pid, comm = named.get("at"), named.get("pid"), named.get("comm")
    if client is None or server is None or not _is_number(at) or not _is_number(pid):
        return None
    if not isinstance(comm, str):
        return None
    netns = named.get("netns")
    return SocketOwner(
        client,
        server,
        named["end"],
        at,
        Process(
            pid=pid,
            comm=comm[:_LONGEST_TEXT],
            exe=_text(named.get("exe")),
            container=_text(named.get("container")),
            container_id=_text(named.get("container_id")),
            netns=netns if _is_number(netns) else None,
        ),
    )


def _holder(claims: list[SocketOwner], end: End) -> Process | None:
    held = {claim.process for claim in claims if claim.end == end}
    return held.pop() if len(held) == 1 else None


def _key(client: Endpoint, server: Endpoint) -> _Key:
    return client.ip, client.port, server.ip, server.port


def _written(end: Endpoint) -> str:
    return f"[{end.ip}]:{end.port}" if ":" in end.ip else f"{end.ip}:{end.port}"


def _read(text: Any) -> Endpoint | None:
    if not isinstance(text, str):
        return None
    ip, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) < 6):
        return None
    return Endpoint(ip.strip("[]"), int(port))


def _text(value: Any) -> str | None:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else None


def _is_number(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 1 << 63


def _id(container: str, scrub: Callable[[str], str]) -> str:
    """A container's id as its runtime makes them, which no grammar tells from a key."""
    return container if _CONTAINER.fullmatch(container) else scrub(container)


def _scrubbed(process: Process, scrub: Callable[[str], str]) -> Process:
    return replace(
        process,
        comm=scrub(process.comm),
        exe=None if process.exe is None else scrub(process.exe),
        container=None if process.container is None else scrub(process.container),
        container_id=None if process.container_id is None else _id(process.container_id, scrub),
    )
