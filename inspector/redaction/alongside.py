"""The copies of captures that are read for a report: written while they are, of the same parse.

Nothing is parsed a second time to be masked, so a pipe has a copy as a file has; report and
copies know credentials of one vault.  A file is looked at once more to audit its copy.  Until
it is left somewhere a copy lies in a file that its maker provides; a disk that is full costs
the copies, never the report.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import BinaryIO

from inspector.pcap.reader import CaptureReader
from inspector.redaction.audit import Audited
from inspector.redaction.files import CopyWriter, audited
from inspector.redaction.redactor import PacketReader, Redactor
from inspector.wire import FILE_SHIFT, Batch


class Copies:
    """Makes a copy of each capture of one reading: `begin`, `feed`, `end`, then `leave`.

    `new_file` gives an empty file, open for reading and writing, or raises OSError.
    `redactor` is the audience of whoever reads.
    """

    def __init__(
        self,
        new_file: Callable[[], BinaryIO],
        *,
        auth_headers: Iterable[str] = (),
        kept_headers: Iterable[str] = (),
        keep_ciphertext: bool = False,
    ) -> None:
        self.redactor = Redactor(
            auth_headers=auth_headers, kept_headers=kept_headers, keep_ciphertext=keep_ciphertext
        )
        self._names: list[str] = []
        self._new_file = new_file
        self._files: list[BinaryIO] = []
        self._writers: list[CopyWriter] = []
        self._failed: OSError | None = None
        self.count = 0
        #: What the audits of the copies found that were left, in order.
        self.audits: list[Audited] = []

    def begin(self, captures: Sequence[CaptureReader], reader: PacketReader) -> None:
        """These captures will be read, by this reader."""
        self.redactor.follow(reader)
        self.count = len(captures)
        self._names = [capture.name for capture in captures]
        try:
            for capture in captures:
                self._files.append(self._new_file())
                self._writers.append(CopyWriter(self._files[-1], capture, self.redactor.masker))
                self._writers[-1].mark((self.redactor.statement,))
        except OSError as error:
            self._failed = error

    def feed(self, batch: Batch) -> None:
        """Have a batch read, and write what is decided."""
        self._write(self.redactor.feed(batch))

    def end(self) -> None:
        """The captures are read."""
        self._write(self.redactor.finish())
        if self._failed is None:
            try:
                for index, writer in enumerate(self._writers):
                    writer.mark(self.redactor.take_marks(index))
                    writer.end()
            except OSError as error:
                self._failed = error

    def leave(self, index: int, out: BinaryIO) -> None:
        """Put the copy of a capture into `out` and audit it.  Raises OSError."""
        if self._failed is not None:
            raise self._failed
        file = self._files[index]
        file.seek(0)
        shutil.copyfileobj(file, out, 1 << 20)
        out.flush()
        self.audits.append(audited(self._names[index], out, self.redactor, index))

    def close(self) -> None:
        """Nothing of them is needed any more."""
        for file in self._files:
            # What a full disk has no room for is told by whoever wanted to leave it.
            with suppress(OSError):
                file.close()

    def _write(self, ready: Iterable[Batch]) -> None:
        for batch in ready:
            if self._failed is not None:
                continue
            try:
                self._writers[batch.first_packet >> FILE_SHIFT].write(batch)
            except OSError as error:
                self._failed = error
