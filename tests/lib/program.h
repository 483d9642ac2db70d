/* Running a program in a test: what it wrote, how it ended. Fails the test when it cannot start, or
 * does not end within half a minute. */
#pragma once

#include <sys/types.h>

struct test_program {
    int status; /* of exit; 128 + the signal that ended it */
    char *out;  /* stdout, NUL-terminated */
    char *err;  /* stderr */
};

/* `words` are the program's path and its arguments, ending with NULL; `variables` ("NAME=value", or
 * "NAME" to unset; ending with NULL, or NULL) change the environment. stdin is empty. */
void test_program_run(struct test_program *program, const char *const *words,
                      const char *const *variables);
void test_program_fini(struct test_program *program);

/* The same in two parts, for signals in between. */
struct test_started {
    pid_t pid;
    char *folder; /* where its output gathers */
};
void test_program_start(struct test_started *started, const char *const *words,
                        const char *const *variables);
/* The lines that it has written to stdout by now; freed by the caller. */
char *test_program_peek(const struct test_started *started);
/* The same, to stderr. */
char *test_program_peek_errors(const struct test_started *started);
void test_program_wait(struct test_started *started, struct test_program *ret);
