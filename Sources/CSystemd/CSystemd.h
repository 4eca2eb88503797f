/* The parts of libsystemd that the daemon uses, and what its event loop and its limits are made of. */
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
#include <sys/eventfd.h>
#include <sys/sysinfo.h>
