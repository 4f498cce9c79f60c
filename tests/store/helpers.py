"""Small things that the tests of the store share."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

#: Without these there is no model.
FILES = ("checksums.json", "model.json", "weights.safetensors")
REPORT = "report.json"


def sign(folder: Path) -> None:
    """Write checksums that fit what lies there, as somebody would who changes a model on purpose."""
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES[1:]}
    (folder / "checksums.json").write_text(json.dumps(hashes))


def edit(folder: Path, *path: Any, to: Any) -> None:
    """Change one place in ``model.json``, and sign it."""
    description = json.loads((folder / "model.json").read_bytes())
    place = description
    for name in path[:-1]:
        place = place[name]
    if to is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")
    sign(folder)


DELETE: Any = object()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
