"""A value that is lent where it is."""

from __future__ import annotations

import ctypes
import errno
import os
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional

from ._arguments import Key, counted
from ._library import BorrowedHandle
from ._zeros import map_zeros
from .errors import check

if TYPE_CHECKING:
    from .segment import Segment


class Borrowed:
    """What `Segment.borrow()` lends: a context manager that gives a `memoryview`, read-only and of unsigned bytes.

    The value stays lent as long as something refers to its memory, a slice of the view or an array over it too, so that
    none of them ever reads what a writer has put there since. A forked child hasn't the memory: there the view raises
    `ValueError`, and what was made of it may read as zeros.
    """

    def __init__(self, segment: Segment, key: Key) -> None:
        """For `Segment.borrow()`."""
        handle = BorrowedHandle()
        start, length, version = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_uint64()
        result = segment._library.borrow(
            segment._held(),
            *counted(key),
            ctypes.byref(handle),
            ctypes.byref(start),
            ctypes.byref(length),
            ctypes.byref(version),
        )
        if result == -errno.ENOENT:
            raise KeyError(key)
        check(result, segment.name)
        self.version = version.value
        """The version of the value."""
        self._view: Optional[memoryview] = _view(handle, start.value, length.value)
        _lent.add(self)

    @property
    def view(self) -> memoryview:
        """The value's bytes."""
        if self._view is None:
            raise ValueError("the borrowed value was given back")
        return self._view

    def close(self) -> None:
        """Gives the value back: the view raises `ValueError` from now on. May be called again.

        `BufferError` if something else, such as an array, was made of the view and is still there.
        """
        view = self._view
        if view is not None:
            try:
                view.release()
            except BufferError:
                raise BufferError("the borrowed value is still in use by an object that was made of its view") from None
            self._view = None

    def __enter__(self) -> memoryview:
        return self.view

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        try:
            self.close()
        except BufferError:
            # The exception that is on its way may itself hold on to the array; it matters more.
            if error is None:
                raise


def _view(handle: BorrowedHandle, start: Optional[int], length: int) -> memoryview:
    """The bytes at `start`, which keep the handle as long as anything refers to them."""
    if start is None or length == 0:
        return memoryview(b"")
    memory: Any = (ctypes.c_ubyte * length).from_address(start)
    memory.lent = handle
    _memory[id(memory)] = memory
    return memoryview(memory).toreadonly().cast("B")


_lent: weakref.WeakSet[Borrowed] = weakref.WeakSet()

# Each array over lent memory, by its id.
_memory: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def _forget() -> None:
    """In a forked child: what is lent is the parent's, and isn't mapped here.

    What can't be taken away reads as zeros, as memory with MADV_WIPEONFORK does; it would fault, or show what is mapped
    there next.
    """
    for borrowed in list(_lent):
        try:
            borrowed.close()
        except BufferError:
            borrowed._view = None
    for memory in list(_memory.values()):
        map_zeros(ctypes.addressof(memory), len(memory))
    _memory.clear()


os.register_at_fork(after_in_child=_forget)
