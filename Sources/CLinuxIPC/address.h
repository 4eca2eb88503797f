/* The address of a unix socket, for the files of this target. */
#ifndef CLINUXIPC_ADDRESS_H
#define CLINUXIPC_ADDRESS_H

#include <sys/un.h>

/* Fills an address; ENAMETOOLONG if the path doesn't fit, ENOENT if it is empty (that would be an abstract address). */
int linuxipc_fill_address(struct sockaddr_un *address, const char *path);

#endif
