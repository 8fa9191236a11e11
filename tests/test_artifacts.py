"""What a run leaves behind: whole files, for one user, whatever stands in the way."""

from __future__ import annotations

import json
import os
import stat
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from inspector import inspect
from inspector.artifacts import (
    ArtifactError,
    Owner,
    append,
    draft,
    redacted,
    write_artifacts,
    write_file,
    write_files,
)
from inspector.capture_files import inspect_captures
from inspector.errors import InspectorError
from inspector.model.report import Report, nothing_to_analyse
from inspector.redaction import Copies
from inspector.report.files import CAPTURE, NAMES, REPORT
from inspector.report.formats.whole import from_dict, stable_part

#: "nobody" on Debian and Ubuntu; any user that is not the one of the tests will do.
OTHER = Owner(65534, 65534)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def report() -> Report:
    return nothing_to_analyse("made for a test")


def _packets(out: BinaryIO) -> None:
    out.write(b"packets")


def _nothing(out: BinaryIO) -> None:
    pass


def _fails(out: BinaryIO) -> None:
    out.write(b"half")
    raise OSError(28, "No space left on device")


def test_a_report_a_summary_and_the_packets_are_left_for_the_user_alone(
    report: Report, tmp_path: Path
) -> None:
    place = tmp_path / "new" / "results"
    done = write_artifacts(report, place, captures={CAPTURE: _packets})
    assert done.written == tuple(place / name for name in (*NAMES, CAPTURE))
    assert done.failed == ()
    assert from_dict(json.loads((place / REPORT).read_bytes())) == report
    assert "made for a test" in (place / "summary.md").read_text()
    assert (place / CAPTURE).read_bytes() == b"packets"
    assert sorted(p.name for p in place.iterdir()) == sorted([*NAMES, CAPTURE])
    assert {stat.S_IMODE(p.stat().st_mode) for p in place.iterdir()} == {0o600}
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_a_file_that_fails_keeps_no_other_from_being_written(
    report: Report, tmp_path: Path
) -> None:
    done = write_artifacts(report, tmp_path, captures={CAPTURE: _fails})
    assert done.failed == ((CAPTURE, "No space left on device"),)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(NAMES)
    with pytest.raises(ArtifactError, match=r"capture\.redacted\.pcapng: No space left"):
        done.complain()


def test_a_failure_leaves_the_earlier_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"before")
    write_files(tmp_path, {"x": _fails})
    assert (tmp_path / "x").read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_what_went_wrong_is_told_without_the_words_of_an_exception(tmp_path: Path) -> None:
    def leaks(out: BinaryIO) -> None:
        raise ValueError("sk-ant-api03-MADEUPKEY")

    done = write_files(tmp_path, {"x": leaks})
    assert done.failed == (("x", "ValueError"),)


def test_a_link_under_the_files_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = tmp_path / "results"
    place.mkdir()
    (place / "x").symlink_to(victim)
    write_files(place, {"x": _packets})
    assert victim.read_text() == "precious"
    assert not (place / "x").is_symlink()
    assert (place / "x").read_bytes() == b"packets"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_link_in_a_directory_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "victim").mkdir()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    (shared / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(ArtifactError, match="symbolic link in a directory that others can write"):
        write_files(shared / "link" / "results", {"x": _nothing})
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.parametrize("target", ["real", "../own/real"])
def test_a_link_in_a_directory_of_ones_own_is_followed(tmp_path: Path, target: str) -> None:
    own = tmp_path / "own"
    (own / "real").mkdir(parents=True)
    own.chmod(0o755)
    (own / "link").symlink_to(target)
    (own / "whole").symlink_to(own / "real")
    write_files(own / "link", {"x": _nothing})
    write_files(own / "whole", {"y": _nothing})
    assert sorted(p.name for p in (own / "real").iterdir()) == ["x", "y"]


def test_links_that_go_round_in_circles_are_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ArtifactError, match="symbolic links"):
        write_files(tmp_path / "a", {})


def test_a_file_where_the_directory_ought_to_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ArtifactError, match="taken cannot be used for results: Not a directory"):
        write_files(tmp_path / "taken", {})


@needs_root
def test_files_and_new_directories_belong_to_the_invoking_user(tmp_path: Path) -> None:
    place = tmp_path / "new" / "results"
    write_files(place, {"x": _nothing}, owner=OTHER)
    for path in (place.parent, place, place / "x"):
        assert (path.stat().st_uid, path.stat().st_gid) == (OTHER.uid, OTHER.gid)


@needs_root
def test_the_invoking_user_is_the_one_behind_sudo() -> None:
    assert Owner.invoking({"SUDO_UID": "1001", "SUDO_GID": "121"}) == Owner(1001, 121)
    assert Owner.invoking({}) is None
    assert Owner.invoking({"SUDO_UID": "root", "SUDO_GID": ""}) is None


def test_appending_keeps_what_is_there_and_follows_no_link(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("before\n")
    append(path, "after\n")
    assert path.read_text() == "before\nafter\n"
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        append(tmp_path / "link", "never")
    with pytest.raises(OSError, match="No such file"):
        append(tmp_path / "absent", "never")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"No such device|not permitted"):
        append(tmp_path / "pipe", "never")
    assert path.read_text() == "before\nafter\n"


def copies_of(*paths: Path) -> tuple[Report, Copies]:
    copies = Copies(BytesIO)
    return inspect_captures(paths, copies=copies), copies


def test_a_disk_that_is_full_costs_the_copies_and_not_the_report(tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "captures" / "healthy-sse"

    def full() -> BinaryIO:
        raise OSError(28, "No space left on device")

    copies = Copies(full)
    report = inspect_captures([folder], copies=copies)
    assert stable_part(report) == stable_part(inspect(folder))
    done = write_artifacts(report, tmp_path, captures=redacted(copies))
    assert done.failed == ((CAPTURE, "No space left on device"),)
    assert (tmp_path / REPORT).exists()


def test_a_draft_has_no_name_and_is_this_users_alone(tmp_path: Path) -> None:
    with draft(tmp_path / "new") as file:
        file.write(b"LABONLY")
        assert list((tmp_path / "new").iterdir()) == []
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def test_each_capture_has_a_redacted_one_numbered_as_the_report_numbers_them() -> None:
    captures = Path(__file__).parent.parent / "captures"
    one, two = captures / "healthy-json", captures / "healthy-sse"
    assert list(redacted(copies_of(one)[1])) == ["capture.redacted.pcapng"]
    assert list(redacted(copies_of(one, two)[1])) == [
        "capture-1.redacted.pcapng",
        "capture-2.redacted.pcapng",
    ]


def test_the_redacted_capture_gives_the_report_and_holds_no_key(tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "captures" / "agent-holds-real-key"
    report, copies = copies_of(folder)
    done = write_artifacts(report, tmp_path, captures=redacted(copies))
    assert done.failed == ()
    assert b"LABONLY" in next(folder.glob("capture.*")).read_bytes()
    assert b"LABONLY" not in (tmp_path / CAPTURE).read_bytes()
    assert stable_part(inspect(tmp_path / CAPTURE))["clients"] == stable_part(report)["clients"]


def test_one_file_gives_what_was_written_or_raises_what_kept_it(tmp_path: Path) -> None:
    def write(out: BinaryIO) -> int:
        return out.write(b"whole")

    def refuse(out: BinaryIO) -> int:
        out.write(b"half")
        raise InspectorError("it cannot be read", "Give another")

    assert write_file(tmp_path / "a", write) == 5
    assert (tmp_path / "a").read_bytes() == b"whole"
    with pytest.raises(InspectorError, match="it cannot be read"):
        write_file(tmp_path / "b", refuse)
    (tmp_path / "c").mkdir()
    with pytest.raises(ArtifactError):
        write_file(tmp_path / "c", write)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
