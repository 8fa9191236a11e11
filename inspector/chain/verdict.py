"""Turn a link, or the absence of one, into a statement: who answered, how surely, and why.

A confidence is the minimum of the limits that apply; it is a judgement, not a probability.  Of
the real captures and the made loads every chain at `RELIABLE` (0.8) or more is right
(tests/chain/test_truth.py, test_load.py).  0.95: nothing speaks against it.  0.9 and 0.85: one
weak doubt, still relied on.  0.75 and less: the true tunnel may be another, never relied on.  0.3
to 0.5: a guess.  A limit that is moved across 0.8 makes the diagnosis rely on links
of that kind, or ignore them.  A margin (how much more the next best explanation costs, in units
of `evidence`) gives at most 0.5 + 0.45 * (1 - exp(-margin / 2.5)): 0.5 where nothing tells two
calls apart, 0.8 from 2.75 on.  tests/chain/test_verdict.py has one line for each situation.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp
from typing import Final, Literal, TypeAlias

from inspector.chain.answerer import weigh
from inspector.chain.evidence import ENDS_TOGETHER, LATE, LATER, PROMPT, lag, patience
from inspector.chain.link import Link
from inspector.chain.rows import UNKNOWN, CallRow, Carrier, Voice
from inspector.chain.signs import SIGNS, Way
from inspector.chain.way import way_through
from inspector.fact import Fact
from inspector.model.conclusions import RELIABLE, AnsweredBy
from inspector.model.http import EndedBy
from inspector.model.network import BY_CLIENT, ClosedBy

#: The sentences of `Chain.reasons`; their wording is stable.  Those of the signs of who answered
#: stand among them.
REASONS: Final[dict[str, str]] = {
    **{sign.name: sign.reason for sign in SIGNS},
    "undecided": "the signs do not tell who wrote the answer",
    "prompt": "the tunnel was opened as soon as the request was whole",
    "late": "the tunnel was opened long after the request was whole",
    "ends": "tunnel and answer ended together",
    "apart": "tunnel and answer did not end together",
    "alone": "no other call and no other tunnel fits",
    "rivals": "several calls or tunnels fit; order, sizes and times decide",
    "size": "of the calls and tunnels near, these two alone fit each other's size",
    "ambiguous": "several calls or tunnels fit, and little tells them apart",
    "refused": "the forward proxy refused this CONNECT",
    "tls-failed": "TLS failed inside the tunnel",
    "upgrade": "the connection was upgraded",
    "none": "not one byte of an answer was captured",
    "no-tunnel": "no tunnel was opened while the call waited",
    "missing": "an answer was passed on, but its tunnel is not in the capture",
    "unwhole": "the request was not whole, so nothing was sent on",
    "unseen-request": "the whole request is not in the capture",
    "part": "the tunnel's beginning is not in the capture",
    "lossy": "packets are missing in the capture",
    "clock": "the capture's clock was set back",
    "open": "the capture ends before an answer",
    "gap": "the answer may be among the missing bytes",
    "foreign": "what came in answer is no HTTP",
    "hop-unseen": "nothing between API proxy and forward proxy was captured",
    "crowded": "more calls waited at once than are joined: its tunnel was not looked for",
    "early": "the tunnel was opened while the request was still coming",
    "reused": "the API proxy used a tunnel that was open already",
    "retried": "the API proxy opened an earlier tunnel for the same call",
}

#: When a tunnel was opened: once the request was whole, as it came, or before (a turn of one).
How: TypeAlias = Literal["whole", "early", "reused"]

#: The sentence of those of which it is not known which is which.
AMONG: Final = "{calls} and {tunnels}: which is which is not known"

#: Answers of its own that follow a vain attempt upstream (measured: 502 for TLS and TCP).
_AFTER_ATTEMPT: Final = frozenset({500, 502, 503, 504})
#: Those that say so (RFC 9110 15.6.3, 15.6.5).
_GATEWAY: Final = frozenset({502, 504})


class Scene(Fact):
    """What limits every statement: missing packets or wrong times, and a hop that was not captured.

    `lossy`: what stands nearest in time may not be what belongs together, for a reason that `why`
    names (a key of `REASONS`).
    """

    lossy: bool
    hop_seen: bool
    why: Literal["lossy", "clock"] = "lossy"


class Statement(Fact):
    """Who answered, from 0 to 1 how sure the whole is, and the keys of `REASONS`.

    `among` is how many calls and tunnels there are of which it is not known which is which.
    """

    answered_by: AnsweredBy
    confidence: float
    reasons: tuple[str, ...]
    among: tuple[int, int] | None = None

    def sentences(self) -> tuple[str, ...]:
        """The reasons as `Chain.reasons` has them."""
        return _sentences(self)


@lru_cache(maxsize=256)  # one tuple for all calls of which the same is said
def _sentences(statement: Statement) -> tuple[str, ...]:
    told = tuple(REASONS[reason] for reason in statement.reasons)
    if statement.among is None:
        return told
    calls, tunnels = statement.among
    return (
        *told,
        AMONG.format(calls=_counted(calls, "call"), tunnels=_counted(tunnels, "tunnel")),
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def of_link(
    call: CallRow,
    carrier: Carrier,
    link: Link,
    scene: Scene,
    retried: bool,
    how: How = "whole",
) -> Statement:
    """Return the statement about a call that has a tunnel, or (`reused`) a turn of one.

    A tunnel that was opened while the request still came is `early`.
    """
    reasons: list[str] = []
    confidence = 0.95
    reused = how == "reused"
    if how == "early":
        # Only some gateways do so: where tunnels or calls are missing, it may be another's.
        reasons.append("early")
        confidence = 0.75 if scene.lossy else 0.9
    if reused:
        # A turn shows less than a tunnel: two calls may have shared it (HTTP/2).
        reasons.append("reused")
        confidence = 0.9
    begun = call.begun
    delay = carrier.opened - begun
    # One that is late alone may be somebody else's; where all are, the API proxy is busy.
    is_late = delay > LATE + link.crowd * LATER and not link.is_queued
    if delay <= PROMPT and how == "whole":
        reasons.append("prompt")
    elif is_late and not retried:
        reasons.append("late")
        confidence = min(confidence, 0.7)
    apart = lag(call, carrier)
    together = apart != UNKNOWN and apart <= ENDS_TOGETHER
    if together:
        reasons.append("ends")
    elif apart != UNKNOWN and call.whole:
        reasons.append("apart")
        confidence = min(confidence, 0.85)
    else:
        confidence = min(confidence, 0.9)
    if link.crowd > 1 and call.whole and apart > ENDS_TOGETHER + patience(link.crowd):
        # The true one may be another attempt, or was opened out of order.
        confidence = min(confidence, 0.75)
    if link.margin == float("inf"):
        reasons.append("alone")
    else:
        decided = 0.5 + 0.45 * (1 - exp(-max(0.0, link.margin) / 2.5))
        if link.is_told_by_size:
            reasons.append("size")
            confidence = min(confidence, max(decided, 0.9))
        else:
            reasons.append("rivals" if decided >= RELIABLE else "ambiguous")
            confidence = min(confidence, decided, 0.75 if scene.lossy else 1.0)
    if scene.lossy:
        # A rival may be among what lacks: the ends must speak for the link, and in a crowd its
        # size, which no other call near it has.
        reasons.append(scene.why)
        is_told = together or link.is_told_by_size
        confidence = min(confidence, 0.85 if is_told and (delay <= LATE or link.is_queued) else 0.6)
    if call.sent == UNKNOWN:
        reasons.append("unseen-request")
        confidence = min(confidence, 0.5)
    if not carrier.is_whole:
        reasons.append("part")
        confidence = min(confidence, 0.6)
    if retried:
        reasons.append("retried")
        is_told = link.crowd == 1 or link.is_told_by_size
        confidence = min(confidence, 0.85 if is_told else 0.75)
    answered_by = _answered_by(call, carrier, reasons)
    client_left = (
        call.closed_by in BY_CLIENT
        and not carrier.failed
        and (carrier.closed == UNKNOWN or carrier.closed >= call.closed)
        and (
            carrier.last == UNKNOWN
            or carrier.last + ENDS_TOGETHER < call.closed
            or call.closed + ENDS_TOGETHER < carrier.last  # it went on without the client
        )
    )
    if answered_by == "unknown" or (answered_by == "nobody" and (scene.lossy or not client_left)):
        # The API proxy answers when its tunnel fails: that answer may not have been captured.
        confidence = min(confidence, 0.6)
    told = tuple(dict.fromkeys(reasons))
    among = (link.crowd, link.choice) if link.crowd > 1 or link.choice > 1 else None
    is_sure = confidence >= RELIABLE or link.margin == float("inf")
    return Statement(answered_by, round(confidence, 2), told, None if is_sure else among)


def _answered_by(call: CallRow, carrier: Carrier, reasons: list[str]) -> AnsweredBy:
    if carrier.refused:
        reasons.append("refused")
    elif carrier.failed:
        reasons.append("tls-failed")
    if call.voice == "none":
        return _without_answer(call.ended_by, reasons)
    if call.voice == "upgrade":
        reasons.append("upgrade")
        return "upstream"
    return _weighed(call.marks, way_through(call, carrier), reasons)


def _weighed(marks: int, way: Way, reasons: list[str]) -> AnsweredBy:
    weighed = weigh(marks, way)
    if weighed.by == "unknown":
        reasons.append("undecided")
    reasons += weighed.signs
    return weighed.by


def _of_its_own(status: int, scene: Scene, way: Way) -> float:
    """How sure it is that the API proxy answered a call itself, without a tunnel."""
    confidence = 0.95
    if status in _AFTER_ATTEMPT:
        confidence = 0.9 if scene.hop_seen else 0.7
        if status in _GATEWAY and way != "knocked in vain":
            confidence = 0.7  # it tried something, which is not in the capture
        confidence = min(confidence, 0.6 if scene.lossy else 1.0)
    return min(confidence, 0.85 if scene.lossy else 1.0)


def of_none(
    call: CallRow,
    scene: Scene,
    way: Way = "not known",
    is_turned_away: bool = False,
    among: tuple[int, int] | None = None,
) -> Statement:
    """Return the statement about a call that has no tunnel, or whose tunnel was not looked for.

    `way` is what the API proxy did meanwhile, `among` counts the calls without a tunnel and the
    free tunnels that may be theirs.
    """
    return _of_none(
        call.voice, call.status, call.marks, call.ended_by, call.closed_by, call.sent == UNKNOWN,
        scene, way, is_turned_away, among,
    )  # fmt: skip


@lru_cache(maxsize=256)  # of most calls that have no tunnel the same is said
def _of_none(
    voice: Voice,
    status: int,
    marks: int,
    ended_by: EndedBy,
    closed_by: ClosedBy | None,
    is_unsent: bool,
    scene: Scene,
    way: Way,
    is_turned_away: bool,
    among: tuple[int, int] | None,
) -> Statement:
    reasons: list[str] = []
    if voice == "none":
        answered_by = _without_answer(ended_by, reasons)
        reasons.append("no-tunnel")
        confidence = 0.4 if answered_by == "unknown" else 0.9
        if is_unsent:
            reasons.append("unwhole")
            confidence = min(confidence, 0.6)
        elif closed_by in BY_CLIENT:
            confidence = min(confidence, 0.7)
        confidence = min(confidence, 0.5 if scene.lossy else 1.0)
    elif voice == "upgrade":
        answered_by, confidence = "upstream", 0.3
        reasons += ["upgrade", "missing"]
    else:
        is_open = among is not None or is_turned_away or scene.lossy
        answered_by = _weighed(marks, "not known" if is_open else way, reasons)
        if answered_by == "api-proxy":
            reasons.append("no-tunnel")
            confidence = _of_its_own(status, scene, way)
        else:
            reasons.append("missing")
            confidence = 0.3
    if among is not None:
        reasons = [reason for reason in reasons if reason not in ("missing", "no-tunnel")]
        reasons.append("ambiguous")
        confidence = min(confidence, 0.5)
    if is_turned_away:
        reasons = [reason for reason in reasons if reason not in ("missing", "no-tunnel")]
        reasons.append("crowded")
        confidence = min(confidence, 0.3)
    if scene.lossy:
        reasons.append(scene.why)
    if not scene.hop_seen:
        reasons.append("hop-unseen")
    return Statement(answered_by, confidence, tuple(dict.fromkeys(reasons)), among)


def _without_answer(ended_by: EndedBy, reasons: list[str]) -> AnsweredBy:
    """Return who answered a call without a response: nobody, if the capture shows its end."""
    if ended_by == "capture-end":
        reasons.append("open")
        return "unknown"
    if ended_by == "gap":
        reasons.append("gap")
        return "unknown"
    if ended_by == "unread":
        reasons.append("foreign")
        return "unknown"
    reasons.append("none")
    return "nobody"
