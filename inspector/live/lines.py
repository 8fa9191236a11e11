"""One line for each exchange and each tunnel, as it ends: what `watch` shows.

Captured text is escaped before it is coloured, and nothing is shown of it that
the report would not show.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, TypeAlias

from inspector.model.http import Exchange
from inspector.model.network import Endpoint, Process, Tunnel
from inspector.report.page import words
from inspector.report.page.escape import clipped, defused, visible

Tone: TypeAlias = Literal["good", "bad", "dim"]
#: ECMA-48 select graphic rendition; colour repeats what the words say.
_COLORS: Final[dict[Tone, str]] = {"good": "\x1b[32m", "bad": "\x1b[31m", "dim": "\x1b[2m"}
_PLAIN: Final = "\x1b[0m"
_TARGET: Final = 60
_SECOND: Final = 1_000_000_000

#: Who holds the client's end of a connection between two endpoints, if that is known.
WhoIs: TypeAlias = Callable[[Endpoint, Endpoint], Process | None]


class Lines:
    """Makes lines; `color` for a terminal that takes it."""

    def __init__(self, *, color: bool, who: WhoIs = lambda client, server: None) -> None:
        self._color = color
        self._who = who

    def exchange(self, exchange: Exchange) -> str:
        """A request and what came of it."""
        request, response = exchange.request, exchange.response
        began = request or response
        parts = [
            self._time(0 if began is None else began.started_at),
            f"{exchange.id:<5}",
            self._ends(exchange.client, exchange.server),
        ]
        if exchange.provider != "unknown":
            parts.append(exchange.provider)
        if request is None:
            parts.append("(request not seen)")
        else:
            parts.append(f"{clipped(request.method, 20)} {clipped(request.target, _TARGET)}")
            parts.extend(words.header(auth) for auth in request.auth)
        parts.append(self._answer(exchange))
        return defused("  ".join(parts))

    def tunnel(self, tunnel: Tunnel) -> str:
        """A CONNECT and what was inside."""
        opened = tunnel.established
        reply = self._toned(
            f"CONNECT {words.connect_reply(tunnel)}",
            "dim" if opened is None else "good" if opened else "bad",
        )
        parts = [
            self._time(tunnel.opened_at),
            f"{tunnel.id:<5}",
            self._ends(tunnel.client, tunnel.proxy),
            visible(tunnel.authority or "?"),
            reply,
            f"TLS {words.tls_outcome(tunnel)}",
            f"{words.size(tunnel.bytes_up)} up {words.size(tunnel.bytes_down)} down",
        ]
        return defused("  ".join(parts))

    def _answer(self, exchange: Exchange) -> str:
        response = exchange.response
        if response is None:
            return self._toned(f"no answer ({exchange.ended_by})", "bad")
        whole = response.complete
        parts = [str(response.status) if whole else f"{response.status} cut ({exchange.ended_by})"]
        if response.stream is not None:
            parts.append(words.stream(response.stream))
        if response.api_error is not None and response.api_error.type:
            parts.append(clipped(response.api_error.type, 40))
        request = exchange.request
        if request is not None and response.ended_at is not None:
            parts.append(f"{(response.ended_at - request.started_at) / _SECOND:.2f} s")
        good = whole and response.status < 400
        return self._toned(" ".join(parts), "good" if good else "bad")

    def _ends(self, client: Endpoint, server: Endpoint) -> str:
        process = self._who(client, server)
        who = "" if process is None else f" {_named(process)}"
        return f"{visible(client.ip)}{who} > {words.service(server, None)}"

    def _time(self, at: int) -> str:
        seconds, rest = divmod(at, _SECOND)
        try:
            clock = datetime.fromtimestamp(seconds).strftime("%H:%M:%S")
        except (ValueError, OverflowError, OSError):
            clock = "--:--:--"
        return self._toned(f"{clock}.{rest // 1_000_000:03d}", "dim")

    def _toned(self, text: str, tone: Tone) -> str:
        return f"{_COLORS[tone]}{text}{_PLAIN}" if self._color else text


def _named(process: Process) -> str:
    name = f"{clipped(process.comm, 20)}[{process.pid}]"
    container = words.container(process)
    return f"{clipped(container, 30)}/{name}" if container else name
