"""`redact_into`: what is kept of a capture file, what is not, and the proof before it is given."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from inspector import Options, inspect
from inspector.errors import InspectorError
from inspector.pcap.reader import merged, open_captures
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import redact_into
from inspector.report.formats.whole import as_dict
from tests.canary.keys import Watch
from tests.canary.planted import ABOUT, IN_THE_FILE
from tests.canary.plants import OK, asked
from tests.canary.wire import Description, Talk, capture
from tests.redaction.test_canary import OPTIONS, SAMPLE, leaks, unfingerprinted
from tests.truth.beside import SHARED, needs
from tests.truth.public import hostile, needs_corpus

CAPTURES = sorted((Path(__file__).parents[2] / "captures").glob("*/capture.pcapng"))
KEY = "sk-ant-api03-LABONLY" + 73 * "k" + "AA"


def redacted(source: Path, folder: Path, **more: Any) -> Path:
    target = folder / "redacted.pcapng"
    with target.open("w+b") as out:
        redact_into(source, out, **more)
    return target


_OF_THE_FILE = (
    "name", "bytes", "comments", "format", "compression", "decryption_secrets", "redacted",
    "sha256",
)  # fmt: skip


def comparable(path: Path, options: Options) -> Any:
    """The report without fingerprints, and without what is the file's own."""
    plain = unfingerprinted(as_dict(inspect(path, options=options)))
    for item in plain["captures"]:
        for name in _OF_THE_FILE:
            del item[name]
    return plain


@pytest.mark.parametrize("source", CAPTURES, ids=lambda path: path.parent.name)
def test_the_report_of_every_golden_capture_holds(source: Path, tmp_path: Path) -> None:
    options = Options(fingerprint_key=b"lab")
    assert comparable(redacted(source, tmp_path), options) == comparable(source, options)


def test_the_report_of_every_recording_of_the_real_stack_holds(
    real_captures: Path, tmp_path: Path
) -> None:
    options = Options(fingerprint_key=b"lab")
    for source in sorted(real_captures.glob("*/capture.pcap*")):
        assert comparable(redacted(source, tmp_path), options) == comparable(source, options)


@needs("field-cases")
def test_the_report_of_every_field_case_holds(tmp_path: Path) -> None:
    options = Options(fingerprint_key=b"lab")
    for source in sorted((SHARED / "field-cases").glob("*/*.pcap*")):
        assert comparable(redacted(source, tmp_path), options) == comparable(source, options)


def test_what_was_planted_anywhere_in_a_file_is_not_in_the_redacted_one(tmp_path: Path) -> None:
    source = tmp_path / "planted.pcapng"
    source.write_bytes(capture([item.talk for item in SAMPLE], ABOUT))
    target = redacted(source, tmp_path, auth_headers=OPTIONS.auth_headers)
    assert leaks(SAMPLE, list(merged(open_captures([target])))) == []
    watch = Watch([*(item.key for item in SAMPLE), *IN_THE_FILE.values()])
    assert watch.leaks(target.read_bytes()) == []


@needs_corpus
@pytest.mark.parametrize("source", hostile(), ids=lambda path: path.name)
def test_a_hostile_capture_is_redacted_or_refused(source: Path, tmp_path: Path) -> None:
    try:
        target = redacted(source, tmp_path)
    except InspectorError:
        return
    before = list(merged(open_captures([source])))
    after = list(merged(open_captures([target])))
    assert sum(len(b.records) for b in after) == sum(len(b.records) for b in before)


def talk(tmp_path: Path, *talks: Talk) -> Path:
    source = tmp_path / "source.pcapng"
    source.write_bytes(capture(list(talks), Description()))
    return source


def test_a_key_echoed_before_it_was_sent_as_one_is_found_the_second_time(tmp_path: Path) -> None:
    key = b"a-word-like-no-other-LABONLY"
    source = talk(
        tmp_path, asked(b"X-Lab: seen " + key), asked(b"X-Api-Key: " + key)
    )  # fmt: skip
    assert key not in redacted(source, tmp_path).read_bytes()


def test_equal_credentials_stay_equal_and_others_stay_others(tmp_path: Path) -> None:
    first, second = KEY.encode(), KEY.replace("k", "m").encode()
    source = talk(
        tmp_path, *(asked(b"X-Api-Key: " + key) for key in (first, second, first))
    )  # fmt: skip
    report = inspect(redacted(source, tmp_path), options=OPTIONS)
    prints = [e.request.auth[0].credential.fingerprint for e in report.exchanges if e.request]
    assert prints[0] == prints[2] != prints[1]


def test_a_mask_keeps_scheme_prefix_length_and_the_key_gives_nothing_away(tmp_path: Path) -> None:
    source = talk(tmp_path, asked(b"Authorization:  Bearer " + KEY.encode() + b" "))
    data = redacted(source, tmp_path).read_bytes()
    at = data.index(b"Authorization:  Bearer sk-ant-api03-xxxx")
    masked = data[at + 23 : at + 23 + len(KEY)]
    assert set(masked.removeprefix(b"sk-ant-api03-")) <= set(b"x0123456789")
    assert data[at + 23 + len(KEY) :].startswith(b" \r\n")


def test_a_comment_says_what_the_credential_was(tmp_path: Path) -> None:
    source = talk(tmp_path, asked(b"X-Api-Key: LABONLY-not-known "))
    [batch] = merged(open_captures([redacted(source, tmp_path)]))
    [comment] = [text for texts in batch.comments.values() for text in texts]
    said, _, value = comment.partition(" value=")
    assert len(value) == 12
    assert said == (
        "inspector:redacted v1 name=X-Api-Key kind=unknown length=17 anomalies=trailing-space"
    )


def test_interfaces_counts_and_times_are_kept_and_others_comments_are_not(tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.interface(name="veth0", filter="tcp")
    writer.interface(name="veth1", resolution=6, snap_length=512)
    frame = bytes(12) + b"\x08\x06" + bytes(28)
    for number in range(6):
        writer.packet(
            1_770_000_000_000_000_000 + number * 1000, frame, interface=number % 2,
            comments=["by hand"] if number == 3 else (),
        )  # fmt: skip
    writer.statistics(interface=1, received=9, dropped=3)
    source = tmp_path / "source.pcapng"
    source.write_bytes(out.getvalue())
    target = redacted(source, tmp_path)

    def told(path: Path) -> tuple[Any, ...]:
        [reader] = open_captures([path])
        changes = reader.track_interfaces()
        batches = list(reader)
        places = [interface for _, interface in changes]
        return (
            reader.interfaces,
            reader.dropped_by_kernel,
            [(r[0], b.data[r[1] : r[1] + r[2]]) for b in batches for r in b.records],
            [text for b in batches for texts in b.comments.values() for text in texts],
            [p for n, p in enumerate(places) if not n or p != places[n - 1]],
        )

    assert told(source)[3] == ["by hand"]
    assert told(target) == (*told(source)[:3], [], told(source)[4])


def test_of_names_and_filters_stays_what_is_granted(tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.interface(name="br-0123456789ab", filter="tcp and net 172.30.0.0/24")
    writer.interface(name="lab-LABONLYqzjwvkxq", filter="host qzjwvkxqzLABONLY.test")
    writer.packet(1_770_000_000_000_000_000, bytes(12) + b"\x08\x06" + bytes(28))
    source = tmp_path / "source.pcapng"
    source.write_bytes(out.getvalue())
    target = redacted(source, tmp_path)
    [reader] = open_captures([target])
    list(reader)
    first, second = reader.interfaces
    assert (first.name, first.filter) == ("br-0123456789ab", "tcp and net 172.30.0.0/24")
    assert second.name is not None
    assert second.filter is not None
    assert "LABONLY" not in second.name + second.filter
    assert second.filter.startswith("host xx")
    options = Options(fingerprint_key=b"lab")
    assert comparable(target, options) == comparable(source, options)


def test_a_file_that_was_cut_still_says_so(tmp_path: Path) -> None:
    whole = talk(tmp_path, asked(b"X-Api-Key: " + KEY.encode()))
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(whole.read_bytes()[:-30])
    report = inspect(redacted(cut, tmp_path), options=OPTIONS)
    assert report.captures[0].cut is not None
    assert report.completeness.verdict == "incomplete"


def test_what_bodies_say_is_blanked_unless_they_are_kept(tmp_path: Path) -> None:
    said = b'{"prompt":"LABONLY words of a person"}'
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(said) + said
    source = talk(tmp_path, Talk().up(request).down(OK))
    data = redacted(source, tmp_path).read_bytes()
    assert b"words" not in data
    assert b'\r\n\r\n{"prompt":"xxxxxxxxxxxxxxxxxxxxxxxxx"}' in data
    assert said in redacted(source, tmp_path, keep_bodies=True).read_bytes()
