#include "CLinuxIPC.h"

const char *linuxipc_program_name(void) { return program_invocation_short_name; }

const char *linuxipc_environment_value(const char *name) { return secure_getenv(name); }

static void (*at_exit)(void);

void linuxipc_at_exit(void (*body)(void)) { __atomic_store_n(&at_exit, body, __ATOMIC_RELEASE); }

__attribute__((destructor)) static void call_at_exit(void) {
    void (*body)(void) = __atomic_load_n(&at_exit, __ATOMIC_ACQUIRE);
    if (body) body();
}
