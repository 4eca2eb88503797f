/* Prints the sentence that `parent` has shared.
 *
 * cc -o child child.c $(pkg-config --cflags --libs sharedmem) */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <wchar.h>

#include <sharedmem.h>

int main(void) {
    wchar_t sentence[256];
    setlocale(LC_CTYPE, "");
    errno = 0;
    GetSharedMem(sentence, sizeof sentence / sizeof *sentence);
    if (errno != 0) {
        fprintf(stderr, "child: can't read the sentence: %s\n", sharedmem_strerror(errno));
        return 1;
    }
    if (sentence[0] == 0) {
        fprintf(stderr, "child: nothing is shared; the program 'parent' shares something\n");
        return 1;
    }
    if (fputws(sentence, stdout) < 0 || putwchar(L'\n') == WEOF) {
        fprintf(stderr, "child: the locale has no such characters; set LC_ALL=C.UTF-8\n");
        return 1;
    }
    return 0;
}
