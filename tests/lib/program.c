/* Running a program in a test. */
#include "lib/test.h"

#include "lib/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/temp.h"
#include "lib/wait.h"

static void direct(int fd, const char *folder, const char *name, int flags) {
    char *path = folder ? test_path(folder, name) : NULL;
    int file = open(path ? path : name, flags, 0600);
    if (file < 0 || dup2(file, fd) < 0) {
        _exit(126);
    }
    free(path);
}

static void change(const char *const *variables) {
    for (; variables && *variables; variables++) {
        char *copy = strdup(*variables);
        if (!copy || (strchr(copy, '=') ? putenv(copy) : unsetenv(copy)) != 0) {
            _exit(126);
        }
    }
}

void test_program_start(struct test_started *started, const char *const *words,
                        const char *const *variables) {
    started->folder = test_temp_create();
    started->pid = fork();
    assert_true(started->pid >= 0);
    if (started->pid == 0) {
        direct(STDIN_FILENO, NULL, "/dev/null", O_RDONLY);
        direct(STDOUT_FILENO, started->folder, "out", O_WRONLY | O_CREAT | O_APPEND);
        direct(STDERR_FILENO, started->folder, "err", O_WRONLY | O_CREAT | O_APPEND);
        change(variables);
        (void)alarm(110); /* outlives exec: nothing is left behind when the test has given up */
        (void)execv(words[0], (char *const *)words);
        _exit(127);
    }
}

static char *read_output(const struct test_started *started, const char *name, bool runs) {
    char *path = test_path(started->folder, name);
    char *text = access(path, F_OK) != 0 ? strdup("")
                 : runs                  ? test_read_lines(path)
                                         : test_read_file(path, NULL);
    free(path);
    return text;
}

char *test_program_peek(const struct test_started *started) {
    return read_output(started, "out", true);
}

char *test_program_peek_errors(const struct test_started *started) {
    return read_output(started, "err", true);
}

struct ending {
    pid_t pid;
    int status;
};

static bool has_ended(void *context) {
    struct ending *ending = context;
    return waitpid(ending->pid, &ending->status, WNOHANG) == ending->pid;
}

void test_program_wait(struct test_started *started, struct test_program *ret) {
    struct ending ending = {started->pid, 0};
    test_wait_until(has_ended, &ending);
    ret->status =
        WIFEXITED(ending.status) ? WEXITSTATUS(ending.status) : 128 + WTERMSIG(ending.status);
    ret->out = read_output(started, "out", false);
    ret->err = read_output(started, "err", false);
    test_temp_remove(started->folder);
    started->folder = NULL;
    if (ret->status == 126 || ret->status == 127) {
        fail_msg("the program did not start");
    }
}

void test_program_run(struct test_program *program, const char *const *words,
                      const char *const *variables) {
    struct test_started started;
    test_program_start(&started, words, variables);
    test_program_wait(&started, program);
}

void test_program_fini(struct test_program *program) {
    free(program->out);
    free(program->err);
    *program = (struct test_program){0};
}
