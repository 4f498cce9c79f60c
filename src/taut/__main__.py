"""The command line's beginning: ``python -m taut``, and the script ``taut``."""

from __future__ import annotations

from taut import ctrl_c


def main() -> None:
    """Run the command line; Ctrl+C ends it in a word from now on, the imports that it needs included."""
    ctrl_c.end_at_once()
    from taut.cli import main as run

    run()


if __name__ == "__main__":
    main()
