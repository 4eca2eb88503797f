"""The keys, values and items of a segment, as mappings show them."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import TYPE_CHECKING

from ._arguments import key_bytes, key_text
from ._library import KEY_LIMIT
from .errors import check

if TYPE_CHECKING:
    from .segment import Segment


def walk(segment: Segment, prefix: bytes) -> Iterator[str]:
    """Each key of a segment that begins with `prefix`."""
    cursor, length = ctypes.c_uint64(), ctypes.c_size_t()
    buffer = ctypes.create_string_buffer(KEY_LIMIT)
    while True:
        result = segment._library.next_key(
            segment._held(),
            prefix,
            len(prefix),
            ctypes.byref(cursor),
            buffer,
            KEY_LIMIT,
            ctypes.byref(length),
        )
        if result == -errno.ENOENT:
            return
        check(result, segment.name)
        yield key_text(ctypes.string_at(buffer, length.value))


class Keys(KeysView[str]):
    """The keys that begin with a prefix."""

    __slots__ = ("_segment", "_prefix")

    def __init__(self, segment: Segment, prefix: bytes) -> None:
        super().__init__(segment)
        self._segment = segment
        self._prefix = prefix

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[str]:
        return walk(self._segment, self._prefix)

    def __contains__(self, key: object) -> bool:
        return key_bytes(key).startswith(self._prefix) and key in self._segment  # type: ignore[arg-type]


class Values(ValuesView[bytes]):
    """The values of the keys that begin with a prefix."""

    __slots__ = ("_segment", "_prefix")

    def __init__(self, segment: Segment, prefix: bytes) -> None:
        super().__init__(segment)
        self._segment = segment
        self._prefix = prefix

    def __len__(self) -> int:
        return len(Keys(self._segment, self._prefix))

    def __iter__(self) -> Iterator[bytes]:
        return (value for _, value in Items(self._segment, self._prefix))

    def __contains__(self, value: object) -> bool:
        return any(found == value for found in self)


class Items(ItemsView[str, bytes]):
    """The keys that begin with a prefix, with their values; without those that are deleted meanwhile."""

    __slots__ = ("_segment", "_prefix")

    def __init__(self, segment: Segment, prefix: bytes) -> None:
        super().__init__(segment)
        self._segment = segment
        self._prefix = prefix

    def __len__(self) -> int:
        return len(Keys(self._segment, self._prefix))

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for key in walk(self._segment, self._prefix):
            value = self._segment.get(key)
            if value is not None:
                yield key, value

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, tuple) or len(item) != 2 or item[0] not in Keys(self._segment, self._prefix):
            return False
        return bool(self._segment.get(item[0]) == item[1])
