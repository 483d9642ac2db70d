/* Where output goes, and in which colours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static int write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return -1;
        }
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

int cli_print(const struct str *text, int status) {
    struct err err = {0};
    if (text->failed) {
        (void)err_set(&err, ERR_NOMEM, "no memory for the output");
    } else if (write_all(STDOUT_FILENO, str_text(text), text->size) < 0) {
        (void)err_errno(&err, ERR_IO, errno, "cannot write to stdout");
    } else {
        return status;
    }
    cli_fail(&err);
    return CLI_FAILED;
}

void cli_complain(const struct str *text) {
    (void)write_all(STDERR_FILENO, str_text(text), text->size);
}

void cli_fail(const struct err *err) {
    struct str text;
    str_init(&text);
    str_addf(&text, "troupe: %s\n", err->text);
    cli_complain(&text);
    str_fini(&text);
}

bool cli_has_colour(const struct cli *cli) {
    if (cli->colour != CLI_COLOUR_AUTO) {
        return cli->colour == CLI_COLOUR_ALWAYS;
    }
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return !(refused && *refused) && !(terminal && strcmp(terminal, "dumb") == 0) &&
           isatty(STDERR_FILENO);
}
