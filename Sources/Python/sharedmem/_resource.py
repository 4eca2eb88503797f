"""What is closed once, by its user or by the garbage collector."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Optional, TypeVar

from ._library import Handle

_Resource = TypeVar("_Resource", bound="Resource")


class Resource:
    """An object that owns a pointer of the library, and is a context manager that closes it."""

    _noun = "object"
    _is_inherited = True

    def __init__(self, handle: Handle) -> None:
        self._handle: Optional[Handle] = handle
        self._process = os.getpid()

    def _held(self) -> Any:
        """The pointer, for one call: pass it on, don't keep it: an exception's traceback would hold on to it."""
        if not self._is_inherited and self._is_foreign:
            raise RuntimeError(f"a {self._noun} stays with the process that began it: begin one in the child")
        handle = self._handle
        if handle is None:
            raise ValueError(f"the {self._noun} is closed")
        return handle

    @property
    def _is_foreign(self) -> bool:
        """Whether it is of no use here because it is a parent process's."""
        return not self._is_inherited and self._process != os.getpid()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._handle is None

    def close(self) -> None:
        """Gives it back, at once or when calls of other threads that are under way have ended. May be called again."""
        self._handle = None

    def __enter__(self: _Resource) -> _Resource:
        self._held()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
