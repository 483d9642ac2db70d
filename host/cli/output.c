/* Results and errors of sub-commands. */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "manifest/manifest.h"

int cli_print(const struct str *text, int status) {
    struct err err = {0};
    if (text->failed) {
        (void)err_set(&err, ERR_NOMEM, "no memory for the output");
    } else if (cli_write(STDOUT_FILENO, str_text(text), text->size) < 0) {
        (void)err_errno(&err, ERR_IO, errno, "cannot write to stdout");
    } else {
        return status;
    }
    cli_fail(&err);
    return CLI_FAILED;
}

void cli_complain(const struct str *text) {
    (void)cli_write(STDERR_FILENO, str_text(text), text->size);
}

void cli_fail(const struct err *err) {
    struct str text;
    str_init(&text);
    str_addf(&text, "troupe: %s\n", err->text);
    cli_complain(&text);
    str_fini(&text);
}

int cli_fail_as_asked(const struct cli *cli, const struct err *err) {
    if (!cli->json) {
        cli_fail(err);
        return CLI_FAILED;
    }
    struct diags diags;
    struct str text;
    diags_init(&diags);
    str_init(&text);
    diags_add(&diags, DIAG_ERROR, (struct mark){0}, "%s", err->text);
    str_add(&text, "{\"ok\":false,\n\"findings\":");
    diags_json(&diags, &text);
    str_add(&text, "}\n");
    int status = cli_print(&text, CLI_FAILED);
    str_fini(&text);
    diags_fini(&diags);
    return status;
}

/* What argp writes, it writes by stdio. */
static void flush_stdout(void) {
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return;
    }
    struct err err;
    (void)err_errno(&err, ERR_IO, errno, "cannot write to stdout");
    cli_fail(&err);
    _exit(CLI_FAILED);
}

void cli_guard_output(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            /* the wrong way round, so that using it still fails */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
    (void)atexit(flush_stdout);
}
