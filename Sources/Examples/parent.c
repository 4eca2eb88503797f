/* Shares a sentence, then runs the program that its argument names and waits for it.
 *
 * cc -o parent parent.c $(pkg-config --cflags --libs sharedmem) */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sharedmem.h>

/* Runs a program, which inherits everything, and returns what to exit with. */
static int run(char **arguments) {
    int status;
    pid_t process = fork();
    if (process == 0) {
        execvp(arguments[0], arguments);
        fprintf(stderr, "parent: can't start '%s': %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    if (process < 0) {
        fprintf(stderr, "parent: can't fork: %s\n", strerror(errno));
        return 1;
    }
    while (waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) {
            fprintf(stderr, "parent: can't wait for '%s': %s\n", arguments[0], strerror(errno));
            return 1;
        }
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "parent: '%s' was ended by signal %d\n", arguments[0], WTERMSIG(status));
        return 1;
    }
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: parent PROGRAM [ARGUMENT...]: shares a sentence and runs PROGRAM, which may read it\n");
        return 64;
    }
    errno = 0;
    SetSharedMem(L"This is a test string");
    if (errno != 0) {
        fprintf(stderr, "parent: can't share the sentence: %s\n", sharedmem_strerror(errno));
        return 1;
    }
    return run(argv + 1);
}
