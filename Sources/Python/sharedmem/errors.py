"""What can go wrong: an exception for each kind of failure, all of them `SharedMemError`."""

from __future__ import annotations

import errno
from typing import Optional

from ._library import library


class SharedMemError(OSError):
    """A call failed: `errno` says why, `strerror` in words, `filename` names the segment.

    A missing key isn't one of these: it is a `KeyError`, as in every mapping.
    """


class SharedMemNotFound(SharedMemError, FileNotFoundError):
    """There is no such segment."""


class SharedMemExists(SharedMemError, FileExistsError):
    """There is a segment of that name already."""


class SharedMemPermissionError(SharedMemError, PermissionError):
    """The permissions of the segment, or of the daemon's socket, don't allow it."""


class SharedMemReadOnly(SharedMemPermissionError):
    """Something was written to a segment that was opened read-only."""


class SharedMemStale(SharedMemError):
    """A key has another version than was expected, or something that a transaction has read has changed."""


class SharedMemFull(SharedMemError):
    """The segment, its index or the daemon has no room, or keeps as many sessions as it can; the old value stays."""


class SharedMemTimeout(SharedMemError, TimeoutError):
    """The segment's lock wasn't free in time; nothing was changed."""


class SharedMemBusy(SharedMemError):
    """Writers changed what was read again and again."""


class SharedMemCancelled(SharedMemError):
    """A watch was cancelled while a thread waited in it, or before."""


class SharedMemCorrupted(SharedMemError):
    """The segment's memory is corrupted."""


class SharedMemNotConnected(SharedMemError, ConnectionError):
    """There is no daemon, or it has been gone for longer than the grace time."""


class SharedMemRemoved(SharedMemError):
    """The segment was removed while it was attached."""


class SharedMemVersionMismatch(SharedMemError):
    """Library, daemon and segment are of versions that don't understand each other."""


class SharedMemWrongType(SharedMemError, TypeError):
    """The value has another type than the call needs."""


class SharedMemOverflow(SharedMemError, OverflowError):
    """A sum doesn't fit into 64 bits."""


class SharedMemInvalid(SharedMemError, ValueError):
    """An argument breaks a rule: a bad segment name, a key of more than 512 bytes, a size that can't be."""


_CLASSES: dict[int, type[SharedMemError]] = {
    errno.ENOENT: SharedMemNotFound,
    errno.EEXIST: SharedMemExists,
    errno.EACCES: SharedMemPermissionError,
    errno.EPERM: SharedMemPermissionError,
    errno.EROFS: SharedMemReadOnly,
    errno.ESTALE: SharedMemStale,
    errno.ENOSPC: SharedMemFull,
    errno.EDQUOT: SharedMemFull,
    errno.ETIMEDOUT: SharedMemTimeout,
    errno.EAGAIN: SharedMemBusy,
    errno.ECANCELED: SharedMemCancelled,
    errno.EUCLEAN: SharedMemCorrupted,
    errno.ENOTCONN: SharedMemNotConnected,
    errno.EIDRM: SharedMemRemoved,
    errno.EPROTONOSUPPORT: SharedMemVersionMismatch,
    errno.EMEDIUMTYPE: SharedMemWrongType,
    errno.ERANGE: SharedMemOverflow,
    errno.EINVAL: SharedMemInvalid,
    errno.ENAMETOOLONG: SharedMemInvalid,
}


def failure(result: int, segment: Optional[str]) -> SharedMemError:
    """The exception for a negative result of the library."""
    words = library().strerror(result).decode()
    kind = _CLASSES.get(-result, SharedMemError)
    return kind(-result, words) if segment is None else kind(-result, words, segment)


def check(result: int, segment: Optional[str] = None) -> None:
    """Raises what a result of the library says; 0 is success."""
    if result < 0:
        raise failure(result, segment)
