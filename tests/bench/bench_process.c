/* Runs a command and says how long it took, what it used, how large it became.
 *
 * usage: bench_process SHAPE WORKERS first|all LINES COMMAND...
 * `first`: until its first line on stdout, then it is waited for; `all`: until it has ended. LINES is
 * what it had to read: told is the rate then; 0: told is the time. Prints lines "shape workers name
 * value". What the command prints is read and thrown away; it has to leave with 0. */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

extern char **environ;

struct outcome {
    double ns;       /* until the end */
    double first_ns; /* until the first line; 0: there was none */
    struct rusage usage;
};

static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Starts the command with its stdout on `out`. */
static int start(char **command, int out, int other_end, pid_t *ret) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        (void)posix_spawn_file_actions_addclose(&actions, out);
        (void)posix_spawn_file_actions_addclose(&actions, other_end);
        error = posix_spawnp(ret, command[0], &actions, NULL, command, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    return error;
}

/* Reads all that comes; returns when the first line was there, 0 for never. */
static uint64_t drain(int in) {
    char text[65536];
    uint64_t first = 0;
    for (;;) {
        ssize_t size = read(in, text, sizeof text);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return first;
        }
        if (first == 0 && memchr(text, '\n', (size_t)size)) {
            first = now_ns();
        }
    }
}

static int run(char **command, struct outcome *ret) {
    int ends[2];
    int status;
    pid_t child;
    if (pipe(ends) < 0) {
        return errno;
    }
    uint64_t begin = now_ns();
    int error = start(command, ends[1], ends[0], &child);
    (void)close(ends[1]);
    if (error == 0) {
        uint64_t first = drain(ends[0]);
        ret->first_ns = first ? (double)(first - begin) : 0;
        error = wait4(child, &status, 0, &ret->usage) < 0 ? errno : 0;
        ret->ns = (double)(now_ns() - begin);
    }
    (void)close(ends[0]);
    if (error == 0 && status != 0) {
        (void)fprintf(stderr, "bench_process: '%s' left with status %#x\n", command[0],
                      (unsigned)status);
        return ECANCELED;
    }
    return error;
}

int main(int argc, char **argv) {
    struct outcome outcome = {0};
    bool first = argc > 5 && strcmp(argv[3], "first") == 0;
    if (argc < 6 || (!first && strcmp(argv[3], "all") != 0)) {
        (void)fprintf(stderr,
                      "usage: bench_process SHAPE WORKERS first|all LINES COMMAND [ARGUMENT...]\n");
        return 2;
    }
    int error = run(argv + 5, &outcome);
    if (error == 0 && first && outcome.first_ns == 0) {
        error = ENODATA;
    }
    if (error) {
        (void)fprintf(stderr, "bench_process: %s: %s\n", argv[5], strerror(error));
        return 1;
    }
    double lines = (double)strtoull(argv[4], NULL, 10);
    double cpu = seconds(outcome.usage.ru_utime) + seconds(outcome.usage.ru_stime);
    if (lines > 0) {
        (void)printf("%s %s per_s %.6g\n", argv[1], argv[2], lines * 1e9 / outcome.ns);
    } else {
        (void)printf("%s %s ms %.6g\n", argv[1], argv[2],
                     (first ? outcome.first_ns : outcome.ns) / 1e6);
    }
    (void)printf("%s %s cpu %.6g\n", argv[1], argv[2], cpu * 1e9 / outcome.ns);
    (void)printf("%s %s rss_kb %ld\n", argv[1], argv[2], outcome.usage.ru_maxrss);
    return 0;
}
