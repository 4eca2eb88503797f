"""Many values as of one moment."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING

from ._arguments import Key
from ._library import RawItem
from .errors import check
from .transaction import Transaction

if TYPE_CHECKING:
    from .segment import Segment

_FIRST_STRIDE = 1024
# Above it, one buffer with room for the largest value at each key would be mostly empty.
_LARGEST_BUFFER = 64 << 20


def values_of(segment: Segment, keys: list[Key], names: list[bytes]) -> dict[Key, bytes]:
    """The values of `keys`, whose bytes are `names`; without those that have none."""
    count = len(names)
    if count == 0:
        segment._held()
        return {}
    items = (RawItem * count)(*(RawItem(name, len(name)) for name in names))
    stride, needed = _FIRST_STRIDE, ctypes.c_size_t()
    while count * stride <= _LARGEST_BUFFER:
        buffer = ctypes.create_string_buffer(max(1, count * stride))
        result = segment._library.get_many(segment._held(), items, count, buffer, stride, ctypes.byref(needed))
        if result != -errno.EMSGSIZE:
            check(result, segment.name)
            start = ctypes.addressof(buffer)
            return {
                key: ctypes.string_at(start + index * stride, items[index].length)
                for index, key in enumerate(keys)
                if items[index].length >= 0
            }
        stride = max(needed.value, 2 * stride)

    def read(transaction: Transaction) -> dict[Key, bytes]:
        found = ((key, transaction.get(key)) for key in keys)
        return {key: value for key, value in found if value is not None}

    return segment.transact(read)
