/* The parts of libsystemd that the daemon uses. */
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
