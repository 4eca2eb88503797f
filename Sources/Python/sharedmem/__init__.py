"""Values by key in the named shared-memory segments that sharedmemd keeps.

>>> import sharedmem
>>> with sharedmem.Segment.open("default") as segment:
...     segment["greeting"] = b"This is a test string"
...     segment["greeting"]
b'This is a test string'

Values are read and written in mapped memory, with no message to the daemon for each. The package calls the C library
`libsharedmem.so.1`; SHAREDMEM_LIBRARY names another file, SHAREDMEM_SOCKET another daemon's socket.
"""

from ._arguments import key_bytes
from ._library import KEY_LIMIT, NAME_LIMIT
from .borrowed import Borrowed
from .description import LockHolder, SegmentInfo, describe, remove, segments
from .errors import (
    SharedMemBusy,
    SharedMemCancelled,
    SharedMemCorrupted,
    SharedMemError,
    SharedMemExists,
    SharedMemFull,
    SharedMemInvalid,
    SharedMemNotConnected,
    SharedMemNotFound,
    SharedMemOverflow,
    SharedMemPermissionError,
    SharedMemReadOnly,
    SharedMemRemoved,
    SharedMemStale,
    SharedMemTimeout,
    SharedMemVersionMismatch,
    SharedMemWrongType,
)
from .key import KeyHandle
from .segment import Segment
from .transaction import Transaction
from .values import KeyVersion, Reading, ValueInfo, ValueType
from .watch import Change, ChangeKind, Watch

__version__ = "0.1.0"

__all__ = [
    "KEY_LIMIT",
    "NAME_LIMIT",
    "Borrowed",
    "Change",
    "ChangeKind",
    "KeyHandle",
    "KeyVersion",
    "LockHolder",
    "Reading",
    "Segment",
    "SegmentInfo",
    "SharedMemBusy",
    "SharedMemCancelled",
    "SharedMemCorrupted",
    "SharedMemError",
    "SharedMemExists",
    "SharedMemFull",
    "SharedMemInvalid",
    "SharedMemNotConnected",
    "SharedMemNotFound",
    "SharedMemOverflow",
    "SharedMemPermissionError",
    "SharedMemReadOnly",
    "SharedMemRemoved",
    "SharedMemStale",
    "SharedMemTimeout",
    "SharedMemVersionMismatch",
    "SharedMemWrongType",
    "Transaction",
    "ValueInfo",
    "ValueType",
    "Watch",
    "describe",
    "key_bytes",
    "remove",
    "segments",
]
