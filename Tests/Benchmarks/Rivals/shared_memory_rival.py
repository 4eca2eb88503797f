"""Python's shared_memory: a dictionary of offsets, and slices of the buffer; no lock, so a value may be torn."""

import sys
from multiprocessing import shared_memory

from rival import VALUE_SIZE, Rival, now, serve


class Buffer(Rival):
    def __init__(self, key_count: int, buffer: memoryview) -> None:
        super().__init__(key_count)
        self.buffer = buffer
        self.offsets = {key: number * VALUE_SIZE for number, key in enumerate(self.keys)}
        for key, value in self.values.items():
            self.buffer[self.offsets[key] : self.offsets[key] + VALUE_SIZE] = value

    def get(self, count: int) -> int:
        drawn, buffer, offsets = self.drawn(count), self.buffer, self.offsets
        found = [b""] * count
        start = now()
        for index, key in enumerate(drawn):
            offset = offsets[key]
            found[index] = bytes(buffer[offset : offset + VALUE_SIZE])
        return self.checked(drawn, found, now() - start)

    def set(self, count: int) -> int:
        self.make_values()
        drawn, buffer, offsets = self.drawn(count), self.buffer, self.offsets
        values = [self.values[key] for key in drawn]
        start = now()
        for key, value in zip(drawn, values):
            offset = offsets[key]
            buffer[offset : offset + VALUE_SIZE] = value
        duration = now() - start
        return self.checked_sets(drawn, lambda key: buffer[offsets[key] : offsets[key] + VALUE_SIZE], duration)


def main() -> None:
    key_count = int(sys.argv[1])
    memory = shared_memory.SharedMemory(create=True, size=key_count * VALUE_SIZE)
    try:
        buffer = Buffer(key_count, memory.buf)
        serve(buffer)
        del buffer
    finally:
        memory.close()
        memory.unlink()


main()
