"""The audit of a live capture's files, once the capture is over.

While packets come each is masked with what is known by then, and waits 3 s at
most.  What was learnt later, or stood in packets further apart, is hidden here:
in place, so that a file is whole at every moment and stays its user's, and
within bounds, so that no run waits long for its exit status.  What was captured
is not there any more, so the audit looks for credentials alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from inspector.errors import InspectorError
from inspector.live.files import CaptureFiles
from inspector.live.signals import Signals
from inspector.redaction import audit
from inspector.secrets.vault import Vault

#: Seconds that the audit may take; it reads some 15 MB a second.
LONGEST: Final = 120.0
#: Bytes of files that are audited in no time.
SHORT: Final = 4 << 20


def audited(
    files: CaptureFiles,
    vault: Vault,
    signals: Signals | None = None,
    *,
    tell: Callable[[str], None] = lambda sentence: None,
    clock: Callable[[], float] = time.monotonic,
) -> str | None:
    """Hide what is left in files that were written with `vault`; what there is to say of it.

    A signal ends the audit, as `LONGEST` does; who may have to wait is told.
    """
    size = sum(capture.bytes for capture in files.finished)
    if size > SHORT:
        tell(f"auditing {size >> 20} MiB for credentials that were learnt late; Ctrl-C ends that")
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
            found = audit(opened, vault, go_on=go_on)
    except OSError as error:
        return _UNREAD.format(error.strerror)
    except InspectorError as error:
        return _UNREAD.format(error.culprit)
    if not found.finished:
        why = "a signal ended the audit" if stopped else f"it would take over {LONGEST:.0f} s"
        return _UNREAD.format(why)
    if not found.blanked:
        return None
    places = "1 place" if found.blanked == 1 else f"{found.blanked} places"
    return f"the audit of the capture file blanked {places} that held a credential learnt later"


_UNREAD: Final = (
    "the capture file was not audited to its end ({}): what was learnt late may stand in it;"
    " run inspector redact on it before it is shared"
)
