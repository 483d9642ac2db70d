/* Where output goes, and in which colours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int cli_write(int fd, const char *data, size_t size) {
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

static bool has_colour(const struct cli *cli, int fd) {
    if (cli->colour != CLI_COLOUR_AUTO) {
        return cli->colour == CLI_COLOUR_ALWAYS;
    }
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return !(refused && *refused) && !(terminal && strcmp(terminal, "dumb") == 0) && isatty(fd);
}

bool cli_has_colour(const struct cli *cli) {
    return has_colour(cli, STDERR_FILENO);
}

bool cli_has_colour_out(const struct cli *cli) {
    return has_colour(cli, STDOUT_FILENO);
}
