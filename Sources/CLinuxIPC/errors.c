#include "CLinuxIPC.h"

int linuxipc_errno(void) { return errno; }

void linuxipc_set_errno(int error) { errno = error; }

const char *linuxipc_error_text(int error) { return strerrordesc_np(error); }

const char *linuxipc_error_name(int error) { return strerrorname_np(error); }
