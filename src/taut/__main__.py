"""The command line's beginning: ``python -m taut``, and the script ``taut``."""

from __future__ import annotations

import taut.ctrl_c as ctrl_c  # "from taut import" would ask the public names first


def main() -> None:
    """Run the command line; Ctrl+C ends it in a word from now on, the imports that it needs included."""
    ctrl_c.end_at_once()
    from taut.cli import main as run

    run()


if __name__ == "__main__":
    main()
