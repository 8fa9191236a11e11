"""A summary in which every text that a capture, a path or a report can give is hostile."""

from __future__ import annotations

from collections import Counter, deque

from inspector.fleet.summary import CredentialUse, Denied, NamedRun, New, RunGroup, Summary


def spoiled(text: str, *, weeks: int = 2) -> Summary:
    """A summary that has every section, with `text` for every name in them."""
    named = deque([NamedRun("2026-11-02", text, text, text)] * 2)
    group = RunGroup(text, 3, 2, 1, Counter({text: 1}))
    return Summary(
        since="2026-11-01",
        group_by="client",
        whole=group,
        first="2026-11-02",
        last="2026-11-09",
        before=1,
        failures=Counter({text: 2}),
        weeks={
            f"w{number}": RunGroup(text, 3, 2, 1, Counter({text: 1})) for number in range(weeks)
        },
        groups={text: group},
        sent={(text, text, text): CredentialUse(text, text, text, 1, 1)},
        denied={text: Denied(text, 1, 2)},
        policies={text: Counter(kept=1, broken=2)},
        real_keys=2,
        with_keys=named,
        with_causes=named,
        not_read=named,
        new=[New("client", text, "2026-11-02", 1)],
    )
