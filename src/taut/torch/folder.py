"""A tuned module in a folder: numbers in safetensors, all else in JSON; never pickle, and no code.

``tuned.json`` names the file of numbers by its SHA-256 and is replaced last, so that a folder is whole at
every moment, and a flipped bit is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from taut.errors import StoreError
from taut.writing import written

FORMAT = 1
_JSON = "tuned.json"
_MOST = 1 << 26  # bytes of JSON


def save(folder: Path, numbers: Mapping[str, Tensor], told: Mapping[str, Any]) -> None:
    """Save a tuned module; an older one in the same folder is replaced at once.

    Parameters
    ----------
    folder : Path
    numbers : mapping of str to tensor
        The module's state_dict.
    told : mapping
        What is said of it, as plain values.

    Raises
    ------
    StoreError
        Where the folder holds something else, or cannot be written.
    """
    from safetensors.torch import save as to_bytes

    # safetensors refuses tensors that share memory, and tied weights are there twice.
    data = to_bytes({name: one.clone().contiguous() for name, one in numbers.items()})
    digest = hashlib.sha256(data).hexdigest()
    name = f"module-{digest[:16]}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [one.name for one in folder.iterdir() if not _is_ours(one.name)]
        if others and not (folder / _JSON).exists():
            raise StoreError(
                f"{str(folder)!r} holds something other than a tuned module, such as {others[0]!r}."
            )
        beside = folder / f".taut-{digest[:8]}"
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, folder / name)
    except OSError as error:
        raise StoreError(f"{str(folder)!r} cannot be written: {error.strerror or error}.") from error
    with written(folder / _JSON) as out:
        json.dump({"format": FORMAT, **told, "numbers": name, "sha256": digest}, out, indent=1)
        out.write("\n")
    for one in folder.glob("module-*.safetensors"):
        if one.name != name:
            one.unlink(missing_ok=True)


def load(folder: str | os.PathLike[str], make: Callable[[], nn.Module]) -> nn.Module:
    """Make a saved module again, in evaluation mode.

    Parameters
    ----------
    folder : path
        That :meth:`Tuned.save` wrote.
    make : callable
        Makes the module, as for :func:`taut.torch.tune`: the folder holds no code.

    Raises
    ------
    StoreError
        Where the folder holds no tuned module, is damaged, or is of another module; it says in which keys.
    """
    from safetensors.torch import load as from_bytes

    place = Path(folder)
    told = read(place)
    try:
        data = (place / Path(told["numbers"]).name).read_bytes()
    except OSError as error:
        raise StoreError(f"{str(place)!r} lacks its numbers: {error.strerror or error}.") from error
    if hashlib.sha256(data).hexdigest() != told["sha256"]:
        raise StoreError(f"{str(place)!r} is damaged: its numbers are not those that were saved.")
    numbers = from_bytes(data)
    with torch.random.fork_rng(devices=[]):
        module = make()
    own = module.state_dict()
    missing, more = sorted(own.keys() - numbers.keys()), sorted(numbers.keys() - own.keys())
    unlike = [
        name
        for name in own.keys() & numbers.keys()  # a lazy layer takes whatever shape is loaded
        if not is_lazy(own[name]) and own[name].shape != numbers[name].shape
    ]
    if missing or more or unlike:
        differing = ", ".join([*missing, *more, *sorted(unlike)][:5])
        raise StoreError(
            f"{str(place)!r} is of another {told['module']} than this {type(module).__name__}: they differ "
            f"in {differing}."
        )
    module.load_state_dict(numbers)
    return module.eval()


def read(folder: Path) -> dict[str, Any]:
    """What a folder says of its module: recipe, plan and scores.

    Raises
    ------
    StoreError
    """
    path = folder / _JSON
    try:
        if path.stat().st_size > _MOST:
            raise StoreError(f"{str(path)!r} is too large to be a tuned module's.")
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(f"{str(folder)!r} holds no tuned module: there is no {_JSON}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error}.") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise StoreError(f"{str(path)!r} is of another format than this version of taut knows.")
    if not all(isinstance(told.get(name), str) for name in ("numbers", "sha256", "module")):
        raise StoreError(f"{str(path)!r} is not complete.")
    return told


def _is_ours(name: str) -> bool:
    return name == _JSON or name.startswith((".taut-", "module-"))
