"""No input makes the compiled core read or write where it may not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.native.sanitized import ROOM, NoCompiler, build_fuzzer

INPUTS = "3000"

#: Checks of the core: the file, the text of one, and what stands there without it.
CHECKS: Final = (
    ("core.c", "record->captured > size - record->offset", "0"),
    ("frames.h", "captured < before_ip + IPV4 + TCP", "0"),
    ("core.c", "packet.total + before_ip > record->captured", "0"),
    ("core.c", "value > state->half_count", "0"),
    ("core.c", "state->segment_count >= state->segment_room", "0"),
    (
        "core.c",
        "index < 0 || index >= state->half_count)\n        return 0",
        "0)\n        return 0",
    ),
    (
        "core.c",
        "index < 0 || index >= state->half_count)\n            continue",
        "0)\n            continue",
    ),
    ("core.c", "length > bytes_room - *used", "0"),
    ("core.c", "made < group_room", "1"),
    ("core.c", "count < room &&", ""),
    ("records.c", "captured > size - header - at", "0"),
    ("records.c", "length > size - at", "0"),
    ("records.c", "count < room &&", ""),
    ("records.c", "captured > size - start", "0"),
    ("records.c", "at <= size - FRAME_HEADER", "at < size"),
    ("records.c", "count < room && at >= 0", "at >= 0"),
    ("core.h", "piece->stop <= size && piece->start <= piece->stop", "1"),
    ("streams.c", "*length > stop - start - 2", "0"),
    ("streams.c", "after >= room", "0"),
    ("events.c", "heads[at] < size - at", "1"),
    ("events.c", "|| events >= TOGETHER", ""),
    ("events.c", "last + 1 < count &&", ""),
    ("events.c", "in[last].stop - 1; /* its last byte */", "in[last].stop;"),
    ("streams.c", "at <= length - TLS_HEADER", "at < length"),
    ("finder.c", "length > size - at", "0"),
    ("finder.c", "count > LITERALS", "0"),
    ("known.c", "length > KNOWN_TEXT ||", ""),
    ("known.h", "known->mask < LARGEST", "1"),
    ("json.h", "end - p >= length && ", ""),
    ("json.h", "if (end - p < 2)\n        return 0;", ""),
    ("json.h", "if (end - p < 6)\n            return 0;", ""),
    ("bytes.h", "|| end - p < length", ""),
    ("bodies.c", "json->depth >= JSON_DEPTH", "0"),
    ("bodies.c", "from < 0 || from > size", "0"),
    ("bodies.c", "!is_sound(json)", "0"),
    ("bodies.c", "while (stop < end &&", "while ("),
    ("json.h", "p < end && is_digit(*p)", "is_digit(*p)"),
    ("bodies.c", "at <= size - 8", "at < size"),
    ("bodies.c", "if (at < 0)\n        return from;", ""),
    ("streams.c", "|| stop > size", ""),
    ("streams.c", "stop - begin > body_size - laid", "0"),
    ("streams.c", "begin < at ||", ""),
    (
        "windows.c",
        "step > WORD || from < 0)\n        return from",
        "step > WORD)\n        return from",
    ),
    (
        "windows.c",
        "step < 1 || step > WORD || from < 0)\n        return -1",
        "step < 1)\n        return -1",
    ),
    (
        "windows.c",
        "at <= size - WORD; at += step)\n        if",
        "at < size; at += step)\n        if",
    ),
    ("windows.c", "at <= size - WORD; at += step) {", "at < size; at += step) {"),
    ("windows.c", "at <= size - 2 * WORD", "at < size"),
    ("windows.c", "set->slots && set->room", "set->room"),
    ("windows.c", "set->size > set->room", "1"),
    ("windows.c", "if (end == set->size - 1)\n        return 0;", ""),
    ("windows.c", "for (; end > at; end--)", "for (; 0;)"),
    ("windows.c", "!is_sound(to) || !is_sound(from)", "!is_sound(to)"),
    ("windows.c", "|| fill != (fill << 8 | fill >> 56)", ""),
    ("windows.c", "begin && has", "has"),
    ("windows.c", "set->folds ? in_lower_case(word) : word", "word"),
    ("bytes.h", "& ~(seven + eight(0x7F - 'Z'))", ""),
    ("windows.c", "stop < size && has", "has"),
    ("frames.h", "record->captured <= size - record->offset", "1"),
    ("frames.h", "record->offset >= 0", "1"),
    ("bytes.h", "i <= length - 8", "i < length"),
    ("copies.c", "packet.length < 0", "0"),
    ("copies.c", "record->captured > room - used", "0"),
    ("copies.c", "length > room - at", "0"),
    ("copies.c", "row->way >= ways", "0"),
    ("sealed.c", "at > size - TLS_HEADER", "at >= size"),
    ("sealed.c", "walk->left < size - at ? walk->left : size - at", "walk->left"),
    ("sealed.c", "if (!is_within(in + i, size))", "if (0)"),
    ("sealed.c", "made >= 2 * room", "0"),
    ("sealed.c", "left < rest ? left : rest", "left"),
    ("copies.c", "bytes == data && !are_in_order(records, count, size)", "0"),
    ("copies.c", "if (first < 0)", "if (0)"),
    ("copies.c", "i + 1 < behind ? record[2] : stop", "record[2]"),
    ("copies.c", "at >= offset && at < stop", "1"),
    ("copies.c", "high <= end", "1"),
    ("copies.c", "low >= 0", "1"),
    ("copies.c", "row->stop > size", "0"),
    ("copies.c", "at < count) {", "1) {"),
    ("copies.c", "i >= 0 && i >= low - REACH", "i >= low - REACH"),
    ("copies.c", "i < end && i < high + REACH", "i < high + REACH"),
    ("copies.c", "before_ip + packet.total > record->captured", "0"),
    ("copies.c", "if (at < 0)", "if (0)"),
    ("strands.c", "segment->way < weave->ways", "1"),
    ("strands.c", "segment->start >= 0", "1"),
    ("strands.c", "segment->start <= segment->stop", "1"),
    ("strands.c", "segment->stop <= size", "1"),
    ("strands.c", "if (count > weave->room)", "if (0)"),
    ("strands.c", "strand->length > weave->bytes_room - begin", "0"),
    ("strands.c", "length > weave->seams_room - weave->seams_used", "0"),
    ("strands.c", "if (weave->edge < 0)", "if (0)"),
    ("audit.c", "one->captured != other->captured", "0"),
    ("audit.c", "at <= size - WORD", "at < size"),
    ("audit.c", "while (at <= stop - WORD) {", "while (at < stop) {"),
    ("audit.c", "while (at < stop && data[at] == FILL)", "while (data[at] == FILL)"),
    ("audit.c", "while (first > begun &&", "while ("),
    ("audit.c", "size > texts->room - texts->used - LONG - 1", "0"),
    ("audit.c", "if (!lies_within(record, size))", "if (0)"),
    ("audit.c", "start < record->offset || start > stop ||", ""),
)


def run(into: Path, room: Path = ROOM) -> subprocess.CompletedProcess[str]:
    try:
        built = build_fuzzer(into, guided=False, room=room)
    except NoCompiler as error:
        pytest.skip(str(error))
    return subprocess.run([built, INPUTS], capture_output=True, text=True)


@pytest.mark.slow
def test_inputs_by_chance_find_nothing(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(("name", "check"), [(name, check) for name, check, _ in CHECKS])
def test_each_check_that_is_taken_out_stands_in_the_source(name: str, check: str) -> None:
    assert check in (ROOM / name).read_text()


@pytest.mark.long
@pytest.mark.parametrize(("name", "check", "without"), CHECKS)
def test_it_is_noticed_when_a_check_is_taken_out(
    name: str, check: str, without: str, tmp_path: Path
) -> None:
    for path in (*ROOM.glob("*.c"), *ROOM.glob("*.h")):
        shutil.copy(path, tmp_path)
    text = (ROOM / name).read_text()
    (tmp_path / name).write_text(text.replace(check, without))
    assert run(tmp_path, tmp_path).returncode != 0
