"""The lab's certificate authority: one root, one certificate for each API host.

Made anew for each lab by trustme; nothing of it is kept or committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the certificates lie."""

    directory: Path

    @property
    def root(self) -> Path:
        """The root certificate, for whoever should trust the upstream."""
        return self.directory / "ca.pem"

    def chain(self, host: str) -> Path:
        """Private key and certificate chain of ``host`` in one PEM file."""
        return self.directory / f"{host}.pem"


def make(directory: Path, hosts: Iterable[str]) -> Authority:
    """Write a new root and the certificates of ``hosts`` into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = Authority(directory)
    ca = trustme.CA(organization_name="inspector lab", organization_unit_name="made for one run")
    ca.cert_pem.write_to_path(str(authority.root))
    for host in hosts:
        ca.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(authority.chain(host)))
    return authority
