"""A key that is used often."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING, Optional, TypeVar, Union

from ._arguments import Key, Seconds, counted
from ._library import KeyHandlePointer
from ._resource import Resource
from .errors import check, failure
from .values import Reading, Value, copied, plain_bytes

if TYPE_CHECKING:
    from .segment import Segment

_Default = TypeVar("_Default")


class KeyHandle(Resource):
    """A handle of one key, which finds it without hashing. Threads may use one at once.

    It keeps the segment attached until it is closed itself.
    """

    _noun = "key handle"

    def __init__(self, segment: Segment, key: Key) -> None:
        """For `Segment.key()`."""
        handle = KeyHandlePointer()
        check(segment._library.key(segment._held(), *counted(key), ctypes.byref(handle)), segment.name)
        super().__init__(handle)
        self._library = segment._library
        self._key_get = segment._library.key_get
        self._segment = segment
        self.key = key

    def __repr__(self) -> str:
        return f"<sharedmem.KeyHandle {self.key!r} of {self._segment.name!r}>"

    def get(self, default: Union[bytes, _Default, None] = None) -> Union[bytes, _Default, None]:
        """As `Segment.get()`."""
        result, value, _ = copied(self._key_get, self._held())
        if result == 0:
            return value
        if result == -errno.ENOENT:
            return default
        raise failure(result, self._segment.name)

    def read(self) -> Reading:
        """As `Segment.read()`."""
        result, value, version = copied(self._key_get, self._held())
        if result == -errno.ENOENT:
            return Reading(None, version)
        check(result, self._segment.name)
        return Reading(value, version)

    def set(
        self,
        value: Value,
        *,
        type: Optional[int] = None,
        expires_in: Optional[Seconds] = None,
        if_version: Optional[int] = None,
    ) -> int:
        """As `Segment.set()`; bytes without any option take the short way."""
        plain = plain_bytes(value) if type is None and expires_in is None and if_version is None else None
        if plain is None:
            self._held()
            return self._segment.set(self.key, value, type=type, expires_in=expires_in, if_version=if_version)
        version = ctypes.c_uint64()
        check(self._library.key_set(self._held(), plain, len(plain), ctypes.byref(version)), self._segment.name)
        return version.value
