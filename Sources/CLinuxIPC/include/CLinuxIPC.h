/* What Swift can't import from Linux's headers: macros, variadic functions and system calls without a wrapper. */
#ifndef CLINUXIPC_H
#define CLINUXIPC_H

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#endif
