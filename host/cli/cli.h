/* The command `troupe`: sub-commands in a table, options common to all, where output goes.
 *
 * Results go to stdout, everything else to stderr. With --format json stdout holds exactly one JSON
 * value; except for `run`, whose stdout belongs to the actors. A sub-command returns the exit status
 * of the program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* the deployment, or what else was asked for */
    CLI_USAGE = 2,
    CLI_DIFFERENT = 2, /* plan: as tools that compare have it */
    CLI_INVALID = 78   /* the manifest; EX_CONFIG of sysexits.h */
};

enum cli_colour { CLI_COLOUR_AUTO, CLI_COLOUR_ALWAYS, CLI_COLOUR_NEVER };

struct cli {
    bool json;
    bool quiet;
    enum cli_colour colour;
    bool explain;              /* check */
    bool last;                 /* post-mortem */
    bool watch;                /* run */
    unsigned long long shadow; /* run; 0: as the manifest says */
    const char **files;        /* the arguments behind the command's name; argv's */
    size_t file_count;
};

/* The option that a command has beside the common ones. */
enum cli_extra { CLI_NO_EXTRA, CLI_EXPLAIN, CLI_LAST, CLI_RUN };

struct cli_command {
    const char *name;      /* "plugin list": one word or two */
    const char *arguments; /* "MANIFEST..." */
    const char *summary;   /* one line, for the list of commands */
    const char *help;      /* the paragraphs of --help */
    size_t least, most;    /* arguments */
    enum cli_extra extra;
    int (*run)(const struct cli *cli);
};

/* Ends with name NULL. */
extern const struct cli_command cli_commands[];

int cmd_run(const struct cli *cli);
int cmd_check(const struct cli *cli);
int cmd_plan(const struct cli *cli);
int cmd_plugin_doctor(const struct cli *cli);
int cmd_plugin_inspect(const struct cli *cli);
int cmd_plugin_list(const struct cli *cli);
int cmd_post_mortem(const struct cli *cli);
int cmd_version(const struct cli *cli);

int cli_main(int argc, char **argv);

/* Parses what stands behind a command's name; leaves the program on --help and wrong usage. */
void cli_parse_command(struct cli *cli, const struct cli_command *command, int argc, char **argv);
/* Parses what stands before it. Returns the index of the command's name. */
int cli_parse_global(struct cli *cli, int argc, char **argv);

/* Writes all of it; -1 with errno. */
int cli_write(int fd, const char *data, size_t size);
/* Whether stderr gets colours: as asked, else when it is a terminal and NO_COLOR is not set. */
bool cli_has_colour(const struct cli *cli);
/* The same for stdout. */
bool cli_has_colour_out(const struct cli *cli);
