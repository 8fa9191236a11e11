"""No output holds a piece of a key, wherever on the wire the key was.

`tests/canary/plants.py` lists the places.  What the inspector can know, it must
hide: in a credential's position a key of any look, elsewhere every key of a
known shape.  A key that looks like nothing known in a place that is not a
credential's (a user agent, a path, a header of no known name) is a word among
words: nobody can know it, and these tests leave it out.
"""

from __future__ import annotations

import json
import logging
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector import Options, Report, inspect
from inspector.exchanges.http import HttpLayer
from inspector.flows.engine import PacketEngine
from inspector.flows.native import NativeEngine
from inspector.report.formats.whole import as_dict, as_json, from_dict, stable_part
from inspector.wire import Batch, Segment
from tests.canary.damage import damaged, in_pieces
from tests.canary.keys import KNOWN, MARK, canary
from tests.canary.planted import ABOUT, EVERYTHING, SAMPLE, TOLD, WATCH, planted, run
from tests.canary.plants import CUSTOM_HEADER, POSITIONS, TEXTS, answered, error
from tests.canary.wire import FIRST_PORT, Description, Talk, capture

ROOT = Path(__file__).parent.parent
FORMATS = ("json", "jsonl", "terminal")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lab") / "everything.pcapng"
    path.write_bytes(capture([item.talk for item in EVERYTHING], ABOUT))
    return path


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lab") / "sample.pcapng"
    path.write_bytes(capture([item.talk for item in SAMPLE], ABOUT))
    return path


@pytest.fixture
def logs_go_nowhere_after() -> Iterator[None]:
    """`-vv` starts logging for the whole process: stop it again."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


# -- the plants themselves: a test that cannot fail proves nothing -----------------


def test_every_key_is_in_the_capture(everything: Path) -> None:
    found = WATCH.leaks(everything.read_bytes())
    assert {item.key.name for item in EVERYTHING} - {*found} == set()


@pytest.mark.parametrize("place", [*POSITIONS, *TEXTS])
def test_every_place_that_a_report_shows_is_read_and_labelled(
    place: str, sample_facts: dict[str, str]
) -> None:
    # What is not shown at all, although it stands in a place that might be.
    silent = {
        "?key without a version",
        "no colon",
        "no colon after a scheme",
        "head cut by a gap",
        "head cut by the end",
        "trailer of a request",
        "trailer of a response",
        "reason of a CONNECT",
        "interim response",
    }
    is_labelled = " bytes " in sample_facts[place]
    assert is_labelled is (place not in silent)


@pytest.fixture(scope="module")
def sample_facts(sample: Path) -> dict[str, str]:
    """Place -> what the report says of the talk in which its key is."""
    report = inspect(sample, options=Options(scope="all", auth_headers=(CUSTOM_HEADER,)))
    plain = as_dict(report)
    said: dict[str, str] = {}
    for number, item in enumerate(SAMPLE):
        facts = [
            fact
            for fact in (*plain["exchanges"], *plain["tunnels"], *plain["direct_tls"])
            if fact["client"]["port"] == FIRST_PORT + number
        ]
        said[item.place] = json.dumps(facts)
    return said


# -- outputs ---------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_no_output_holds_a_piece_of_a_key(form: str, everything: Path) -> None:
    output, messages = run("analyze", "--format", form, *TOLD, everything)
    assert output
    assert WATCH.leaks(output) == []
    assert WATCH.leaks(messages) == []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("logs_go_nowhere_after")
def test_nor_does_the_most_detailed_one_with_its_logs(form: str, sample: Path) -> None:
    output, messages = run("-vv", "analyze", "--format", form, *TOLD, sample)
    assert WATCH.leaks(output) == []
    assert WATCH.leaks(messages) == []


@pytest.mark.parametrize("width", ["40", pytest.param("500", marks=pytest.mark.long)])
def test_no_width_of_the_page_uncovers_one(
    width: str, everything: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    page, _ = run("analyze", "-v", *TOLD, everything)
    # What was wrapped is whole again without the white space.
    assert WATCH.leaks(page) == []
    assert WATCH.leaks(b"".join(page.split())) == []


def test_the_program_itself_prints_none(sample: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "-vv", "analyze", "--format", "json", *TOLD, sample],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["exchanges"]
    assert WATCH.leaks(done.stdout + done.stderr) == []


def test_the_objects_of_a_report_hold_none(everything: Path) -> None:
    report = inspect(everything, options=Options(scope="all", auth_headers=(CUSTOM_HEADER,)))
    for text in (repr(report), str(as_dict(report)), str(stable_part(report))):
        assert WATCH.leaks(text.encode("utf-8", "backslashreplace")) == []


def test_a_report_read_back_and_written_again_holds_none(sample: Path) -> None:
    output, _ = run("analyze", "--format", "json", *TOLD, sample)
    assert WATCH.leaks(as_json(from_dict(json.loads(output)))) == []


def test_a_capture_cut_anywhere_holds_none(sample: Path, tmp_path: Path) -> None:
    data = sample.read_bytes()
    cut = tmp_path / "cut.pcapng"
    for share in range(1, 20):
        cut.write_bytes(data[: len(data) * share // 20])
        output, messages = run("analyze", "--format", "json", *TOLD, cut)
        assert WATCH.leaks(output + messages) == []


# -- damage ----------------------------------------------------------------------


def report_of(talks: list[Talk], folder: Path) -> tuple[Report, bytes]:
    path = folder / "damaged.pcapng"
    path.write_bytes(capture(talks, Description()))
    report = inspect(path, options=Options(scope="all", auth_headers=(CUSTOM_HEADER,)))
    assert "internal-error" not in {oddity.name for oddity in report.oddities}
    return report, as_json(report)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_keys_that_span_segments_stay_hidden(size: int, tmp_path: Path) -> None:
    talks = [in_pieces(item.talk, size, 0, random.Random(size)) for item in SAMPLE]
    report, output = report_of(talks, tmp_path)
    assert len(report.exchanges) > 100
    assert WATCH.leaks(output) == []


@pytest.mark.parametrize("size", [1, 10, 20, 50])
@pytest.mark.parametrize("lost", [0.02, 0.2])
def test_keys_with_segments_lost_stay_hidden(size: int, lost: float, tmp_path: Path) -> None:
    rng = random.Random(size)
    # A method that has lost the start of a key has lost the shape it is known by.
    talks = [in_pieces(item.talk, size, lost, rng) for item in SAMPLE if item.place != "method"]
    report, output = report_of(talks, tmp_path)
    assert report.completeness.gaps
    assert WATCH.leaks(output) == []


# By seeds, not by hypothesis: an example is a capture of a hundred talks, too much to shrink.
@pytest.mark.parametrize("seed", range(24))
def test_whatever_damages_its_surroundings_a_key_of_a_known_shape_stays_hidden(
    seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    plants = [*planted(POSITIONS, rng.choice(KNOWN)), *planted(TEXTS, rng.choice(KNOWN))]
    _, output = report_of([damaged(item.talk, bytes(item.key), rng) for item in plants], tmp_path)
    assert WATCH.leaks(output) == []


# -- when something fails --------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("logs_go_nowhere_after")
def test_a_bug_in_a_reader_quotes_nothing(
    form: str, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(self: HttpLayer, up: bool, segments: list[Segment]) -> None:
        raise ValueError(f"cannot read {segments!r}")

    monkeypatch.setattr(HttpLayer, "receive", receive)
    output, messages = run("-vv", "analyze", "--format", form, *TOLD, sample)
    assert b"internal-error" in output
    assert WATCH.leaks(output + messages) == []


@pytest.mark.usefixtures("logs_go_nowhere_after")
def test_a_traceback_quotes_nothing(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(self: PacketEngine, batch: Batch) -> None:
        try:
            raise KeyError(batch.data)
        except KeyError as error:
            raise ValueError(f"cannot read {batch.data!r}") from error

    for engine in (PacketEngine, NativeEngine):  # whichever runs
        monkeypatch.setattr(engine, "feed", feed)
    output, messages = run("-vv", "analyze", *TOLD, sample, code=1)
    assert b"Traceback" in messages
    assert b"in feed" in messages
    assert WATCH.leaks(output + messages) == []


def test_a_key_in_place_of_a_capture_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(bytes(SAMPLE[0].key) + b"\n")
    output, messages = run("analyze", "--format", "json", path, code=4)
    assert WATCH.leaks(output + messages) == []


# -- echoes ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["openai", "openai-project", "anthropic", "unshaped"])
@pytest.mark.parametrize("mask", ["***", 40 * "*", "...", "\u2026"])
def test_the_masked_echo_of_an_error_gives_neither_end_of_a_key(
    shape: str, mask: str, tmp_path: Path
) -> None:
    # OpenAI's 401 shows the first eight and the last four characters of the key.
    key = canary("echo", shape).text
    echo = f"{key[:8]}{mask}{key[-4:]}"
    text = f"Incorrect API key provided: {echo}. You can find your API key at https://lab.test."
    talk = answered(
        status=b"401 Unauthorized", body=error(type=b"invalid_request_error", message=text.encode())
    )
    path = tmp_path / "echo.pcapng"
    path.write_bytes(capture([talk], Description()))
    for form in FORMATS:
        output, _ = run("analyze", "-v", "--format", form, *TOLD, path)
        shown = output.decode()
        assert "Incorrect API key provided" in shown
        assert key[-4:] not in shown
        assert MARK[:4] not in shown


def test_what_a_text_calls_a_key_is_hidden_though_an_ellipsis_stands_in_it(tmp_path: Path) -> None:
    talk = answered(status=b"401 No", body=error(message=b"key: wait...done, said the lab"))
    path = tmp_path / "words.pcapng"
    path.write_bytes(capture([talk], Description()))
    response = inspect(path, options=Options(scope="all")).exchanges[0].response
    assert response
    assert response.api_error
    assert re.fullmatch(
        r"key: <11 bytes [0-9a-f]{12}>, said the lab", response.api_error.message or ""
    )


@pytest.mark.parametrize(
    "text", ["Key lookup failed... Try again", "keys wait...done", "A key… or not, later..."]
)
def test_an_ellipsis_between_words_hides_nothing(text: str, tmp_path: Path) -> None:
    talk = answered(status=b"401 No", body=error(message=text.encode()))
    path = tmp_path / "words.pcapng"
    path.write_bytes(capture([talk], Description()))
    report = inspect(path, options=Options(scope="all"))
    response = report.exchanges[0].response
    assert response
    assert response.api_error
    assert response.api_error.message == text
