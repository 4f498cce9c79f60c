"""Where a page goes: never over what is no page of taut's, and never in halves."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from taut.errors import DataError

_HEAD = 4096  # bytes of a page that say who wrote it


def page_beside(folder: Path) -> Path:
    """Where a model's page goes that no file was named for.

    >>> page_beside(Path("models/shop.taut")).as_posix()
    'models/shop.html'
    """
    if folder.name in ("", ".."):  # inside of it, its place has no name
        folder = folder.resolve()
    return folder.parent / f"{folder.resolve().name.removesuffix('.taut')}.html"


def check(path: Path) -> None:
    """Refuse to write over what is no page of ours.

    Raises
    ------
    DataError
        Where it is a directory, a file that taut did not write, or in a folder that is not there or that
        nothing can be written to.
    """
    from taut.path.page import GENERATOR

    try:
        if path.is_dir():
            raise DataError(f"{str(path)!r} is a directory: give the name of a file.")
        if not path.absolute().parent.is_dir():
            raise DataError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}.")
        if path.exists():
            with path.open("rb") as file:
                if GENERATOR.encode() not in file.read(_HEAD):
                    raise DataError(f"{str(path)!r} exists and is no page of taut's; give another name.")
        tempfile.TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error


def put(path: Path, text: str) -> None:
    """Write beside the place and move there, so that an older page stays whole until the new one is.

    Raises
    ------
    DataError
        As :func:`check`, and where it cannot be written.
    """
    check(path)
    beside: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.absolute().parent, prefix=".taut-", delete=False
        ) as file:
            beside = Path(file.name)
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask)
        os.replace(beside, path)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)
