"""What each attack costs at n, 2n and 4n: `make bench-growth`.

    python -m benchmarks.growth [ATTACK ...]

Captures of `benchmarks.attacks` are read by `inspector analyze --format json`, and the largest also
with all that `-o` leaves. CPU seconds are those beyond an empty capture's; memory is the peak, the
program's own included. The figures go to `growth.json`, from which docs/limits.md has its table.
Exit code 1 names what grew by more than its number: CPU beyond 3 times for twice as much (with half
a second of patience, for others use the machine, too), or more memory than `MOST` MB.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.attacks import ATTACKS, Attack
from benchmarks.run import LAUNCH
from benchmarks.wire import PCAP_HEADER

FIGURES: Final = Path(__file__).with_name("growth.json")
#: MB that no attack of `ATTACKS` may take.
MOST: Final = 400
_STEEPEST: Final = 3.0
_PATIENCE: Final = 0.5
_SIZES: Final = (1, 2, 4)
_EMPTY: Final = Attack("nothing", 0, lambda _: PCAP_HEADER)


class Cost(NamedTuple):
    """CPU seconds, peak MB, and the names of limits that were hit."""

    cpu: float
    peak: float
    limits: tuple[str, ...]


def cost(attack: Attack, count: int, *, artifacts: bool = False) -> Cost:
    """Of reading a capture of so many; raises RuntimeError where there is no report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, left = folder / "source.pcapng", folder / "left"
        source.write_bytes(attack.make(count))
        command = [sys.executable, "-m", "inspector", "analyze", "--format", "json"]
        command += ["--no-progress", str(source), *(["-o", str(left)] if artifacts else [])]
        for option, text in attack.logs(count).items():
            beside = folder / option.strip("-")
            beside.write_bytes(text)
            command += [option, str(beside)]
        launch = [sys.executable, "-I", "-S", "-c", LAUNCH, str(folder / "used"), *command]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with (folder / "out").open("wb") as out, (folder / "errors").open("wb") as errors:
            subprocess.run(launch, stdout=out, stderr=errors, env=environment, check=True)
        _, cpu, peak, status = json.loads((folder / "used").read_text())
        if status not in (0, 4):
            raise RuntimeError((folder / "errors").read_text()[-500:])
        report = json.loads((folder / "out").read_bytes())
    return Cost(cpu, peak * 1024 / 1e6, limits_of(report))


def limits_of(report: dict[str, Any]) -> tuple[str, ...]:
    """Limits that a report names, and oddities that are one."""
    odd = (each["name"] for each in report["oddities"])
    named = (name for name in odd if "limit" in name or name.startswith("too-"))
    return tuple(dict.fromkeys((*report["completeness"]["limits_hit"], *named)))


def measured(attack: Attack, start: float) -> dict[str, Any]:
    """The row of an attack; `start` is what an empty capture takes."""
    costs = [cost(attack, attack.n * times) for times in _SIZES]
    whole = cost(attack, attack.n * _SIZES[-1], artifacts=True)
    return {
        "things": attack.things,
        "n": attack.n,
        "cpu": [round(max(0.0, each.cpu - start), 2) for each in costs],
        "peak": [round(each.peak) for each in costs],
        "artifacts": [round(max(0.0, whole.cpu - start), 2), round(whole.peak)],
        "limits": list(costs[-1].limits),
    }


def too_steep(row: dict[str, Any]) -> list[str]:
    """What is wrong with a row."""
    cpu, peak = row["cpu"], row["peak"]
    found = [
        f"{more:.2f} s of CPU after {less:.2f} s for half as many"
        for less, more in itertools.pairwise(cpu)
        if more > _STEEPEST * less + _PATIENCE
    ]
    if max(*peak, row["artifacts"][1]) > MOST:
        found.append(f"{max(*peak, row['artifacts'][1])} MB")
    return found


def main() -> int:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="What each attack costs at n, 2n and 4n.")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    options = parser.parse_args()
    if unknown := set(options.attacks) - set(ATTACKS):
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    empty = [cost(_EMPTY, 0) for _ in range(3)]
    start = statistics.median(each.cpu for each in empty)
    peak = max(each.peak for each in empty)
    print(f"an empty capture: {start:.2f} s, {peak:.0f} MB; load {os.getloadavg()[0]:.1f}")
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"attacks": {}}
    figures["empty"] = [round(start, 2), round(peak)]
    failed = False
    for name in options.attacks or ATTACKS:
        row = measured(ATTACKS[name], start)
        figures["attacks"][name] = row
        kept(figures)
        print(f"{name:14}{row['n']:>12,}  {row['cpu']}  {row['peak']}  {row['artifacts']}"
              f"  {', '.join(row['limits'])}", flush=True)  # fmt: skip
        for each in too_steep(row):
            failed = True
            print(f"growth: {name}: {each}", flush=True)
    return 1 if failed else 0


def kept(figures: dict[str, Any]) -> None:
    """Write the figures, in the order of the attacks."""
    rows = figures["attacks"]
    figures["attacks"] = {name: rows[name] for name in ATTACKS if name in rows}
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
