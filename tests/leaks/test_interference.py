"""Two keys alike give the same outputs: place x writing x damage are drawn, offline and live.

The keys are of one kind, prefix and length and share no letter, and each writing has one length for
both.  What differs by design are fingerprints and the digits of masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.inspection import Inspector
from inspector.live.lines import Lines
from inspector.options import Options
from inspector.pcap.reader import merged, open_captures
from inspector.redaction import LIVE, Redactor
from tests.leaks.artifacts import artifacts, without_fingerprints
from tests.leaks.cases import (
    ANNOUNCED,
    DAMAGES,
    ECHOES,
    SENDERS,
    SHAPES,
    WRITINGS,
    Case,
    Key,
    pair,
)

#: Announced, sent as a credential before, or there by itself with a public prefix.
forms = st.sampled_from([b"%s", *ANNOUNCED])
senders = st.sampled_from([None, *SENDERS])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A key that something tells to be one, in any place, writing and damage."""
    sender, form = draw(senders), draw(forms)
    echo, writing = draw(st.sampled_from(sorted(ECHOES))), draw(st.sampled_from(sorted(WRITINGS)))
    damage = draw(st.sampled_from(sorted(DAMAGES)))
    shape = draw(st.sampled_from(sorted(SHAPES)))

    def talks(key: bytes) -> list[object]:
        written = WRITINGS[writing](key)
        said = DAMAGES[damage](ECHOES[echo](form % written), written)
        return [said] if sender is None else [said, SENDERS[sender](key), said]

    name = f"{form!r} in {echo}, {writing}, {damage}, sent as {sender} {draw(st.integers(0, 99))}"
    return Case("L", name, shape, talks)  # type: ignore[arg-type]


def outputs(case: Case, key: Key, folder: Path) -> dict[str, bytes]:
    return {
        name: without_fingerprints(data)
        for name, data in artifacts(case.built(key), folder).items()
    }


def live(case: Case, key: Key, path: Path) -> tuple[bytes, bytes]:
    """What the live writer leaves of the batches of a capture, and the lines that `watch` shows."""
    path.write_bytes(case.built(key))
    lines = Lines(color=False, who=lambda client, server: None)
    told: list[str] = []
    inspector = Inspector(
        Options(),
        on_exchange=lambda fact: told.append(lines.exchange(fact)),
        on_tunnel=lambda fact: told.append(lines.tunnel(fact)),
    )
    writer = Redactor(limits=LIVE)

    def written() -> Iterator[bytes]:
        readers = open_captures([path])
        try:
            for batch in merged(readers):
                inspector.feed(batch)
                for part in writer.feed(batch):
                    yield part.data
        finally:
            for reader in readers:
                reader.close()
        for part in writer.finish():
            yield part.data

    frames = b"".join(written())
    inspector.finish()
    return without_fingerprints(frames), without_fingerprints("\n".join(told).encode())


quick = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(cases())
def test_no_output_tells_one_key_from_another(tmp_path: Path, case: Case) -> None:
    one, other = pair(case.name, case.shape)
    assert outputs(case, one, tmp_path / "work") == outputs(case, other, tmp_path / "work")


@quick
@given(cases())
def test_no_live_output_does_either(tmp_path: Path, case: Case) -> None:
    one, other = pair(case.name, case.shape)
    assert live(case, one, tmp_path / "one.pcapng") == live(case, other, tmp_path / "one.pcapng")


@pytest.mark.parametrize("echo", sorted(ECHOES))
def test_other_words_do_make_a_difference(echo: str, tmp_path: Path) -> None:
    # Otherwise equal outputs would prove nothing.
    case = Case("L", "words", "unshaped", lambda key: [ECHOES[echo](key)])
    one, other = Key(b"overloaded", b""), Key(b"overloaded-and-more", b"")
    assert live(case, one, tmp_path / "a.pcapng") != live(case, other, tmp_path / "a.pcapng")
