"""Zeros where a forked child has no memory."""

from __future__ import annotations

import ctypes
import errno
import mmap

# Of linux/mman.h; Linux 4.17 and newer.
_MAP_FIXED_NOREPLACE = 0x100000

_mmap = ctypes.CDLL(None, use_errno=True).mmap
_mmap.restype = ctypes.c_void_p
_mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def map_zeros(start: int, length: int) -> None:
    """Maps read-only zeros over the pages that have these bytes; what the process has mapped there already stays."""
    first = start // mmap.PAGESIZE
    _map_pages(first, -(-(start + length) // mmap.PAGESIZE) - first)


def _map_pages(first: int, count: int) -> None:
    """`mmap(2)`, which refuses the whole range if a part of it is mapped: then half by half."""
    start, flags = first * mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED_NOREPLACE
    mapped = _mmap(start, count * mmap.PAGESIZE, mmap.PROT_READ, flags, -1, 0)
    if mapped != start and ctypes.get_errno() == errno.EEXIST and count > 1:
        half = count // 2
        _map_pages(first, half)
        _map_pages(first + half, count - half)
