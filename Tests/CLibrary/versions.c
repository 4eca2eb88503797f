/* Older and newer headers, daemons and segments: they are understood, or refused with -EPROTONOSUPPORT. */
#include <sys/socket.h>
#include <sys/un.h>

#include "memory.h"
#include "../../Sources/CSharedMem/include/sharedmem_control.h"

static sharedmem_segment **handle_of(struct outputs *out) { return (sharedmem_segment **)&out->handle; }

/* MARK: Structures of other headers */

/* A structure with room for what a newer header may add. */
#define NEWER(type) union { type known; unsigned char bytes[sizeof(type) + 64]; }

/* How many bytes longer than the library's a newer structure may be here. */
#define MORE 64

/* A structure that the library fills in. */
struct filled {
    const char *name;
    size_t byte_count;    /* that the library knows */
    size_t changing;      /* offset of 8 bytes that differ from call to call; 0: none do */
    int (*fill)(sharedmem_segment *segment, sharedmem_watch *watch, void *structure);
};

static int fill_describe(sharedmem_segment *segment, sharedmem_watch *watch, void *structure) {
    (void)segment, (void)watch;
    return sharedmem_describe(NULL, "filled", structure);
}

static int fill_next_segment(sharedmem_segment *segment, sharedmem_watch *watch, void *structure) {
    (void)segment, (void)watch;
    return sharedmem_next_segment(NULL, NULL, structure);
}

static int fill_value_describe(sharedmem_segment *segment, sharedmem_watch *watch, void *structure) {
    (void)watch;
    return sharedmem_value_describe(segment, KEY("key"), structure);
}

static int fill_get_with(sharedmem_segment *segment, sharedmem_watch *watch, void *structure) {
    char buffer[8];
    (void)watch;
    return sharedmem_get_with(segment, KEY("key"), buffer, sizeof buffer, structure);
}

static int fill_watch_next(sharedmem_segment *segment, sharedmem_watch *watch, void *structure) {
    GIVES(set_text(segment, "watched", "value"));
    return sharedmem_watch_next(watch, 60000, structure);
}

static int fill_lock_describe(sharedmem_segment *segment, sharedmem_watch *watch, void *structure) {
    sharedmem_value_info info = {.size = sizeof info};
    (void)watch;
    GIVES(sharedmem_value_describe(segment, KEY("key"), &info));
    give_lock("filled", info.session);
    int result = sharedmem_lock_describe(segment, structure);
    give_lock("filled", SHAREDMEM_LOCK_FREE);
    return result;
}

static const struct filled filled[] = {
#define FILLED(function, type, changing) { #function, sizeof(type), changing, fill_##function }
    FILLED(describe, sharedmem_info, 0),
    FILLED(next_segment, sharedmem_info, 0),
    FILLED(value_describe, sharedmem_value_info, 0),
    FILLED(get_with, sharedmem_value_info, 0),
    FILLED(watch_next, sharedmem_change, offsetof(sharedmem_change, version)),
    FILLED(lock_describe, sharedmem_lock_holder, 0),
#undef FILLED
};

/* Whether a structure of this size holds as much of the whole one as fits, zeros behind that, and nothing else was stored. */
static int is_filled(const struct filled *what, const unsigned char *whole, const unsigned char *bytes, size_t size) {
    size_t found;
    memcpy(&found, bytes, sizeof found);
    if (found != size) return 0;
    for (size_t index = sizeof size; index < sizeof(sharedmem_change) + 2 * MORE; index++) {
        if (index < size && what->changing && index - what->changing < 8) continue;
        unsigned char expected = index >= size ? 0x5a : index < what->byte_count ? whole[index] : 0;
        if (bytes[index] != expected) return 0;
    }
    return 1;
}

static void structures_are_filled_in(void) {
    sharedmem_segment *segment = made("filled", 0);
    sharedmem_watch *watch = NULL;
    unsigned char whole[sizeof(sharedmem_change) + 2 * MORE], bytes[sizeof whole];
    GIVES(set_text(segment, "key", "value"));
    GIVES(sharedmem_watch_open(segment, KEY("watched"), 0, &watch));
    for (size_t index = 0; index < sizeof filled / sizeof *filled; index++) {
        const struct filled *what = &filled[index];
        memset(whole, 0x5a, sizeof whole);
        memcpy(whole, &what->byte_count, sizeof what->byte_count);
        EXPECT_RESULT(what->fill(segment, watch, whole), 0);
        for (size_t size = sizeof size; size <= what->byte_count + MORE; size += 4) {
            memset(bytes, 0x5a, sizeof bytes);
            memcpy(bytes, &size, sizeof size);
            int result = what->fill(segment, watch, bytes);
            if (EXPECT_RESULT(result, 0) && EXPECT(is_filled(what, whole, bytes, size))) continue;
            printf("        %s with %zu of %zu bytes\n", what->name, size, what->byte_count);
            break;
        }
    }
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* What an older header doesn't have counts as 0, whatever is behind the structure. */
static void older_structures_are_understood(void) {
    sharedmem_segment *segment = made("older", 0);
    sharedmem_options options = {.size = offsetof(sharedmem_options, mode), .byte_count = 64 << 10, .mode = 01777};
    sharedmem_set_options set = {.size = offsetof(sharedmem_set_options, expected_version), .expected_version = PATTERN,
                                 .has_expected_version = 77, .type = 999};
    sharedmem_transaction *transaction = NULL;
    sharedmem_remove(NULL, "older-made");
    GIVES(sharedmem_create(NULL, "older-made", &options, NULL));
    for (int round = 0; round < 2; round++) {
        GIVES(sharedmem_set_with(segment, KEY("key"), "value", 5, &set, NULL));
        GIVES(sharedmem_begin(segment, &transaction));
        GIVES(sharedmem_transaction_set_with(transaction, KEY("key"), "value", 5, &set));
        GIVES(sharedmem_commit(transaction, NULL));
        set.size = sizeof set.size;
    }
    sharedmem_close(segment);
}

static void newer_structures_are_understood(void) {
    sharedmem_segment *segment = made("newer", 0);
    NEWER(sharedmem_options) options = {.known = {.byte_count = 64 << 10}};
    NEWER(sharedmem_set_options) set = {.known = {.type = SHAREDMEM_VALUE_TEXT}};
    sharedmem_transaction *transaction = NULL;
    options.known.size = sizeof options;
    set.known.size = sizeof set;
    sharedmem_remove(NULL, "newer-made");
    GIVES(sharedmem_create(NULL, "newer-made", &options.known, NULL));
    GIVES(sharedmem_set_with(segment, KEY("key"), "value", 5, &set.known, NULL));
    GIVES(sharedmem_begin(segment, &transaction));
    GIVES(sharedmem_transaction_set_with(transaction, KEY("key"), "value", 5, &set.known));
    GIVES(sharedmem_commit(transaction, NULL));
    sharedmem_close(segment);
}

static void unknown_fields_are_refused(void) {
    sharedmem_segment *segment = made("unknown", 0);
    NEWER(sharedmem_options) options = {.known = {.byte_count = 64 << 10}};
    NEWER(sharedmem_set_options) set = {.known = {0}};
    sharedmem_transaction *transaction = NULL;
    struct outputs out = patterned();
    options.known.size = sizeof options;
    options.bytes[sizeof options - 1] = 1;
    set.known.size = sizeof set;
    set.bytes[sizeof set.known] = 1;
    sharedmem_remove(NULL, "unknown-made");
    EXPECT_RESULT(sharedmem_create(NULL, "unknown-made", &options.known, handle_of(&out)), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_set_with(segment, KEY("key"), "value", 5, &set.known, &out.version), -EPROTONOSUPPORT);
    GIVES(sharedmem_begin(segment, &transaction));
    EXPECT_RESULT(sharedmem_transaction_set_with(transaction, KEY("key"), "value", 5, &set.known), -EPROTONOSUPPORT);
    sharedmem_abort(transaction);
    EXPECT_RESULT(sharedmem_open(NULL, "unknown", SHAREDMEM_READ_WRITE | 4, handle_of(&out)), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_open(NULL, "unknown", 1u << 31, handle_of(&out)), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_watch_open(segment, KEY("key"), 4, (sharedmem_watch **)&out.handle), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_watch_open(segment, KEY("key"), SHAREDMEM_WATCH_PREFIX | 1u << 31, (sharedmem_watch **)&out.handle), -EPROTONOSUPPORT);
    EXPECT(is_untouched(out));
    sharedmem_close(segment);
}

static void impossible_sizes_are_refused(void) {
    sharedmem_segment *segment = made("sizes", 0);
    sharedmem_watch *watch = NULL;
    sharedmem_transaction *transaction = NULL;
    static const size_t sizes[] = {0, 1, 7, 1 << 20, SIZE_MAX};
    GIVES(sharedmem_watch_open(segment, NULL, 0, SHAREDMEM_WATCH_PREFIX, &watch));
    GIVES(set_text(segment, "key", "value"));
    GIVES(sharedmem_begin(segment, &transaction));
    for (size_t index = 0; index < sizeof sizes / sizeof *sizes; index++) {
        sharedmem_options options = {.size = sizes[index]};
        sharedmem_set_options set = {.size = sizes[index]};
        sharedmem_value_info value = {.size = sizes[index], .length = PATTERN};
        sharedmem_info info = {.size = sizes[index], .segment_id = PATTERN};
        sharedmem_change change = {.size = sizes[index], .version = PATTERN};
        sharedmem_lock_holder holder = {.size = sizes[index], .taken_at = PATTERN};
        EXPECT_RESULT(sharedmem_create(NULL, "sizes-made", &options, NULL), -EINVAL);
        EXPECT_RESULT(sharedmem_set_with(segment, KEY("key"), "value", 5, &set, NULL), -EINVAL);
        EXPECT_RESULT(sharedmem_value_describe(segment, KEY("key"), &value), -EINVAL);
        EXPECT_RESULT(sharedmem_describe(NULL, "sizes", &info), -EINVAL);
        EXPECT_RESULT(sharedmem_next_segment(NULL, NULL, &info), -EINVAL);
        EXPECT_RESULT(sharedmem_watch_next(watch, 0, &change), -EINVAL);
        EXPECT_RESULT(sharedmem_get_with(segment, KEY("key"), NULL, 0, &value), -EINVAL);
        EXPECT_RESULT(sharedmem_transaction_set_with(transaction, KEY("key"), "value", 5, &set), -EINVAL);
        EXPECT_RESULT(sharedmem_lock_describe(segment, &holder), -EINVAL);
        EXPECT(value.length == PATTERN && info.segment_id == PATTERN && change.version == PATTERN);
        EXPECT(holder.taken_at == PATTERN);
    }
    sharedmem_abort(transaction);
    sharedmem_watch_close(watch);
    sharedmem_close(segment);
}

/* MARK: Daemons that speak another protocol */

/* Answers each greeting as a daemon does that doesn't speak its version. */
static void refuse_all_versions(int listener) {
    struct __attribute__((packed)) {
        struct sharedmem_frame_header header;
        struct sharedmem_error error;
    } answer = {0};
    static const char sentence[] = "this daemon speaks protocol 9";
    for (;;) {
        union { struct sharedmem_frame_header header; char bytes[SHAREDMEM_FRAME_MAX]; } frame;
        int peer = accept(listener, NULL, NULL);
        if (peer < 0) _exit(1);
        if (recv(peer, &frame, sizeof frame, 0) >= (ssize_t)sizeof frame.header) {
            answer.header = frame.header;
            answer.header.type = (uint16_t)SHAREDMEM_ERROR;
            answer.header.length = sizeof answer;
            answer.error.error = EPROTONOSUPPORT;
            answer.error.byte_count = (uint32_t)strlen(sentence);
            memcpy(answer.error.text, sentence, strlen(sentence));
            send(peer, &answer, sizeof answer, MSG_NOSIGNAL);
        }
        close(peer);
    }
}

/* What somebody between client and daemon makes of what they say. */
enum change { NOTHING, NO_FEATURES, NEWER_FRAMES, NEWER_REPLY };

/* Hands one message on, with its descriptors; 0: the connection has ended. */
static int hand_on(int from, int to, enum change change) {
    union {
        struct {
            struct sharedmem_frame_header header;
            union { struct sharedmem_hello hello; struct sharedmem_hello_reply reply; };
        };
        char bytes[SHAREDMEM_FRAME_MAX];
    } frame;
    union { struct cmsghdr header; char bytes[CMSG_SPACE(8 * sizeof(int))]; } control;
    struct iovec part = {&frame, sizeof frame};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return 0;
    if (change == NO_FEATURES && frame.header.type == SHAREDMEM_HELLO) frame.hello.features = 0;
    if (frame.header.type == (SHAREDMEM_HELLO | SHAREDMEM_REPLY)) {
        if (change == NEWER_FRAMES) frame.header.major++;
        if (change == NEWER_REPLY) frame.reply.major++;
    }
    part.iov_len = (size_t)count;
    int is_sent = sendmsg(to, &message, MSG_NOSIGNAL) == count;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
        for (size_t index = 0; index < (item->cmsg_len - CMSG_LEN(0)) / sizeof(int); index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(item) + index * sizeof descriptor, sizeof descriptor);
            close(descriptor);
        }
    }
    return is_sent;
}

/* Stands between clients and the daemon. */
static void stand_between(int listener, enum change change) {
    for (;;) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", getenv("SHAREDMEM_SOCKET"));
        int client = accept(listener, NULL, NULL), daemon = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (client < 0 || connect(daemon, (struct sockaddr *)&address, sizeof address) != 0) _exit(1);
        struct pollfd ends[2] = {{client, POLLIN, 0}, {daemon, POLLIN, 0}};
        int is_open = 1;
        while (is_open && poll(ends, 2, -1) > 0) {
            if (ends[0].revents) is_open = hand_on(client, daemon, change);
            if (is_open && ends[1].revents) is_open = hand_on(daemon, client, change);
        }
        close(client);
        close(daemon);
    }
}

/* Listens beside the daemon's socket. */
static int listening(struct sockaddr_un *address, const char *suffix) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "%s.%s", getenv("SHAREDMEM_SOCKET"), suffix);
    unlink(address->sun_path);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    GIVES(bind(listener, (struct sockaddr *)address, sizeof *address));
    GIVES(listen(listener, 8));
    fflush(NULL);
    return listener;
}

/* Ends who serves a socket of this program. */
static void stop(pid_t child, int listener, const struct sockaddr_un *address) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unlink(address->sun_path);
    close(listener);
}

static void nothing_works_at(const char *path) {
    sharedmem_info info = {.size = sizeof info, .segment_id = PATTERN};
    struct outputs out = patterned();
    EXPECT_RESULT(sharedmem_open(path, "default", SHAREDMEM_READ_WRITE, handle_of(&out)), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_create(path, "x", NULL, handle_of(&out)), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_remove(path, "x"), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_describe(path, "default", &info), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_next_segment(path, NULL, &info), -EPROTONOSUPPORT);
    EXPECT(is_untouched(out) && info.segment_id == PATTERN);
}

static void another_protocol_is_refused(void) {
    struct sockaddr_un address;
    int listener = listening(&address, "other");
    pid_t child = fork();
    if (child == 0) refuse_all_versions(listener);
    nothing_works_at(address.sun_path);
    stop(child, listener, &address);
    for (enum change change = NEWER_FRAMES; change <= NEWER_REPLY; change++) {
        listener = listening(&address, "other");
        child = fork();
        if (child == 0) stand_between(listener, change);
        nothing_works_at(address.sun_path);
        stop(child, listener, &address);
    }
    /* Who hands on what was said makes no difference. */
    sharedmem_info info = {.size = sizeof info};
    listener = listening(&address, "other");
    child = fork();
    if (child == 0) stand_between(listener, NOTHING);
    GIVES(sharedmem_describe(address.sun_path, "default", &info));
    stop(child, listener, &address);
}

static void older_daemons_serve_what_they_know(void) {
    struct sockaddr_un address;
    struct outputs out = patterned();
    sharedmem_segment *segment = NULL;
    sharedmem_borrowed *borrowed = NULL;
    static char large[8 << 20];
    const void *value = NULL;
    sharedmem_close(made("older-daemon", 32 << 20));
    int listener = listening(&address, "between");
    pid_t child = fork();
    if (child == 0) stand_between(listener, NO_FEATURES);
    GIVES(sharedmem_open(address.sun_path, "older-daemon", SHAREDMEM_READ_WRITE, &segment));
    GIVES(set_text(segment, "key", "value"));
    GIVES(sharedmem_set(segment, KEY("large"), large, sizeof large, NULL));
    EXPECT_RESULT(sharedmem_wait(segment, KEY("key"), UINT64_MAX - 1, 60000, &out.version), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_watch_open(segment, KEY("key"), 0, (sharedmem_watch **)&out.handle), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_watch_open(segment, KEY("key"), SHAREDMEM_WATCH_PREFIX, (sharedmem_watch **)&out.handle), -EPROTONOSUPPORT);
    EXPECT(is_untouched(out) && has_text(segment, "key", "value"));
    sharedmem_close(segment);
    /* What would be pinned is copied. */
    GIVES(sharedmem_open(address.sun_path, "older-daemon", SHAREDMEM_READ_ONLY, &segment));
    GIVES(sharedmem_borrow(segment, KEY("large"), &borrowed, &value, &out.length, NULL));
    EXPECT(out.length == sizeof large && value && memcmp(value, large, sizeof large) == 0);
    sharedmem_return(borrowed);
    sharedmem_close(segment);
    stop(child, listener, &address);
}

/* MARK: Segments of another layout */

/* Spoils a header, expects that nobody attaches, and mends it. */
static void no_attach(const char *name, void *field, const void *other, size_t size) {
    struct outputs out = patterned();
    unsigned char whole[8];
    sharedmem_segment *segment = NULL;
    memcpy(whole, field, size);
    memcpy(field, other, size);
    EXPECT_RESULT(sharedmem_open(NULL, name, SHAREDMEM_READ_WRITE, (sharedmem_segment **)&out.handle), -EPROTONOSUPPORT);
    EXPECT_RESULT(sharedmem_open(NULL, name, SHAREDMEM_READ_ONLY, (sharedmem_segment **)&out.handle), -EPROTONOSUPPORT);
    EXPECT(is_untouched(out));
    memcpy(field, whole, size);
    GIVES(sharedmem_open(NULL, name, SHAREDMEM_READ_ONLY, &segment));
    sharedmem_close(segment);
}

static void other_layouts_are_refused(void) {
    sharedmem_segment *segment = made("layout", 0);
    struct sharedmem_data_header *data = data_of("layout");
    uint16_t major = SHAREDMEM_LAYOUT_MAJOR + 1;
    uint64_t feature = UINT64_C(1) << 63, magic = SHAREDMEM_LOCK_MAGIC;
    no_attach("layout", &data->major, &major, sizeof major);
    no_attach("layout", &data->required_features, &feature, sizeof feature);
    no_attach("layout", &data->magic, &magic, sizeof magic);
    no_attach("layout", &data->hash_seed, &magic, sizeof magic);
    sharedmem_close(segment);
}

static const struct fact facts[] = {
    {"structures of every length are filled in as far as they go, and with zeros behind what is known", structures_are_filled_in},
    {"structures of an older header are understood", older_structures_are_understood},
    {"structures of a newer header are understood if nothing new is set", newer_structures_are_understood},
    {"fields and flags that aren't known give -EPROTONOSUPPORT", unknown_fields_are_refused},
    {"structures whose size can't be are refused", impossible_sizes_are_refused},
    {"a daemon that speaks another protocol gives -EPROTONOSUPPORT", another_protocol_is_refused},
    {"a daemon that knows neither pins nor watches serves everything else", older_daemons_serve_what_they_know},
    {"a segment of another layout gives -EPROTONOSUPPORT", other_layouts_are_refused},
};

MAIN(facts)
