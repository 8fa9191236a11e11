"""Signals as something to read, at a moment of our choosing (signalfd(2)).

A signal never interrupts a write in its middle, and its sender is known: a
Ctrl-C on the terminal reached the command as well, a `kill` did not.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterable
from struct import Struct
from typing import Final, Self

from inspector.fact import Fact

#: What ends a capture.
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_SFD_CLOEXEC: Final = 0o2000000
_SFD_NONBLOCK: Final = 0o4000
#: struct signalfd_siginfo: ssi_signo, ssi_errno, ssi_code.
_INFO: Final = Struct("=Iii")
_INFO_SIZE: Final = 128
#: glibc's sigset_t; the kernel looks at its first 8 bytes.
_SET_SIZE: Final = 128
#: si_code of a signal that the kernel itself sent: the terminal's Ctrl-C.
_SI_KERNEL: Final = 0x80


class Caught(Fact):
    """A signal that came; `by_terminal`: the whole foreground process group got it."""

    number: signal.Signals
    by_terminal: bool

    @property
    def name(self) -> str:
        return "Ctrl-C" if self.by_terminal else self.number.name


class Signals:
    """Blocks the ending signals for this process and gives them one by one."""

    def __init__(self, numbers: Iterable[signal.Signals] = ENDING) -> None:
        wanted = tuple(numbers)
        mask = bytearray(_SET_SIZE)
        for number in wanted:
            mask[(number - 1) >> 3] |= 1 << ((number - 1) & 7)
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = (ctypes.c_char * _SET_SIZE).from_buffer(mask)
        self._descriptor: int = libc.signalfd(-1, buffer, _SFD_CLOEXEC | _SFD_NONBLOCK)
        if self._descriptor < 0:
            errno = ctypes.get_errno()
            raise OSError(errno, os.strerror(errno))

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> Caught | None:
        """The next signal that came, if one did."""
        try:
            info = os.read(self._descriptor, _INFO_SIZE)
        except BlockingIOError:
            return None
        number, _, code = _INFO.unpack_from(info)
        return Caught(signal.Signals(number), code == _SI_KERNEL)

    def close(self) -> None:
        """Give the signals their ordinary meaning again.  Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
