"""What is said where the programs cannot run."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from inspector.linux.ebpf import loader, probes
from inspector.linux.ebpf.loader import BpfError, BpfObject


def in_a_child(code: str, *prefix: str) -> str:
    done = subprocess.run(
        [*prefix, sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


_START = """
from inspector.linux.ebpf.attribution import Attribution
from inspector.linux.ebpf.filter import EbpfFilter
from inspector.linux.ebpf.loader import BpfError
for start in (Attribution.start, EbpfFilter.load):
    try:
        start()
    except BpfError as error:
        print(error)
"""


def test_without_privilege_the_remedy_is_named_once_for_each_program(bpf_possible: None) -> None:
    said = in_a_child(_START, "setpriv", "--bounding-set=-all", "--inh-caps=-all")

    lines = said.splitlines()
    assert len(lines) == 2
    assert all("CAP_BPF" in line and "root" in line for line in lines)


def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "LIBRARY", "libbpf-that-is-not-there.so.1")
    loader.library.cache_clear()
    try:
        with pytest.raises(BpfError, match="libbpf1"):
            BpfObject("attribution")
    finally:
        loader.library.cache_clear()


def test_what_the_verifier_said_is_kept(bpf_possible: None) -> None:
    """A program is spoilt: its first instruction becomes a read of an unset register."""
    data = files("inspector.linux.ebpf").joinpath("filter.bpf.o").read_bytes()
    # `exit` everywhere becomes a move from r9, which no short function has set.
    spoilt = data.replace(b"\x95" + bytes(7), b"\xbf\x90" + bytes(6))
    with BpfObject("filter", spoilt) as bpf:
        bpf.configure(bytes(16))
        with pytest.raises(BpfError) as caught:
            bpf.load()

    assert "filter" in caught.value.culprit
    assert caught.value.log


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(BpfError, match="opened"):
        BpfObject("filter", b"no ELF at all")


def test_probes_answer_with_the_kernel_they_need(bpf_possible: None) -> None:
    answers = {probe.name: probe for probe in probes.available()}

    assert {probe.answer for probe in answers.values()} <= {"yes", "no", "could not tell"}
    assert answers["sock_recv_length"].kernel == "6.3"
    assert not probes.has_tracepoint("no_such_tracepoint")


def test_without_a_privilege_the_probe_says_no(bpf_possible: None) -> None:
    code = """
from inspector.linux.ebpf import probes
print({probe.name: probe.answer for probe in probes.available()}["CAP_BPF and CAP_PERFMON"])
"""
    assert in_a_child(code, "setpriv", "--bounding-set=-all", "--inh-caps=-all").strip() == "no"
