"""The second reading of a live capture's files, once the capture is over.

While packets come each is masked with what is known by then, and waits 3 s at
most.  What was learnt later, or stood in packets further apart, is hidden here:
in place, so that a file is whole at every moment and stays its user's, and
within bounds, so that no run waits long for its exit status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from inspector.errors import InspectorError
from inspector.live.files import CaptureFiles
from inspector.live.signals import Signals
from inspector.redaction import Redactor, reread

#: Seconds that the second reading may take; it reads 1 to 4 MB of plaintext a second.
LONGEST: Final = 120.0
#: Bytes of files that are read again in no time.
SHORT: Final = 4 << 20


def read_again(
    files: CaptureFiles,
    scrubber: Redactor,
    auth_headers: Iterable[str],
    signals: Signals | None = None,
    *,
    kept_headers: Iterable[str] = (),
    tell: Callable[[str], None] = lambda sentence: None,
    clock: Callable[[], float] = time.monotonic,
) -> str | None:
    """Hide what is left in files that `scrubber` wrote; what there is to say of it.

    A signal ends the reading, as `LONGEST` does; who may have to wait is told.
    """
    size = sum(capture.bytes for capture in files.finished)
    if size > SHORT:
        tell(f"reading {size >> 20} MiB again for what was learnt late; Ctrl-C ends that")
    end = clock() + LONGEST
    stopped = False

    def go_on() -> bool:
        nonlocal stopped
        stopped = stopped or (signals is not None and signals.read() is not None)
        return not stopped and clock() < end

    try:
        with files.reopened() as opened:
            if not opened:
                return _UNREAD.format("it is no file")
            told = reread(
                opened,
                scrubber.masker,
                auth_headers=auth_headers,
                kept_headers=kept_headers,
                keep_bodies=scrubber.keep_bodies,
                keep_ciphertext=scrubber.keep_ciphertext,
                go_on=go_on,
            )
    except OSError as error:
        return _UNREAD.format(error.strerror)
    except InspectorError as error:
        return _UNREAD.format(error.culprit)
    if not told.finished:
        why = "a signal ended the reading" if stopped else f"it would take over {LONGEST:.0f} s"
        return _UNREAD.format(why)
    if not told.changed:
        return None
    packets = "1 change was" if told.changed == 1 else f"{told.changed} changes were"
    return f"{packets} made when the capture file was read again for what was learnt later"


_UNREAD: Final = (
    "the capture file was not read again to its end ({}): what was learnt late may stand in it;"
    " run inspector redact on it before it is shared"
)
