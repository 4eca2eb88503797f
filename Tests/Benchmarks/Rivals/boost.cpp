// Boost.Interprocess: a hash map in a managed shared memory segment, under one interprocess mutex.
#include <unistd.h>

#include <array>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/unordered_map.hpp>
#include <exception>
#include <string>

#include "CBenchmarkFloors.h"

namespace {

namespace bi = boost::interprocess;
using Bytes16 = std::array<std::uint64_t, 2>;
using Bytes64 = std::array<std::uint64_t, 8>;
using Lock = bi::scoped_lock<bi::interprocess_mutex>;

struct Hash {
    std::size_t operator()(const Bytes16 &key) const {
        unsigned __int128 product =
            static_cast<unsigned __int128>(key[0] ^ 0xa0761d6478bd642fu) * (key[1] ^ 0xe7037ed1a0b428dbu);
        return static_cast<std::size_t>(product >> 64) ^ static_cast<std::size_t>(product);
    }
};

using Allocator = bi::allocator<std::pair<const Bytes16, Bytes64>, bi::managed_shared_memory::segment_manager>;
using Map = boost::unordered_map<Bytes16, Bytes64, Hash, std::equal_to<Bytes16>, Allocator>;

struct State {
    std::string name;
    bi::managed_shared_memory memory;
    bi::interprocess_mutex *mutex;
    Map *map;

    explicit State(std::size_t keyCount)
        : name("sharedmem-benchmark-" + std::to_string(getpid())),
          memory(bi::create_only, name.c_str(), (4u << 20) + keyCount * 256),
          mutex(memory.construct<bi::interprocess_mutex>("mutex")()),
          map(memory.construct<Map>("map")(keyCount, Hash(), std::equal_to<Bytes16>(),
                                           Allocator(memory.get_segment_manager()))) {
        // Mapped, it needs no name any more, and a run that is killed leaves nothing behind.
        bi::shared_memory_object::remove(name.c_str());
        for (std::uint64_t number = 0; number < keyCount; number++) {
            Bytes16 key;
            Bytes64 value;
            benchmark_key(number, key.data());
            benchmark_value(number, 0, value.data());
            map->emplace(key, value);
        }
    }

    bool read(const std::uint64_t *bytes, std::uint64_t *value) {
        Bytes16 key{bytes[0], bytes[1]};
        Lock lock(*mutex);
        auto found = map->find(key);
        if (found == map->end()) return false;
        memcpy(value, found->second.data(), sizeof found->second);
        return true;
    }

    bool write(const std::uint64_t *bytes, const std::uint64_t *value) {
        Bytes16 key{bytes[0], bytes[1]};
        Lock lock(*mutex);
        memcpy((*map)[key].data(), value, sizeof(Bytes64));
        return true;
    }
};

void *open(const benchmark_site *, std::size_t keyCount, const char **reason) {
    try {
        return new State(keyCount);
    } catch (const std::exception &) {
        *reason = "Boost.Interprocess couldn't make its memory";
        return nullptr;
    }
}

std::int64_t get(void *state, benchmark_draws *draws, std::size_t count, benchmark_check check) {
    BENCHMARK_GET_LOOP(draws, count, check, static_cast<State *>(state)->read(draw->key, value));
}

std::int64_t set(void *state, benchmark_draws *draws, std::size_t count) {
    BENCHMARK_SET_LOOP(draws, count, static_cast<State *>(state)->write(draw->key, value));
}

void close(void *state) { delete static_cast<State *>(state); }

}  // namespace

extern "C" const benchmark_rival benchmark_rival;
const struct benchmark_rival benchmark_rival = {open, get, set, close};
