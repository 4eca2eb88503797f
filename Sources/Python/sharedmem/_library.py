"""The structures and functions of sharedmem.h, as ctypes has them."""

from __future__ import annotations

import ctypes
import os
import re
import threading
from ctypes import POINTER, c_char, c_char_p, c_int, c_int32, c_int64, c_size_t, c_ubyte, c_uint32, c_uint64
from ctypes import c_void_p
from typing import Any, ClassVar, Optional

KEY_LIMIT = 512
NAME_LIMIT = 64

READ_ONLY = 1
READ_WRITE = 3

WATCH_PREFIX = 1
WATCH_INITIAL = 2


class Sized(ctypes.Structure):
    """A structure that begins with its own size, so that library and caller may know different lengths of it."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class RawSegmentOptions(Sized):
    """sharedmem_options."""

    _fields_ = [
        ("size", c_size_t),
        ("byte_count", c_uint64),
        ("entry_count", c_uint64),
        ("mode", c_uint32),
        ("owner", c_uint32),
        ("group", c_uint32),
        ("snapshots", c_uint32),
    ]


class RawSegmentInfo(Sized):
    """sharedmem_info."""

    _fields_ = [
        ("size", c_size_t),
        ("segment_id", c_uint64),
        ("generation", c_uint64),
        ("byte_count", c_uint64),
        ("created_at", c_uint64),
        ("mode", c_uint32),
        ("owner", c_uint32),
        ("group", c_uint32),
        ("sessions", c_uint32),
        ("access", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char * (NAME_LIMIT + 8)),
    ]


class RawSetOptions(Sized):
    """sharedmem_set_options."""

    _fields_ = [
        ("size", c_size_t),
        ("expires_in_ms", c_uint64),
        ("expected_version", c_uint64),
        ("has_expected_version", c_uint32),
        ("type", c_uint32),
    ]


class RawValueInfo(Sized):
    """sharedmem_value_info."""

    _fields_ = [
        ("size", c_size_t),
        ("length", c_uint64),
        ("version", c_uint64),
        ("written_at", c_uint64),
        ("expires_at", c_uint64),
        ("session", c_uint32),
        ("type", c_uint32),
    ]


class RawItem(ctypes.Structure):
    """sharedmem_item."""

    _fields_ = [("key", c_char_p), ("key_length", c_size_t), ("length", c_int64), ("version", c_uint64)]


class RawChange(Sized):
    """sharedmem_change."""

    _fields_ = [
        ("size", c_size_t),
        ("version", c_uint64),
        ("kind", c_uint32),
        ("key_length", c_uint32),
        ("key", c_ubyte * KEY_LIMIT),
    ]


class RawLockHolder(Sized):
    """sharedmem_lock_holder."""

    _fields_ = [
        ("size", c_size_t),
        ("taken_at", c_uint64),
        ("session", c_uint32),
        ("pid", c_int32),
        ("program", c_char * 72),
    ]


class Handle(c_void_p):
    """A pointer that the library gave out, given back when the last reference to it goes.

    A call holds a reference as long as it lasts: what one thread closes while another one uses it is freed after that.
    """

    free: ClassVar[Any] = None

    def taken(self) -> Optional[int]:
        """The pointer, for the call that frees it: an exception of a signal handler may follow that call at once."""
        pointer, self.value = self.value, None
        return pointer

    def __del__(self) -> None:
        if self.value:
            self.free(self.taken())


class SegmentHandle(Handle):
    """sharedmem_segment *."""


class KeyHandlePointer(Handle):
    """sharedmem_key_handle *."""


class TransactionHandle(Handle):
    """sharedmem_transaction *."""


class WatchHandle(Handle):
    """sharedmem_watch *."""


class BorrowedHandle(Handle):
    """sharedmem_borrowed *; what a parent has borrowed isn't a forked child's to give back."""

    def __init__(self) -> None:
        super().__init__()
        self.process = os.getpid()

    def __del__(self) -> None:
        if self.process == os.getpid():
            super().__del__()


_KEY = [c_char_p, c_size_t]
_VALUE = [c_char_p, c_size_t]
_BUFFER = [c_void_p, c_size_t, POINTER(c_size_t), POINTER(c_uint64)]
_VERSION = [POINTER(c_uint64)]

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "open": (c_int, [c_char_p, c_char_p, c_uint32, POINTER(SegmentHandle)]),
    "create": (c_int, [c_char_p, c_char_p, POINTER(RawSegmentOptions), POINTER(SegmentHandle)]),
    "close": (None, [SegmentHandle]),
    "remove": (c_int, [c_char_p, c_char_p]),
    "describe": (c_int, [c_char_p, c_char_p, POINTER(RawSegmentInfo)]),
    "next_segment": (c_int, [c_char_p, c_char_p, POINTER(RawSegmentInfo)]),
    "set_lock_timeout": (None, [SegmentHandle, c_uint64]),
    "set_grace_time": (None, [SegmentHandle, c_uint64]),
    "get": (c_int, [SegmentHandle, *_KEY, *_BUFFER]),
    "get_with": (c_int, [SegmentHandle, *_KEY, c_void_p, c_size_t, POINTER(RawValueInfo)]),
    "set": (c_int, [SegmentHandle, *_KEY, *_VALUE, *_VERSION]),
    "set_with": (c_int, [SegmentHandle, *_KEY, *_VALUE, POINTER(RawSetOptions), *_VERSION]),
    "delete": (c_int, [SegmentHandle, *_KEY, *_VERSION]),
    "compare_and_delete": (c_int, [SegmentHandle, *_KEY, c_uint64, *_VERSION]),
    "sweep_expired": (c_int, [SegmentHandle, POINTER(c_uint64)]),
    "add": (c_int, [SegmentHandle, *_KEY, c_int64, POINTER(c_int64)]),
    "value_describe": (c_int, [SegmentHandle, *_KEY, POINTER(RawValueInfo)]),
    "get_many": (c_int, [SegmentHandle, POINTER(RawItem), c_size_t, c_void_p, c_size_t, POINTER(c_size_t)]),
    "next_key": (c_int, [SegmentHandle, *_KEY, POINTER(c_uint64), c_void_p, c_size_t, POINTER(c_size_t)]),
    "key": (c_int, [SegmentHandle, *_KEY, POINTER(KeyHandlePointer)]),
    "key_get": (c_int, [KeyHandlePointer, *_BUFFER]),
    "key_set": (c_int, [KeyHandlePointer, *_VALUE, *_VERSION]),
    "key_free": (None, [KeyHandlePointer]),
    "begin": (c_int, [SegmentHandle, POINTER(TransactionHandle)]),
    "transaction_get": (c_int, [TransactionHandle, *_KEY, *_BUFFER]),
    "transaction_set": (c_int, [TransactionHandle, *_KEY, *_VALUE]),
    "transaction_set_with": (c_int, [TransactionHandle, *_KEY, *_VALUE, POINTER(RawSetOptions)]),
    "transaction_delete": (c_int, [TransactionHandle, *_KEY]),
    "commit": (c_int, [TransactionHandle, *_VERSION]),
    "abort": (None, [TransactionHandle]),
    "wait": (c_int, [SegmentHandle, *_KEY, c_uint64, c_int, *_VERSION]),
    "watch_open": (c_int, [SegmentHandle, *_KEY, c_uint32, POINTER(WatchHandle)]),
    "watch_next": (c_int, [WatchHandle, c_int, POINTER(RawChange)]),
    "watch_cancel": (None, [WatchHandle]),
    "watch_descriptor": (c_int, [WatchHandle]),
    "watch_close": (None, [WatchHandle]),
    "borrow": (
        c_int,
        [SegmentHandle, *_KEY, POINTER(BorrowedHandle), POINTER(c_void_p), POINTER(c_size_t), *_VERSION],
    ),
    "return": (None, [BorrowedHandle]),
    "lock_describe": (c_int, [SegmentHandle, POINTER(RawLockHolder)]),
    "strerror": (c_char_p, [c_int]),
}


class Library:
    """libsharedmem.so.1: a method for each function, named without `sharedmem_`."""

    def __init__(self) -> None:
        library = _loaded_library()
        for name, (result, arguments) in _FUNCTIONS.items():
            try:
                function = library["sharedmem_" + name]
            except AttributeError:
                raise ImportError(
                    f"{library._name} has no sharedmem_{name}(): it is older than this package; upgrade sharedmemd"
                ) from None
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)
        SegmentHandle.free = self.close
        KeyHandlePointer.free = self.key_free
        TransactionHandle.free = self.abort
        WatchHandle.free = self.watch_close
        BorrowedHandle.free = library["sharedmem_return"]

    def __getattr__(self, name: str) -> Any:
        # Only for what isn't there; says to type checkers that everything else is a function.
        raise AttributeError(name)


def _prefix_library() -> Optional[str]:
    """The library below the prefix of this package: PREFIX/lib, if this is PREFIX/lib/python3.11/site-packages."""
    packages = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = re.fullmatch(r"(/.+/lib)/python3[^/]*/[a-z]+-packages", packages)
    path = found and os.path.join(found[1], "libsharedmem.so.1")
    return path if path and os.path.exists(path) else None


def _loaded_library() -> ctypes.CDLL:
    """The library that SHAREDMEM_LIBRARY names, or the system's, or that of the package's prefix."""
    chosen = os.environ.get("SHAREDMEM_LIBRARY")
    names = [chosen] if chosen else ["libsharedmem.so.1", _prefix_library()]
    reasons = []
    for name in names:
        if name is not None:
            try:
                return ctypes.CDLL(name)
            except OSError as error:
                reasons.append(str(error))
    raise ImportError(
        f"the library of sharedmemd can't be loaded ({'; '.join(reasons)}): "
        "install sharedmemd, or name the file in SHAREDMEM_LIBRARY"
    )


_lock = threading.Lock()
_library: Optional[Library] = None


def library() -> Library:
    """The C library, loaded at the first call."""
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = Library()
    return _library
