"""`docs/limits.md`: every bound of memory and patience, read from where it is set.

`python -m tools.docs.limits` writes the page.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Final

from inspector.model.texts import field_texts

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
#: What `python -m benchmarks.growth` measured.
FIGURES: Final = PAGE.parents[1] / "benchmarks" / "growth.json"

#: (module, constant): the comment above the constant is its meaning.
LIMITS: Final = (
    ("flows.table", "OPEN_LIMIT"),
    ("flows.reassembly", "EARLY_LIMIT"),
    ("flows.reassembly", "EARLY_SEGMENTS"),
    ("flows.reassembly", "EARLY_TOTAL_LIMIT"),
    ("flows.reassembly", "HOLE_PATIENCE"),
    ("flows.reassembly", "GAPS_KEPT"),
    ("flows.showing", "BATCH_BYTES"),
    ("flows.showing", "BATCH_TOTAL"),
    ("flows.showing", "BATCH_LEAST"),
    ("flows.copies", "COMPARED_SEGMENTS"),
    ("flows.fragments", "MAX_BYTES"),
    ("flows.fragments", "LIFETIME"),
    ("flows.decode", "MAX_LAYERS"),
    ("secrets.vault", "WINDOWS_LIMIT"),
    ("secrets.windows", "PIECE"),
    ("protocols.detect", "LOOK_BYTES"),
    ("protocols.tls", "MAX_HELLO"),
    ("protocols.tls", "MAX_ALERTS"),
    ("protocols.tls_flight", "FLIGHT_LIMIT"),
    ("protocols.tls_flight", "CHAIN_LIMIT"),
    ("protocols.x509", "NAMES_LIMIT"),
    ("protocols.x509", "NAME_LIMIT"),
    ("protocols.tls_record", "PARTS_LIMIT"),
    ("protocols.sse", "EVENT_LIMIT"),
    ("protocols.event_facts", "NAMES_LIMIT"),
    ("protocols.event_facts", "NAME_LIMIT"),
    ("protocols.event_facts", "FAULTS_LIMIT"),
    ("protocols.websocket", "MESSAGE_LIMIT"),
    ("exchanges.websocket", "REASON_LIMIT"),
    ("protocols.http2", "BLOCK_LIMIT"),
    ("protocols.http2", "FRAMES_LIMIT"),
    ("protocols.http2_fields", "LIST_LIMIT"),
    ("protocols.http2_fields", "TABLE_LIMIT"),
    ("exchanges.http2", "STREAMS_LIMIT"),
    ("decryption.keystore", "SESSIONS_LIMIT"),
    ("decryption.keystore", "AWAITED_LIMIT"),
    ("decryption.keystore", "LINE_LIMIT"),
    ("decryption.keystore", "WAITING_LIMIT"),
    ("decryption.session", "WAITING_LIMIT"),
    ("decryption.session", "SECRETS_LIMIT"),
    ("decryption.session", "SECRETS_PATIENCE"),
    ("decryption.side", "WINDOW"),
    ("decryption.side", "PATIENCE"),
    ("pcap.key_logs", "MAX_BYTES"),
    ("report.html.data", "SHOWN"),
    ("report.html.data", "FIELDS"),
    ("report.html.data", "TEXT"),
    ("report.html.write", "ROWS"),
    ("report.html.write", "PLACES"),
    ("report.page.mermaid", "STEPS"),
    ("protocols.json_tokens", "DEPTH_LIMIT"),
    ("protocols.json_tokens", "NUMBER_LIMIT"),
    ("protocols.api", "TEXT_LIMIT"),
    ("protocols.pages", "PAGE_LIMIT"),
    ("exchanges.detect", "PEEK_LIMIT"),
    ("exchanges.detect", "NESTED_LIMIT"),
    ("exchanges.response_bodies", "JSON_LIMIT"),
    ("exchanges.response_bodies", "TEXT_LIMIT"),
    ("exchanges.response_bodies", "STREAM_LIMIT"),
    ("protocols.content", "BODY_FREE"),
    ("protocols.content", "BODY_RATIO"),
    ("protocols.content", "CAPTURE_FREE"),
    ("protocols.content", "CAPTURE_RATIO"),
    ("protocols.content", "STACK_LIMIT"),
    ("exchanges.held_back", "HELD_LIMIT"),
    ("exchanges.tunnel", "MAX_CHALLENGES"),
    ("diagnosis.connects", "ALIKE_LIMIT"),
    ("exchanges.held_back", "HELD_TOTAL_LIMIT"),
    ("exchanges.relays", "FORWARD_LIMIT_NS"),
    ("exchanges.turns", "TURN_LIMIT"),
    ("exchanges.marks", "BLOCK_LIMIT"),
    ("exchanges.marks", "MESSAGE_LIMIT"),
    ("exchanges.marks", "NAMES_LIMIT"),
    ("exchanges.marks", "FAULTS_LIMIT"),
    ("exchanges.marks", "FIELDS_LIMIT"),
    ("credentials.body_keys", "SEARCH_LIMIT"),
    ("exchanges.blanked", "WAITING"),
    ("pcap.carried", "MARKS_LIMIT"),
    ("redaction.marking", "MARKS_LIMIT"),
    ("chain.clustering", "LIMIT"),
    ("chain.turn", "REACH"),
    ("witnesses.weigh", "MAX_LINES"),
    ("witnesses.weigh", "KEPT"),
    ("witnesses.lines", "MAX_LINE"),
    ("witnesses.manifest", "MAX_MANIFEST"),
    ("witnesses.manifest", "MAX_RULES"),
    ("redaction.bodies", "STRING_LIMIT"),
    ("redaction.bodies", "PATH_LIMIT"),
    ("redaction.body_kinds", "LINE_LIMIT"),
    ("redaction.coded_bodies", "DECODED_LIMIT"),
    ("redaction.kept_bodies", "CODED_LIMIT"),
    ("redaction.kept_bodies", "DECODED_LIMIT"),
    ("report.formats.stored", "REPORT_LIMIT"),
    ("report.page.markdown", "LIMIT"),
    ("report.runner", "SUMMARY_LIMIT"),
    ("secrets.remembered", "ENTRIES"),
    ("secrets.remembered", "LONGEST_TEXT"),
    ("fleet.settings", "TIME_LIMIT"),
    ("fleet.settings", "MEMORY_LIMIT"),
    ("fleet.settings", "LEAST_MEMORY"),
    ("fleet.fetching", "FETCH_LIMIT"),
    ("fleet.batch", "LIVES"),
    ("fleet.batch", "AHEAD"),
    ("fleet.engines", "TASK_RUNS"),
    ("fleet.engines", "TASK_BYTES"),
    ("fleet.store", "JOURNAL_LIMIT"),
    ("fleet.forms", "GROUP"),
    ("fleet.forms", "CHUNK"),
    ("fleet.summary", "NAMED"),
    ("fleet.html.write", "ROWS"),
    ("live.backlog", "SPILL"),
    ("live.broker", "PATIENCE"),
    ("live.calibration", "RANDOMS_LIMIT"),
    ("live.calibration", "WAITING_LIMIT"),
    ("live.prober", "PATIENCE"),
    ("live.prober", "MAPS_LIMIT"),
    ("live.prober", "REFUSED_LIMIT"),
    ("executables.elf", "SEGMENTS_LIMIT"),
    ("executables.elf", "ENTRIES_LIMIT"),
    ("executables.elf", "BUCKET_LIMIT"),
    ("executables.elf", "FUNCTIONS_LIMIT"),
    ("executables.elf", "CODE_LIMIT"),
    ("linux.neighbours", "TABLE_LIMIT"),
    ("live.line_screen", "KEPT"),
    ("pcap.pcapng_interface", "NAME_LIMIT"),
    ("pcap.pcapng_interface", "FILTER_LIMIT"),
    ("pcap.walk", "MAX_CAPTURED"),
    ("pcap.walk", "MAX_BLOCK"),
    ("pcap.walk", "MAX_FAULTS"),
    ("pcap.beside", "MAX_BYTES"),
    ("packed", "BLOCK"),
    ("packed", "LOOSE"),
    ("unread", "UNREAD_KEPT"),
    ("cli.network", "LONGEST_KEY"),
    ("diagnosis.answers", "_KEPT"),
    ("diagnosis.groups", "KEPT"),
    ("diagnosis.hypotheses.__init__", "_KEPT"),
    ("exchanges.processes", "_LONGEST"),
    ("exchanges.processes", "_LONGEST_TEXT"),
    ("flows.encapsulations", "_GTP_MAX_EXTENSIONS"),
    ("flows.internet", "_MAX_EXTENSIONS"),
    ("flows.links", "_MAX_LABELS"),
    ("flows.links", "_MAX_VLAN_TAGS"),
    ("flows.scapy_layers", "PATIENCE"),
    ("live.attribution", "_PATIENCE"),
    ("live.broker", "LONGEST_ANSWER"),
    ("live.broker", "LONGEST_QUESTION"),
    ("live.proof", "LONGEST"),
    ("packed", "_KEPT"),
    ("pcap.compression", "_MAX_WINDOW"),
    ("pcap.pcapng", "_MAX_INTERFACES"),
    ("pcap.carried", "_MAX_SECRETS"),
    ("pcap.pipes", "LAST_BYTES"),
    ("policy.reading", "_DEPTH"),
    ("protocols.http1_chunks", "_SIZES_LIMIT"),
    ("protocols.http1_at_once", "STATUS_LINES"),
    ("protocols.http1_at_once", "LONGEST_STATUS_LINE"),
    ("protocols.http1_framing", "LENGTHS"),
    ("protocols.http1_lines", "LINES"),
    ("protocols.http1_lines", "LONGEST_LINE"),
    ("protocols.sse", "_HEAD_KEPT"),
    ("protocols.sse", "_PARTS_LIMIT"),
    ("protocols.tls_record", "MAX_RECORD"),
    ("credentials.body_keys", "_KEPT"),
    ("decryption.session", "_HELLO_LIMIT"),
    ("decryption.side", "_EARLY_LIMIT"),
    ("decryption.side", "_MESSAGE_LIMIT"),
    ("redaction.bodies", "TEXT_KEPT"),
    ("redaction.kept_bodies", "KEPT_BACK"),
    ("redaction.kept_bodies", "LONGEST_REST"),
    ("redaction.said", "BYTES"),
    ("redaction.sequences", "KEPT"),
    ("secrets.echoes", "_DEPTH"),
    ("secrets.grammar", "LONGEST"),
    ("secrets.writings", "_DEPTH"),
    ("toml", "LONGEST"),
)

#: (module, class): limits that somebody may set, as the fields of a record with their defaults.
SETTABLE: Final = (
    ("protocols.http1_faults", "HeadLimits"),
    ("redaction.summary", "HoldLimits"),
)

#: What is called like a limit and bounds neither memory nor time -> what it is.
NO_LIMITS: Final = {
    ("cli.parameters", "_LABEL_LIMIT"): "said in the error of whoever types a longer label",
    ("credentials.memo", "_LONGEST_KEY"): "of a key for blake2b",
    ("exchanges.cleaning", "_LONGEST_REMEMBERED"): "of a text that is looked at once",
    ("fleet.fetching", "_LONGEST_NAME"): "of the name under which a file is fetched",
    ("flows.fragments", "MAX_DATAGRAM"): "the longest datagram that IP can have",
    ("linux.ebpf.loader", "_LINES_KEPT"): "of an error's text",
    ("linux.packet_socket", "_LONGEST_NAME"): "of a name that the kernel knows",
    ("diagnosis.rules.upstream_rate_limited", "_LONGEST"): "of a number of seconds that is told",
    ("executables.elf", "_NOTE_LIMIT"): "of the notes in which a build has its name",
    ("live.prober", "_MESSAGE_LIMIT"): "of what the prober tells, which has no longer parts",
    ("live.prober", "_NAME_LIMIT"): "of a file's name as it is shown",
    ("live.broker", "_LONGEST_NAME"): "of a name that a file system knows",
    ("live.files", "_LONGEST_COMMENT"): "of an option, whose length has 16 bits",
    ("secrets.vault", "_LONGEST_KEY"): "of a key for blake2b",
    ("native.layout", "JSON_DEPTH"): "deeper JSON is masked without the compiled core",
    ("native.layout", "LONGEST_LITERAL"): "of a text that is looked for: a longer one is, too",
    ("pcap.source", "_LONGEST_MAGIC"): "of the first bytes of a compressed file",
    ("protocols.compiled", "_LONGEST_HEAD"): "of an event that the compiled core counts",
    ("protocols.http1_head_reader", "LONGEST_METHOD"): "tells a request from other bytes",
    ("protocols.json_tokens", "_LITERAL_LIMIT"): "`false` is the longest literal of JSON",
    ("protocols.tls_hello", "_NAME_LIMIT"): "of a host name",
    ("providers_file", "_LONGEST_NAME"): "said in the error of whoever writes a longer one",
    ("redaction.tls_hello", "_NAME_LIMIT"): "of a host name",
    ("redaction.said", "LONGEST"): "of a text that is looked at once",
    ("redaction.recoding", "_LONGEST"): "of a chunk's size in digits, as the format has it",
    ("report.formats.har", "_QUERY_LIMIT"): "of a query's parts that are listed one by one",
    ("secrets.labels", "_LONGEST"): "no label of a masked value is longer",
    ("secrets.letters", "LONGEST"): "no word is longer",
}

_HEAD: Final = """\
# Limits

<!-- Generated by `python -m tools.docs.limits` from the comments above the constants. -->

Memory for packets is bounded by what is open at one time, whatever the length of a capture. What
is told stays until the report is written: an exchange takes 0.4 KB of memory where the report is
JSON, 1.9 KB as JSON Lines (which know the last line of each) and 2.9 KB as a page (measured, 1,000
against 20,000 exchanges of one connection). A report that is read back is whole in memory, some six
times its file. A limit that cuts something off says so, in `completeness.limits_hit` or as an
[oddity](oddities.md).

| where | name | value | meaning |
|---|---|---|---|
"""

_GROWTH: Final = """
## What attacks cost

`make bench-growth` makes captures with n, 2n and 4n of whatever could cost more than it is
worth, and reads them. CPU is user and system seconds beyond those of an empty capture, on a
machine with two cores that others used as well (seconds are good for ratios only); MB is the
peak of the process. Both are of `analyze --format json`; the last but one column is the largest
one with all that `-o` leaves, the redacted copy included. That work is in proportion is held by
a test that counts lines of Python (`tests/benchmarks/test_growth.py`), and memory of what is
open by one that counts bytes (`tests/exchanges/test_memory.py`): a bare SYN 1.6 KB, a tunnel 7
KB and with a handshake that nobody acknowledged 14 KB, a call that waits 10 KB. A redacted copy
takes 8 KB more for each connection that is open (`tests/redaction/test_open_memory.py`), and its
packets that wait take four times their size.

| n of | n | CPU s at n / 2n / 4n | MB at n / 2n / 4n | 4n with `-o` | limits hit at 4n |
|---|---|---|---|---|---|
"""


def limits_page() -> str:
    """The text of the page."""
    rows = []
    for place, name in LIMITS:
        module = import_module(f"inspector.{place}")
        value = f"{getattr(module, name):,}"
        rows.append(
            f"| {place} | `{name}` | {value} | {meaning(inspect.getsource(module), name)} |"
        )
    for place, name in SETTABLE:
        kind = getattr(import_module(f"inspector.{place}"), name)
        texts = field_texts(kind)
        rows += [
            f"| {place} | `{name}.{field.name}` | {_value(field.default)} | {texts[field.name]} |"
            for field in fields(kind)
        ]
    return _HEAD + "\n".join(rows) + "\n" + _GROWTH + growth_table()


def growth_table() -> str:
    """A row of figures for each attack."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    lines = []
    for row in figures["attacks"].values():
        cpu = " / ".join(f"{each:.1f}" for each in row["cpu"])
        peak = " / ".join(f"{each:,}" for each in row["peak"])
        with_all = f"{row['artifacts'][0]:.1f} s, {row['artifacts'][1]:,} MB"
        limits = ", ".join(row["limits"]) or "-"
        lines.append(f"| {row['things']} | {row['n']:,} | {cpu} | {peak} | {with_all} | {limits} |")
    seconds, megabytes = figures["empty"]
    return (
        "\n".join(lines)
        + f"""

An empty capture takes {seconds:.1f} s and {megabytes} MB.
"""
    )


def _value(value: object) -> str:
    return "none" if value is None else f"{value:,}"


def meaning(source: str, name: str) -> str:
    """The `#:` comment above a constant, in one line; raises ValueError where there is none."""
    found = re.search(
        rf"((?:^#: ?.*\n)+)(?:[A-Z_0-9]+: Final.*\n)*{name}(?:: Final)?\b", source, re.M
    )
    if found is None:
        raise ValueError(f"{name} has no comment that tells its meaning")
    return " ".join(line[2:].strip() for line in found[1].splitlines())


def main() -> None:
    """Write the page."""
    PAGE.write_text(limits_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
