"""`--label`: what a run is called elsewhere, for the provenance of its report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

import click

from inspector.cli.parameters import Label

label_option: Final = click.option(
    "--label",
    "labels",
    type=Label(),
    metavar="NAME=VALUE",
    multiple=True,
    help="What the run is called elsewhere, for the report's provenance. repository, run_id, "
    "run_attempt and sha are those of a GitHub Actions runner, if one is there.",
)


def labels_of(told: Sequence[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The labels of a run: a runner's own, and those that were told in their place or beside."""
    from inspector.provenance import labels_of_runner

    labels: dict[str, str] = {}
    for name, _, value in (text.partition("=") for text in told):
        if name in labels:
            raise click.BadParameter(
                f"{name} is given twice; a run has one value for it.", param_hint="--label"
            )
        labels[name] = value
    return {**labels_of_runner(environ), **labels}
