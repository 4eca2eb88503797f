#include "CLinuxIPC.h"

#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* Where the descriptors of a program begin. */
enum { FIRST_DESCRIPTOR = 3 };

/* The longest decimal number of a process, with its terminating zero. */
enum { PID_TEXT_MAX = 12 };

/* MARK: What is made before the fork, because only async-signal-safe calls may follow it */

struct image {
    char **arguments;
    char **environment;
    char **pid_places; /* where in the environment the pid is to be written */
    size_t pid_place_count;
    char *variables;   /* the storage of the entries that pid_places lead into */
    int *scratch;      /* copies of the descriptors, out of the way */
    int *saved;        /* copies of what is in their way */
};

static size_t string_count(const char *block, size_t byte_count) {
    size_t count = 0;
    for (size_t i = 0; i < byte_count; i++)
        count += block[i] == 0;
    return count;
}

/* Points at each string of a block. */
static char **split(char **ret_strings, const char *block, size_t byte_count) {
    for (size_t start = 0; start < byte_count; start += strlen(block + start) + 1)
        *ret_strings++ = (char *)block + start;
    *ret_strings = NULL;
    return ret_strings;
}

static void discard(struct image *image) {
    free(image->arguments);
    free(image->environment);
    free(image->pid_places);
    free(image->variables);
    free(image->scratch);
    free(image->saved);
}

static int prepare(struct image *ret_image, const struct linuxipc_program *program) {
    size_t variable_count = string_count(program->process_variables, program->process_variables_byte_count);
    size_t argument_count = string_count(program->arguments, program->arguments_byte_count);
    size_t environment_count = string_count(program->environment, program->environment_byte_count);
    struct image image = {
        .arguments = calloc(argument_count + 1, sizeof(char *)),
        .environment = calloc(environment_count + variable_count + 1, sizeof(char *)),
        .pid_places = calloc(variable_count + 1, sizeof(char *)),
        .pid_place_count = variable_count,
        .variables = calloc(1, program->process_variables_byte_count + variable_count * PID_TEXT_MAX + 1),
        .scratch = calloc(program->descriptor_count + 1, sizeof(int)),
        .saved = calloc(program->descriptor_count + 1, sizeof(int)),
    };
    if (image.arguments == NULL || image.environment == NULL || image.pid_places == NULL || image.variables == NULL ||
        image.scratch == NULL || image.saved == NULL) {
        discard(&image);
        errno = ENOMEM;
        return -1;
    }
    split(image.arguments, program->arguments, program->arguments_byte_count);
    char **end = split(image.environment, program->environment, program->environment_byte_count);
    const char *name = program->process_variables;
    char *entry = image.variables;
    for (size_t i = 0; i < variable_count; i++) {
        size_t length = strlen(name);
        memcpy(entry, name, length);
        entry[length] = '=';
        end[i] = entry;
        image.pid_places[i] = entry + length + 1;
        entry += length + 1 + PID_TEXT_MAX;
        name += length + 1;
    }
    *ret_image = image;
    return 0;
}

/* MARK: What may run between fork and exec */

static void write_pid(char *place, pid_t pid) {
    char digits[PID_TEXT_MAX];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + pid % 10);
        pid /= 10;
    } while (pid > 0);
    while (count > 0)
        *place++ = digits[--count];
    *place = 0;
}

static void name_pid(const struct image *image) {
    for (size_t i = 0; i < image->pid_place_count; i++)
        write_pid(image->pid_places[i], getpid());
}

/* Copies the descriptors to 3, 4 and so on, and lets exec close all that are behind. */
static int place(const struct image *image, const int *descriptors, size_t count) {
    int end = FIRST_DESCRIPTOR + (int)count;
    for (size_t i = 0; i < count; i++) {
        image->scratch[i] = descriptors[i] < end ? fcntl(descriptors[i], F_DUPFD_CLOEXEC, end) : descriptors[i];
        if (image->scratch[i] < 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (dup2(image->scratch[i], FIRST_DESCRIPTOR + (int)i) < 0)
            return -1;
    return close_range((unsigned)end, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* Gives every signal its default action and lets it through. */
static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++)
        (void)sigaction(signal, &action, NULL); /* SIGKILL, SIGSTOP and those of the C library can't change */
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's part; returns only if something failed. */
static void run_child(
    const struct linuxipc_program *program, const struct image *image, pid_t parent, int death_signal, int *failure) {
    /* Out of the way of the descriptors that are placed. */
    int moved = fcntl(*failure, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR + (int)program->descriptor_count);
    if (moved < 0)
        return;
    *failure = moved;
    if (prctl(PR_SET_PDEATHSIG, death_signal) < 0)
        return;
    /* The parent died before it was asked for. */
    if (getppid() != parent)
        _exit(0);
    name_pid(image);
    if (place(image, program->descriptors, program->descriptor_count) < 0)
        return;
    reset_signals();
    (void)execve(program->path, image->arguments, image->environment);
}

/* MARK: Starting and becoming a program */

static pid_t start(const struct linuxipc_program *program, const struct image *image, int death_signal) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t parent = getpid();
    pid_t child = _Fork();
    if (child == 0) {
        int failure = ends[1];
        run_child(program, image, parent, death_signal, &failure);
        int error = errno;
        (void)!write(failure, &error, sizeof error);
        _exit(127);
    }
    int error = errno;
    (void)close(ends[1]);
    if (child > 0) {
        /* exec closes the other end, so that nothing is read if it succeeds. */
        ssize_t count;
        do {
            count = read(ends[0], &error, sizeof error);
        } while (count < 0 && errno == EINTR);
        if (count == sizeof error) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
            child = -1;
        }
    }
    (void)close(ends[0]);
    errno = error;
    return child;
}

pid_t linuxipc_start_program(const struct linuxipc_program *program, int death_signal) {
    struct image image;
    if (prepare(&image, program) < 0)
        return -1;
    pid_t child = start(program, &image, death_signal);
    int error = errno;
    discard(&image);
    errno = error;
    return child;
}

int linuxipc_become_program(const struct linuxipc_program *program) {
    struct image image;
    if (prepare(&image, program) < 0)
        return -1;
    name_pid(&image);
    int count = (int)program->descriptor_count;
    int end = FIRST_DESCRIPTOR + count;
    int error = 0;
    for (int i = 0; i < count; i++) {
        image.scratch[i] = -1;
        image.saved[i] = fcntl(FIRST_DESCRIPTOR + i, F_DUPFD_CLOEXEC, end);
        if (image.saved[i] < 0 && errno != EBADF)
            error = errno;
    }
    if (error == 0) {
        if (place(&image, program->descriptors, (size_t)count) == 0)
            (void)execve(program->path, image.arguments, image.environment);
        error = errno;
        /* Every descriptor of this process was closed on exec before. */
        for (int i = 0; i < count; i++) {
            if (image.saved[i] < 0)
                (void)close(FIRST_DESCRIPTOR + i);
            else
                (void)dup3(image.saved[i], FIRST_DESCRIPTOR + i, O_CLOEXEC);
            if (program->descriptors[i] < end && image.scratch[i] >= 0)
                (void)close(image.scratch[i]);
        }
    }
    for (int i = 0; i < count; i++)
        if (image.saved[i] >= 0)
            (void)close(image.saved[i]);
    discard(&image);
    errno = error;
    return -1;
}

/* MARK: Children and signals */

pid_t linuxipc_ended_child(void) {
    siginfo_t information = {.si_pid = 0};
    if (waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) < 0)
        return errno == ECHILD ? 0 : -1;
    return information.si_pid;
}

int linuxipc_reap_child(pid_t child, int *ret_exit_code, int *ret_signal) {
    int status;
    if (waitpid(child, &status, 0) < 0)
        return -1;
    *ret_exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    *ret_signal = WIFSIGNALED(status) ? WTERMSIG(status) : -1;
    return 0;
}

int linuxipc_send_signal(pid_t process, int signal) { return kill(process, signal); }

int linuxipc_signal_file(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int linuxipc_next_signal(int file) {
    struct signalfd_siginfo information;
    ssize_t count = read(file, &information, sizeof information);
    return count < 0 ? -1 : (int)information.ssi_signo;
}

int linuxipc_forgo_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int linuxipc_set_program_name(const char *name) { return prctl(PR_SET_NAME, name); }
