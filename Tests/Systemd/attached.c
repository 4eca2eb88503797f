/* Attaches to the segment default once, then sets each line of its input there, gets it back and prints it. */
#include <stdio.h>
#include <string.h>

#include <sharedmem.h>

/* Says what failed, and returns what to exit with. */
static int failed(const char *call, int error) {
    fprintf(stderr, "attached: %s: %s\n", call, sharedmem_strerror(error));
    return 1;
}

int main(void) {
    char line[256], value[256];
    size_t length;
    int error;
    sharedmem_segment *segment;
    error = sharedmem_open(NULL, "default", SHAREDMEM_READ_WRITE, &segment);
    if (error != 0) return failed("open", error);
    while (fgets(line, sizeof line, stdin) != NULL) {
        error = sharedmem_set(segment, "attached", 8, line, strlen(line), NULL);
        if (error != 0) return failed("set", error);
        error = sharedmem_get(segment, "attached", 8, value, sizeof value, &length, NULL);
        if (error != 0) return failed("get", error);
        if (fwrite(value, 1, length, stdout) != length || fflush(stdout) != 0) return 1;
    }
    sharedmem_close(segment);
    return 0;
}
