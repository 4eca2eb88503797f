"""Python's shared_memory: a dictionary of offsets, and slices of the buffer; no lock, so a value may be torn.

Reads lines "get COUNT" and "set COUNT" and answers each with the nanoseconds it took, or -1 for a wrong value.
"""

import random
import struct
import sys
import time
from multiprocessing import shared_memory

KEY_COUNT = int(sys.argv[1])
VALUE_SIZE = 64


def value_of(number: int, generation: int) -> bytes:
    words = ((number * 8 + i) * 0x9E3779B97F4A7C15 + (generation if i < 7 else 0) for i in range(8))
    return struct.pack("<8Q", *(word & 0xFFFFFFFFFFFFFFFF for word in words))


class Work:
    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self.offsets = {b"key-%012d" % number: number * VALUE_SIZE for number in range(KEY_COUNT)}
        self.values: dict[bytes, bytes] = {}
        self.draws: list[bytes] = []
        self.position = 0
        self.generation = -1
        self.make_values()
        for key, value in self.values.items():
            self.buffer[self.offsets[key] : self.offsets[key] + VALUE_SIZE] = value

    def make_values(self) -> None:
        """The values of the next generation."""
        self.generation += 1
        self.values = {b"key-%012d" % number: value_of(number, self.generation) for number in range(KEY_COUNT)}

    def drawn(self, count: int) -> list[bytes]:
        while len(self.draws) < count:
            self.draws += random.sample(list(self.offsets), KEY_COUNT)
        drawn, self.draws = self.draws[:count], self.draws[count:]
        return drawn

    def get(self, count: int) -> int:
        drawn, buffer, offsets = self.drawn(count), self.buffer, self.offsets
        found = [b""] * count
        start = time.perf_counter_ns()
        for index, key in enumerate(drawn):
            offset = offsets[key]
            found[index] = bytes(buffer[offset : offset + VALUE_SIZE])
        duration = time.perf_counter_ns() - start
        # The last eight bytes of a value are the same in every generation.
        is_right = all(value[-8:] == self.values[key][-8:] for key, value in zip(drawn, found))
        return duration if is_right else -1

    def set(self, count: int) -> int:
        self.make_values()
        drawn, buffer, offsets = self.drawn(count), self.buffer, self.offsets
        values = [self.values[key] for key in drawn]
        start = time.perf_counter_ns()
        for key, value in zip(drawn, values):
            offset = offsets[key]
            buffer[offset : offset + VALUE_SIZE] = value
        duration = time.perf_counter_ns() - start
        is_right = all(bytes(buffer[offsets[key] : offsets[key] + VALUE_SIZE]) == self.values[key] for key in drawn)
        return duration if is_right else -1


def main() -> None:
    memory = shared_memory.SharedMemory(create=True, size=KEY_COUNT * VALUE_SIZE)
    try:
        work = Work(memory.buf)
        for line in sys.stdin:
            name, count = line.split()
            print(getattr(work, name)(int(count)), flush=True)
        del work
    finally:
        memory.close()
        memory.unlink()


main()
