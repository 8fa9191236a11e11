"""`python -m inspector`, for where the console script is not on the path (sudo's secure_path)."""

from __future__ import annotations

from inspector.cli.main import main

if __name__ == "__main__":
    main(prog_name="inspector")
