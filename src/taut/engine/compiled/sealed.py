"""Numba's cache with a checksum at the end of each file.

Numba runs what it finds in its cache: a flipped bit in the machine code ends the process, or gives wrong
numbers. A file that does not fit its checksum counts as missing here; it is compiled again and written over.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from numba.core.caching import FunctionCache, IndexDataCacheFile

_SIZE = 16  # bytes


def is_whole(path: str | os.PathLike[str]) -> bool:
    """Whether the file is there and as it was written."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return False
    return _checksum(data[:-_SIZE]) == data[-_SIZE:]


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_SIZE).digest()


@final
class _SealedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Both files are pickles, whose readers stop before the checksum."""

    def _load_index(self) -> Any:
        return super()._load_index() if is_whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        if not is_whole(self._data_path(name)):
            raise FileNotFoundError(name)  # which the caller takes for "compile it"
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        content = io.BytesIO()
        with super()._open_for_write(filepath) as file:
            yield content
            file.write(content.getvalue() + _checksum(content.getvalue()))


@final
class SealedCache(FunctionCache):  # type: ignore[misc]
    """The cache of one function, in Numba's cache folder of this moment."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = _SealedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )
