"""One name, one thing: which public names of types are defined in two modules, and why."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent.parent / "inspector"

#: Name of a type -> why two modules may define it.  Take a line out when the name is gone.
NAMESAKES: Final[Mapping[str, str]] = {
    "Answer": "yes, no, or something third: of a dissector, of a check of the machine",
    "Attribution": "who holds a connection's end: the programs in the kernel, what a session asks",
    "Cutter": "cuts frames inside TLS: what counts the kernel's cuts, what a file asks for",
    "Described": "what an interface's section says: to a source, to a file",
    "End": "of a connection: an address and port, the FIN that a direction is delivered with",
    "Engine": "what joins packets to streams; the Docker engine",
    "FindingRow": "a finding: as a page's table shows it, as the tables of a fleet hold it",
    "Gap": "bytes that are missing: as the packet core delivers them, as a report says them",
    "How": "by which evidence something was found: a bridge, a process",
    "IPNetwork": "an alias for the two classes of the standard library, in modules of one room",
    "Judgement": "a verdict with its reasons: on a policy, on a hypothesis",
    "LeftOut": "connections out of scope: one that speaks, the count of them",
    "Link": "a network device in netlink's words; a pair of call and tunnel",
    "Notes": "what a reader noted on its way, to be looked at afterwards",
    "Opened": "what was just opened: a connection, a live capture's handles",
    "Place": "where something stands: a payload in its frame, a body's byte in its stream",
    "Reassembler": "puts pieces in order: TCP's segments, IP's fragments",
    "Run": "neighbours in a row: bytes of one direction, records of a file",
    "Scrubber": "cleans a text of keys; the protocol that a session asks for of it",
    "Stop": "what ends a run early: the handle of a command, the protocol of a pipe's reader",
    "Stream": "both messages of an HTTP/2 stream; what stands in the place of a file that is not",
    "TunnelRow": "a tunnel: as a page's table shows it, as the tables of a fleet hold it",
}


def test_a_name_of_two_types_has_a_reason() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in types_of(path.read_text(encoding="utf-8")):
            homes[name].append(path.relative_to(PACKAGE).as_posix())
    shared = {name: places for name, places in homes.items() if len(places) > 1}

    assert {name: places for name, places in shared.items() if name not in NAMESAKES} == {}
    assert sorted(NAMESAKES.keys() - shared.keys()) == [], "these are unique now"


def types_of(source: str) -> list[str]:
    """The public classes and type aliases on the top level of a module."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
            names.append(ast.unparse(node.target))
    return [name for name in names if not name.startswith("_")]


def test_classes_and_aliases_are_types_and_private_ones_are_nobodys_namesake() -> None:
    source = "class A: ...\nB: TypeAlias = int\nC: int = 3\nclass _D: ...\ndef e(): ...\n"
    assert types_of(source) == ["A", "B"]
