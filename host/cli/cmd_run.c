/* troupe run: a deployment from its manifests to its end.
 *
 * A program that embeds libtroupe like any other: it sees the public headers alone (tests/style holds it
 * to that). stdout belongs to the actors. Whatever the host has to say goes to stderr: findings before
 * anything runs, then the log; with --format json all of it as log records, one JSON object a line. */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <troupe/reload.h>

#include "cli/cli.h"

/* How long a reload may take to notice that its proc has ended. */
#define RELOAD_ENDS_NS (10 * UINT64_C(1000000000))

struct run {
    const struct cli *cli;
    struct troupe_proc *proc;
    struct troupe_error error;
    bool is_invalid;  /* the manifest is */
    bool has_shown;   /* a finding, with its line */
    bool has_colours; /* stderr */
};

static void say(const char *text) {
    (void)cli_write(STDERR_FILENO, text, strlen(text));
}

static void log_finding(const struct run *run, const struct troupe_finding *finding) {
    static const uint32_t levels[] = {[TROUPE_FINDING_ERROR] = TROUPE_LOG_ERROR,
                                      [TROUPE_FINDING_WARNING] = TROUPE_LOG_WARN,
                                      [TROUPE_FINDING_NOTE] = TROUPE_LOG_INFO};
    char text[4096];
    int size;
    if (finding->line) {
        size = snprintf(text, sizeof text, "%.*s:%u:%u: %.*s", TROUPE_STR_ARG(finding->file),
                        finding->line, finding->column, TROUPE_STR_ARG(finding->text));
    } else {
        size = snprintf(text, sizeof text, "%.*s", TROUPE_STR_ARG(finding->text));
    }
    if (size >= 0) {
        troupe_proc_log(run->proc, levels[finding->severity], troupe_str(text));
    }
}

/* As compilers do: "file:line:col: error: text", the line, a caret. */
static void show_finding(const struct run *run, const struct troupe_finding *finding) {
#define WORD(name, value, text) [TROUPE_FINDING_##name] = (text),
    static const char *const words[] = {TROUPE_SEVERITIES(WORD)};
#undef WORD
    static const char *const colours[] = {[TROUPE_FINDING_ERROR] = "\x1b[1;31m",
                                          [TROUPE_FINDING_WARNING] = "\x1b[1;33m",
                                          [TROUPE_FINDING_NOTE] = "\x1b[1;36m"};
    bool colour = run->has_colours;
    char text[8192];
    char place[32] = "";
    if (finding->line) {
        (void)snprintf(place, sizeof place, ":%u:%u", finding->line, finding->column);
    }
    (void)snprintf(text, sizeof text, "%.*s%s%s%s%s:%s %.*s\n", TROUPE_STR_ARG(finding->file),
                   place, finding->file.size ? ": " : "", colour ? colours[finding->severity] : "",
                   words[finding->severity], colour ? "\x1b[0m" : "",
                   TROUPE_STR_ARG(finding->text));
    say(text);
    if (finding->excerpt.data) {
        (void)snprintf(text, sizeof text, "%.*s\n%.*s%s\n", TROUPE_STR_ARG(finding->excerpt),
                       TROUPE_STR_ARG(finding->margin), colour ? "\x1b[1;32m^\x1b[0m" : "^");
        say(text);
    }
}

static void take_finding(void *context, const struct troupe_finding *finding) {
    struct run *run = context;
    bool is_error = finding->severity == TROUPE_FINDING_ERROR;
    run->is_invalid |= is_error;
    if (run->cli->json) {
        log_finding(run, finding);
    } else if (is_error || !run->cli->quiet) {
        show_finding(run, finding);
    }
}

static int32_t start(struct run *run) {
    const struct cli *cli = run->cli;
    const struct troupe_options options = {.size = sizeof options,
                                           .flags = TROUPE_SIGNALS | TROUPE_ACTORS,
                                           .log_level = cli->quiet ? 1 + TROUPE_LOG_ERROR : 0,
                                           .log_format = cli->json ? TROUPE_FORMAT_JSON : 0,
                                           .log_colour = run->has_colours ? TROUPE_COLOUR_ALWAYS
                                                                          : TROUPE_COLOUR_NEVER,
                                           .finding = take_finding,
                                           .finding_context = run,
                                           .shadow = cli->shadow};
    int32_t status = troupe_proc_create(&options, &run->proc, &run->error);
    for (size_t i = 0; status == TROUPE_OK && i < cli->file_count; i++) {
        status = troupe_proc_load_file(run->proc, cli->files[i], &run->error);
    }
    return status == TROUPE_OK ? troupe_proc_start(run->proc, &run->error) : status;
}

/* --- SIGHUP --- */

/* Takes the signal, reloads, and takes the next, for as long as the process lives. What comes of it is logged. */
static void *reload_on_signal(void *argument) {
    struct troupe_weak_proc *weak = argument;
    sigset_t signals;
    int number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    while (sigwait(&signals, &number) == 0) {
        struct troupe_proc *proc = troupe_weak_proc_upgrade(weak);
        if (!proc) {
            break;
        }
        (void)troupe_proc_reload(proc, NULL, NULL, NULL);
        troupe_proc_unref(proc);
    }
    troupe_weak_proc_free(weak);
    return NULL;
}

/* Before there are threads: then none of them takes it, and one that comes early waits. */
static void block_signal(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* A reload that is at work has a handle, too: what it uses must not end with the process before it does. */
static bool destroy(const struct run *run) {
    struct troupe_weak_proc *weak = troupe_proc_weak(run->proc);
    (void)troupe_proc_destroy(run->proc, TROUPE_FOR_EVER, NULL, NULL);
    bool is_gone = weak && troupe_weak_proc_wait(weak, RELOAD_ENDS_NS, NULL) == TROUPE_OK;
    troupe_weak_proc_free(weak);
    return is_gone;
}

static void take_signal(const struct run *run) {
    pthread_t thread;
    struct troupe_weak_proc *weak = troupe_proc_weak(run->proc);
    if (!weak || pthread_create(&thread, NULL, reload_on_signal, weak) != 0) {
        troupe_weak_proc_free(weak);
        troupe_proc_log(run->proc, TROUPE_LOG_WARN,
                        troupe_str("SIGHUP will not reload: there is no thread for it"));
        return;
    }
    (void)pthread_detach(thread);
}

static int fail_to_start(struct run *run) {
    if (!run->is_invalid && run->proc) {
        troupe_proc_log(run->proc, TROUPE_LOG_ERROR, troupe_str(run->error.text));
    } else if (!run->is_invalid) {
        say(run->error.text);
        say("\n");
    }
    troupe_proc_unref(run->proc);
    return run->is_invalid ? CLI_INVALID : CLI_FAILED;
}

int cmd_run(const struct cli *cli) {
    struct run run = {.cli = cli, .has_colours = cli_has_colour(cli)};
    struct troupe_end *end = NULL;
    block_signal();
    if (start(&run) < 0) {
        return fail_to_start(&run);
    }
    take_signal(&run);
    if (cli->watch && troupe_proc_watch(run.proc, &run.error) < 0) {
        troupe_proc_log(run.proc, TROUPE_LOG_WARN, troupe_str(run.error.text));
    }
    if (troupe_proc_wait(run.proc, TROUPE_FOR_EVER, &end, &run.error) < 0) {
        troupe_proc_log(run.proc, TROUPE_LOG_ERROR, troupe_str(run.error.text));
    }
    int status = end && troupe_end_status(end) == TROUPE_OK ? CLI_OK : CLI_FAILED;
    if (end && troupe_end_is_stuck(end)) {
        _exit(status); /* threads that cannot be joined may still use what we would free */
    }
    troupe_end_free(end);
    if (!destroy(&run)) {
        say("troupe: a reload is still at work 10 s after the end; its plugin hangs; left "
            "behind\n");
        _exit(status);
    }
    return status;
}
