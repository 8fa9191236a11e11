"""The live benchmark's parts do what its figures say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.generate import SmallPackets, write
from benchmarks.live import _frames_in, capturing, contestants, race
from lab.network import Network
from tests.lab.conftest import lab_possible

__all__ = ["lab_possible"]


def test_every_frame_of_the_generator_is_in_the_file_of_the_writer(
    lab_possible: None, tmp_path: Path
) -> None:
    source = tmp_path / "source.pcap"
    packets = write(SmallPackets(), source, packets=2000).packets
    with Network() as network:
        (writer,) = [
            each
            for each in contestants(network.device, tmp_path / "out")
            if each.name == "inspector, writing only"
        ]
        result = race(network, writer, tmp_path, source, 20_000, packets)

    assert result.sent == result.written == packets
    assert result.missing == 0
    assert result.seconds >= packets / 20_000 * 0.9
    assert result.size > 0


def test_no_more_frames_are_sent_than_told(lab_possible: None, tmp_path: Path) -> None:
    source = tmp_path / "source.pcap"
    write(SmallPackets(), source, packets=2000)
    with Network() as network:
        writer = contestants(network.device, tmp_path / "out")[2]
        assert race(network, writer, tmp_path, source, 0, 100).written == 100


def test_a_program_that_does_not_capture_is_no_contestant(
    lab_possible: None, tmp_path: Path
) -> None:
    with Network() as network:
        writer = contestants("nosuch0", tmp_path / "out")[2]
        with (
            pytest.raises(RuntimeError, match="There is no interface 'nosuch0'"),
            capturing(network, writer, tmp_path),
        ):
            pass


def test_all_frames_of_the_generator_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "source.pcap"
    truth = write(SmallPackets(), source, packets=100)

    assert _frames_in(source) == truth.packets
