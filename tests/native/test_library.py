"""Which engine runs: the compiled one where its library fits, else the pure one, and why."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.flows.memory import Memory
from inspector.native import layout, library
from inspector.native.functions import Core, Mismatch
from inspector.native.layout import UNINTERESTING
from inspector.native.library import Loaded
from tests.flows.build import native_core
from tests.native.sanitized import sources

HERE = platform.machine()


@pytest.mark.parametrize("value", ["1", "yes"])
def test_the_switch_turns_it_off(value: str) -> None:
    found = library.load({"INSPECTOR_PURE": value}, HERE)
    assert found == Loaded(None, "INSPECTOR_PURE is set")


@pytest.mark.parametrize("value", ["", "0"])
def test_a_switch_that_is_off_does_not(value: str) -> None:
    native_core()
    assert library.load({"INSPECTOR_PURE": value}, HERE).core is not None


def test_another_machine_has_the_pure_engine() -> None:
    assert library.load({}, "s390x") == Loaded(None, "no compiled core is shipped for s390x")


def test_a_library_that_cannot_be_loaded_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core-here.so").write_bytes(b"\x7fELF but no more")
    monkeypatch.setattr(library, "_HERE", tmp_path)
    found = library.load({}, "here")
    assert found.core is None
    assert found.why_not.startswith("core-here.so could not be used: ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            (f"INSPECTOR_CORE_ABI {layout.ABI}", "INSPECTOR_CORE_ABI 999"),
            f"its version is 999, not {layout.ABI}",
        ),
        (("int64_t unused[2];", "int64_t unused[4];"), "its shapes have"),
        (("inspector_core_settle", "inspector_core_others"), "it has no function settle"),
    ],
)
def test_a_library_of_another_version_is_not_used(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    room = Path(library.__file__).parent
    for path in (*room.glob("*.c"), *room.glob("*.h")):
        (tmp_path / path.name).write_text(path.read_text().replace(*change))
    made = tmp_path / "core.so"
    command = ["cc", "-shared", "-fPIC", "-nostdlib", "-o", str(made), *sources(tmp_path)]
    subprocess.run(command, check=True)
    with pytest.raises(Mismatch, match=said):
        Core(ctypes.PyDLL(str(made)), bytes(16))


#: Few keys, so that many meet again.
keys = st.integers(0, 40).map(lambda number: number.to_bytes(layout.KEY, "big"))
steps = st.lists(st.tuples(keys, st.one_of(st.none(), st.integers(1, 1000))), max_size=300)


@settings(max_examples=60)
@given(steps)
def test_the_hash_table_is_a_dict(todo: list[tuple[bytes, int | None]]) -> None:
    core = native_core()
    memory = Memory(core)
    known: dict[bytes, int] = {}
    for key, value in todo:
        if value is None:
            memory.drop(key)
            known.pop(key, None)
        else:
            memory.put(key, value)
            known[key] = value
        assert core.find(memory.pointer, key) == known.get(key, 0)
    for key in {key for key, _ in todo}:
        assert core.find(memory.pointer, key) == known.get(key, 0)


def test_a_table_that_grows_keeps_its_keys() -> None:
    core = native_core()
    memory = Memory(core)
    for number in range(3000):
        memory.put(number.to_bytes(layout.KEY, "little"), number + 1)
    for number in range(0, 3000, 3):
        memory.drop(number.to_bytes(layout.KEY, "little"))
    found = [core.find(memory.pointer, number.to_bytes(12, "little")) for number in range(3000)]
    assert found == [0 if number % 3 == 0 else number + 1 for number in range(3000)]


def test_what_is_of_no_interest_is_no_direction() -> None:
    core = native_core()
    memory = Memory(core)
    memory.put(bytes(layout.KEY), UNINTERESTING)
    assert core.find(memory.pointer, bytes(layout.KEY)) == UNINTERESTING
