"""What a pcapng file carries beside its packets: secrets of TLS, and this program's marks."""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact
from inspector.secret import Secret

#: Bytes of decryption secrets that are kept of one file.
_MAX_SECRETS: Final = 16 * 1024 * 1024
#: Bytes of marks that are kept of one file.
MARKS_LIMIT: Final = 16 << 20


class DecryptionSecrets(Fact):
    """A decryption secrets block: `kind` as in the pcapng draft, 4.7, and its data."""

    kind: int
    data: Secret


class Carried:
    """Keeps them up to a limit of bytes each; what is beyond is left out whole."""

    def __init__(self) -> None:
        self.secrets: list[DecryptionSecrets] = []
        #: Texts of this program's marks that nobody took yet (`exchanges/marks.py`).
        self.marks: list[bytes] = []
        self._secrets_kept = 0
        self._marks_kept = 0

    def keep_secrets(self, kind: int, value: bytes) -> bool:
        """A block's secrets, of this kind; False: there is no room for them."""
        if self._secrets_kept + len(value) > _MAX_SECRETS:
            return False
        self._secrets_kept += len(value)
        self.secrets.append(DecryptionSecrets(kind, Secret(value)))
        return True

    def keep_mark(self, text: bytes) -> bool:
        """The text of a mark; False: there is no room for it."""
        if self._marks_kept + len(text) > MARKS_LIMIT:
            return False
        self._marks_kept += len(text)
        self.marks.append(text)
        return True
