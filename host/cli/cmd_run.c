/* troupe run: a deployment from its manifests to its end.
 *
 * stdout belongs to the actors. Whatever the host has to say goes to stderr: findings before anything
 * runs, then the log; with --format json all of it as log records, one JSON object a line. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/deploy.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/checked.h"

static void init_log(const struct cli *cli, const struct manifest *manifest, struct log *log) {
    int level = manifest ? manifest->log_level : LOG_INFO;
    int format = manifest ? manifest->log_format : LOG_TEXT;
    log_init(log, STDERR_FILENO, cli->quiet ? LOG_ERROR : (enum log_level)level,
             cli->json ? LOG_JSON : (enum log_format)format, clock_system());
    log->colour = cli_has_colour(cli);
}

static void log_place(struct log *log, enum log_level level, struct mark mark, const char *text) {
    if (mark.file && mark.line) {
        log_write(log, level, NULL, "%s:%" PRIu32 ":%" PRIu32 ": %s", mark.file, mark.line,
                  mark.column, text);
    } else {
        log_write(log, level, NULL, "%s", text);
    }
}

static void log_findings(const struct checked *checked, struct log *log) {
    static const enum log_level levels[] = {
        [DIAG_ERROR] = LOG_ERROR, [DIAG_WARNING] = LOG_WARN, [DIAG_NOTE] = LOG_INFO};
    for (size_t i = 0; checked->manifest && i < checked->diags.count; i++) {
        const struct diag *diag = &checked->diags.items[i];
        log_place(log, levels[diag->severity], diag->mark, diag->text);
    }
    if (checked->err.code != ERR_NONE) {
        log_write(log, LOG_ERROR, NULL, "%s", checked->err.text);
    }
}

static void log_unused(const struct manifest *manifest, struct log *log) {
    for (size_t i = 0; i < manifest->unused_count; i++) {
        const struct manifest_unused *unused = &manifest->unused[i];
        char text[96];
        (void)snprintf(text, sizeof text, "'%s' is checked, but has no effect yet", unused->key);
        log_place(log, LOG_WARN, unused->mark, text);
    }
}

/* The failure itself has been logged when it happened. */
static int report(const struct supervisor_result *result, struct log *log) {
    if (result->aborted || result->left) {
        log_write(log, LOG_ERROR, NULL,
                  "aborted: %" PRIu64 " message%s became dead letters; not ended in time: %s",
                  result->left, result->left == 1 ? "" : "s",
                  result->unfinished[0] ? result->unfinished : "none");
    }
    return result->failed || result->aborted || result->left ? CLI_FAILED : CLI_OK;
}

static int run(const struct checked *checked, struct log *log) {
    const struct deploy_options options = {.log = log, .handle_signals = true};
    struct deploy *deploy = NULL;
    struct err err = {0};
    if (deploy_create(checked->plan, checked->types, &options, &deploy, &err) < 0 ||
        deploy_start(deploy, &err) < 0) {
        log_write(log, LOG_ERROR, NULL, "%s", err.text);
        deploy_destroy(deploy);
        return CLI_FAILED;
    }
    struct supervisor_result result;
    deploy_wait(deploy, &result);
    int status = report(&result, log);
    deploy_log_losses(deploy, log);
    if (result.stuck) {
        _exit(status); /* threads that cannot be joined may still use what we would free */
    }
    deploy_destroy(deploy);
    return status;
}

int cmd_run(const struct cli *cli) {
    struct checked checked;
    struct log log;
    int status = checked_load_files(&checked, cli);
    init_log(cli, checked.manifest, &log);
    if (cli->json) {
        log_findings(&checked, &log);
    } else {
        checked_complain(cli, &checked);
    }
    if (status == CLI_OK) {
        log_unused(checked.manifest, &log);
        status = run(&checked, &log);
    }
    checked_fini(&checked);
    return status;
}
