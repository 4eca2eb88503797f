#include "CLinuxIPC.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

int linuxipc_event_file(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int linuxipc_signal_event(int file) {
    /* EAGAIN: the counter is full, so the file is readable. */
    return eventfd_write(file, 1) < 0 && errno != EAGAIN ? -1 : 0;
}

int linuxipc_clear_event(int file) {
    eventfd_t count;
    return eventfd_read(file, &count);
}

struct thread_start {
    void (*body)(void *);
    void *context;
};

static void *begin_thread(void *start) {
    struct thread_start own = *(struct thread_start *)start;
    free(start);
    own.body(own.context);
    return NULL;
}

int linuxipc_start_thread(const char *name, void (*body)(void *), void *context) {
    struct thread_start *start = malloc(sizeof *start);
    if (!start)
        return -1;
    *start = (struct thread_start){body, context};
    sigset_t all, before;
    sigfillset(&all);
    /* A thread begins with its maker's mask: the program's signals stay with the program's threads. */
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error == 0) {
        pthread_t thread;
        error = pthread_create(&thread, NULL, begin_thread, start);
        if (error == 0) {
            (void)pthread_setname_np(thread, name);
            (void)pthread_detach(thread);
        }
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (error == 0)
        return 0;
    free(start);
    errno = error;
    return -1;
}
