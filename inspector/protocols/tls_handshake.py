"""How far a TLS handshake came, judged from outside: record types, order and sizes.

docs/tls.md tells the rules with their sources.
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Changing, field
from inspector.protocols.tls_hello import ServerHello
from inspector.protocols.tls_names import ANY_SIZES, SIZES, RecordSizes

_TLS_1_2: Final = 0x0303
_CLOSE_NOTIFY: Final = 0
_USER_CANCELED: Final = 90
_FATAL: Final = 2


class HandshakeProgress(Changing):
    """How far a handshake came, judged from the order and sizes of whole records.

    TLS 1.2 and before (RFC 5246 7.3): both sides send ChangeCipherSpec and
    then an encrypted handshake record, the Finished, in either order; records
    of type 23 come after and are data.

    TLS 1.3 (RFC 8446 2, 5.2): everything after the ServerHello has type 23.
    The client's first such record is its Finished, an alert, or the
    Certificate it was asked for.  The server's flight comes before it, so a
    later record of the server, larger than an alert, shows that the server
    accepted the Finished.
    """

    begun: bool = False
    server: ServerHello | None = None
    server_spoke: bool = False
    changed: set[bool] = field(default_factory=set)
    finished: set[bool] = field(default_factory=set)
    data: set[bool] = field(default_factory=set)
    first_up: int | None = None
    more_up: bool = False
    went_on: bool = False
    alerted: bool = False

    @property
    def is_old(self) -> bool:
        """Whether a ServerHello chose TLS 1.2 or before."""
        return self.server is not None and self.server.version <= _TLS_1_2

    @property
    def complete(self) -> bool:
        if self.is_old:
            return len(self.finished) == 2 or len(self.data) == 2
        if self.first_up is None or not self.went_on:
            return False
        # Without a ServerHello this may be TLS 1.2, whose first record of type 23 is data.
        return self.server is None or self.more_up or self.first_up in self._sizes.finished

    def carries_data(self, up: bool) -> bool:
        """Whether a record of type 23 that begins now is taken for application data."""
        if not self.begun or self.is_old or self.first_up is not None:
            return True
        return up and not self.server_spoke  # early data, RFC 8446 2.3

    def encrypted(self, up: bool, size: int) -> None:
        """A whole record of type 23 whose body has `size` bytes."""
        self.data.add(up)
        if self.is_old:
            return
        if up:
            if self.first_up is not None:
                self.more_up = True
            elif self.server_spoke:
                self.first_up = size
                if size == self._sizes.alert:
                    self.alerted = True
        elif self.first_up is not None and not self.went_on and not self.alerted:
            if size == self._sizes.alert:
                self.alerted = True
            else:
                self.went_on = True

    def alert(self, level: int, description: int) -> None:
        """A readable alert.  Before TLS 1.3 a warning may be survived (RFC 5246 7.2)."""
        survivable = level != _FATAL and description not in (_CLOSE_NOTIFY, _USER_CANCELED)
        if not (survivable and (self.server is None or self.is_old)):
            self.alerted = True

    @property
    def _sizes(self) -> RecordSizes:
        cipher = None if self.server is None else self.server.cipher
        return ANY_SIZES if cipher is None else SIZES.get(cipher, ANY_SIZES)
