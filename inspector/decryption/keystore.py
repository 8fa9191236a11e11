"""The one place where the secrets of TLS sessions are held, and key logs are read into it.

The format is that of NSS (draft-ietf-tls-keylogfile, RFC 9850): a label, the client's random and
a secret in hexadecimal, one a line.  Whatever else a file holds is passed over, and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, TypeAlias

from inspector.model.network import KeySource
from inspector.regex import regex
from inspector.secret import Secret

#: TLS 1.2: the master secret (RFC 5246 8.1).
MASTER: Final = "CLIENT_RANDOM"
#: TLS 1.3 (RFC 8446 7.1).
EARLY: Final = "CLIENT_EARLY_TRAFFIC_SECRET"
HANDSHAKE: Final[Mapping[bool, str]] = {
    True: "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    False: "SERVER_HANDSHAKE_TRAFFIC_SECRET",
}
TRAFFIC: Final[Mapping[bool, str]] = {
    True: "CLIENT_TRAFFIC_SECRET_0",
    False: "SERVER_TRAFFIC_SECRET_0",
}
_ALL_1_3: Final = frozenset({*HANDSHAKE.values(), *TRAFFIC.values()})
_LABELS: Final = _ALL_1_3 | {MASTER, EARLY}

#: Sessions whose secrets are kept; a key log of a day of CI has thousands.
SESSIONS_LIMIT: Final = 1 << 18
#: Bytes of records of all connections together that wait for secrets that are still to come, with
#: what each of them costs.
WAITING_LIMIT: Final = 64 << 20
#: ClientHellos whose randoms are told to whoever brings secrets.
AWAITED_LIMIT: Final = 4096
#: Bytes of one line that may be a secret: a label, 64 digits, 128 digits.
LINE_LIMIT: Final = 512

_LINE: Final = regex(
    rb"\s*([A-Z0-9_]{1,40})[ \t]+([0-9A-Fa-f]{64})[ \t]+((?:[0-9A-Fa-f]{2}){16,64})\s*"
)

#: The secrets of one session by their labels.
Secrets: TypeAlias = Mapping[str, Secret]


class Keystore:
    """Secrets by the random of their ClientHello; nothing of them is printed or serialised."""

    __slots__ = (
        "_awaited",
        "_on_lack",
        "_sessions",
        "_sources",
        "_taken",
        "_waiting",
        "expects",
        "is_crowded",
        "is_full",
        "is_probed",
        "lines",
        "unread_lines",
    )

    def __init__(
        self,
        *,
        expects: bool = False,
        on_lack: Callable[[], None] | None = None,
        is_probed: bool = False,
    ) -> None:
        """`on_lack` is called when secrets that are still to come are needed now.

        `is_probed`: they come from probes in running programs.
        """
        self.is_probed = is_probed
        self._on_lack = on_lack
        #: Secrets come while packets come: what has none yet may have them soon.
        self.expects = expects
        self._sessions: dict[bytes, dict[str, Secret]] = {}
        self._sources: dict[bytes, KeySource] = {}
        self._taken: set[bytes] = set()
        #: Lines that held a secret, and those that should have.
        self.lines = 0
        self.unread_lines = 0
        #: Secrets of further sessions were not kept.
        self.is_full = False
        #: Records did not wait for their secrets, as too many did already.
        self.is_crowded = False
        self._waiting = 0
        self._awaited: deque[bytes] = deque(maxlen=AWAITED_LIMIT)

    def __bool__(self) -> bool:
        """Whether there is any key or will be, or a log that should have had one."""
        return self.expects or bool(self._sessions) or bool(self.lines or self.unread_lines)

    def read(self, lines: Iterable[bytes], source: KeySource) -> None:
        """Take the secrets of a key log."""
        for line in lines:
            match = None if len(line) > LINE_LIMIT else _LINE.fullmatch(line)
            if match is None:
                text = line.strip()
                self.unread_lines += bool(text) and not text.startswith(b"#")
                continue
            random = bytes.fromhex(match[2].decode("ascii"))
            secret = Secret(bytes.fromhex(match[3].decode("ascii")))
            self.add(match[1].decode("ascii"), random, secret, source)

    def add(self, label: str, random: bytes, secret: Secret, source: KeySource) -> None:
        """Take one secret: a line of a key log, wherever it was found."""
        self.lines += 1
        if label not in _LABELS:
            return
        if random not in self._sessions and len(self._sessions) >= SESSIONS_LIMIT:
            self.is_full = True
            return
        self._sessions.setdefault(random, {}).setdefault(label, secret)
        self._sources.setdefault(random, source)

    def awaits(self, random: bytes) -> bool:
        """Whether secrets of this session are still to come."""
        held = self._sessions.get(random, {}).keys()
        return self.expects and MASTER not in held and not held >= _ALL_1_3

    def make_room(self, size: int) -> bool:
        """Whether so many bytes more may wait for secrets; then they are counted."""
        if self._waiting + size > WAITING_LIMIT:
            self.is_crowded = True
            return False
        self._waiting += size
        return True

    def give_room(self, size: int) -> None:
        """So many bytes wait no longer."""
        self._waiting = max(0, self._waiting - size)

    @property
    def limits(self) -> tuple[str, ...]:
        """Limits that were reached, for `completeness.limits_hit`."""
        sessions = ("sessions whose secrets are kept",) if self.is_full else ()
        waiting = ("bytes of records that wait for secrets",) if self.is_crowded else ()
        return (*sessions, *waiting)

    def await_secrets(self, random: bytes) -> bool:
        """A ClientHello went by; whether secrets of its session are still to come."""
        if self.expects:
            self._awaited.append(random)
        return self.awaits(random)

    def take_awaited(self) -> tuple[bytes, ...]:
        """The randoms of the ClientHellos that went by since the last call, the newest of them."""
        awaited = tuple(self._awaited)
        self._awaited.clear()
        return awaited

    def of_now(self, random: bytes) -> Secrets | None:
        """Those that can be had now of a session that waited for its secrets."""
        if self._on_lack is not None and self.awaits(random):
            self._on_lack()
        return self.of(random)

    def of(self, random: bytes) -> Secrets | None:
        """The secrets of the session whose ClientHello has this random."""
        return self._sessions.get(random)

    def source(self, random: bytes) -> KeySource:
        """Where they came from."""
        return self._sources.get(random, "none")

    def take(self, random: bytes) -> bool:
        """Whether the session may be read now: of two legs that carry it the first one is."""
        if random in self._taken:
            return False
        self._taken.add(random)
        return True

    def forget_taken(self) -> None:
        """The scope became narrower: all is read anew."""
        self._taken.clear()
        self._waiting = 0

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Keystore is not serialised")

    def __repr__(self) -> str:
        return f"<Keystore of {len(self._sessions)} sessions>"
