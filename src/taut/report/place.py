"""Where a page goes: never over what is no page of taut's, and never in halves."""

from __future__ import annotations

import os
from collections.abc import Iterable
from html import escape, unescape
from pathlib import Path

from taut import writing
from taut.errors import DataError

_HEAD = 4096  # bytes of a page that say who wrote it, and of which model
_OWNER = '<meta name="taut-model" content="'


def page_beside(folder: Path) -> Path:
    """Where a model's page goes that no file was named for.

    >>> page_beside(Path("models/shop.taut")).as_posix()
    'models/shop.html'
    """
    if folder.name in ("", ".."):  # inside of it, its place has no name
        folder = folder.resolve()
    return folder.parent / f"{folder.resolve().name.removesuffix('.taut')}.html"


def owner_tag(folder: str | os.PathLike[str] | None) -> str:
    """Give what the beginning of a page says of whose it is; nothing of a model without a folder.

    >>> owner_tag("models/shop.taut")
    '<meta name="taut-model" content="shop.taut">'
    """
    name = "" if folder is None else _name_of(Path(folder))
    return f'{_OWNER}{escape(name)}">' if name else ""


def _name_of(folder: Path) -> str:
    """The last part of it; inside of it, its place has no name."""
    if folder.name not in ("", ".."):
        return folder.name
    try:
        return folder.resolve().name
    except (OSError, ValueError):
        return ""


def check(
    path: Path, model: Path | None = None, inputs: Iterable[Path] = (), *, into_model: bool = False
) -> None:
    """Refuse to write over what is no page of ours, and over the files that were read.

    A ``model`` is the folder whose page is to go there without anybody having said so: ``shop`` and
    ``shop.taut`` have one name for their pages, and the page of the one is not replaced by that of the other.
    ``into_model`` tells whether the folder of a saved model will do.

    Raises
    ------
    DataError
        Where nothing can be written there (see :func:`taut.writing.check`), where a file is there that taut
        did not write; and another model's page, where a model is given.
    """
    from taut.paths.page import GENERATOR

    writing.check(path, inputs, into_model=into_model)
    try:
        if writing.is_stream(path) or not path.exists():
            return
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
    if GENERATOR not in head:
        raise DataError(f"{str(path)!r} exists and is no page of taut's; give another name.")
    _, found, rest = head.partition(_OWNER)
    owner = rest.partition('"')[0]
    if model is not None and found and f'{_OWNER}{owner}">' not in _tags(model):
        raise DataError(
            f"{str(path)!r} is the page of another model, {unescape(owner)!r}; give another name."
        )


def _tags(model: Path) -> list[str]:
    """By both names, where it is a link; as a page has them: no file holds half a character."""
    tags = (owner_tag(model), owner_tag(model.resolve()))
    return [tag.encode("utf-8", "replace").decode("utf-8") for tag in tags]


def put(path: Path, text: str, model: Path | None = None) -> None:
    """Write the page whole or not at all; refused as by :func:`check`, and where it cannot be written."""
    check(path, model, into_model=True)
    with writing.written(path, into_model=True) as file:
        file.write(text)
