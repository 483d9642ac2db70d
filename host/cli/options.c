/* Options, by argp: those of every command, and those of one. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/output.h"

enum {
    OPTION_FORMAT = 0x100,
    OPTION_COLOUR,
    OPTION_EXPLAIN,
    OPTION_LAST,
    OPTION_WATCH,
    OPTION_SHADOW
};

#define NAME_ROOM 64
#define SHADOW_MOST 1000000000ull /* as the manifest has it */

static const char exit_statuses[] =
    "Exit status: 0 when it ended well, 1 when the deployment failed, 2 for wrong usage, 78 for an "
    "invalid manifest.";

static const struct argp_option common_options[] = {
    {"format", OPTION_FORMAT, "FORMAT", 0, "Write results as text (the default) or json", 1},
    {"quiet", 'q', NULL, 0, "Write only errors and what was asked for", 1},
    {"color", OPTION_COLOUR, "WHEN", 0,
     "Colour messages: auto (the default: on a terminal, unless NO_COLOR is set), always or never",
     1},
    {"colour", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 1},
    {0},
};

static const struct argp_option explain_options[] = {
    {"explain", OPTION_EXPLAIN, NULL, 0,
     "Show every effective value and where it comes from: file:line:col, or built in", 0},
    {0},
};

static const struct argp_option last_options[] = {
    {"last", OPTION_LAST, NULL, 0, "Of a folder, show the newest instead of a list", 0},
    {0},
};

static const struct argp_option run_options[] = {
    {"watch", OPTION_WATCH, NULL, 0, "Reload plugin files when they change, as on SIGHUP", 0},
    {"shadow", OPTION_SHADOW, "N", 0,
     "Before a reload, have the new code handle copies of the next N live messages beside the old, "
     "and refuse it when it does something else",
     0},
    {0},
};

static const struct argp_option *const extra_options[] = {[CLI_RUN] = run_options,
                                                          [CLI_NO_EXTRA] = NULL,
                                                          [CLI_EXPLAIN] = explain_options,
                                                          [CLI_LAST] = last_options};

static void set_format(struct cli *cli, const char *text, const struct argp_state *state) {
    if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0) {
        argp_error(state, "'%s' is no format; write text or json", text);
    }
    cli->json = strcmp(text, "json") == 0;
}

static void set_colour(struct cli *cli, const char *text, const struct argp_state *state) {
    static const char *const words[] = {
        [CLI_COLOUR_AUTO] = "auto", [CLI_COLOUR_ALWAYS] = "always", [CLI_COLOUR_NEVER] = "never"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            cli->colour = (enum cli_colour)i;
            return;
        }
    }
    argp_error(state, "'%s' does not say when; write auto, always or never", text);
}

static void set_shadow(struct cli *cli, const char *text, const struct argp_state *state) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number == 0 || number > SHADOW_MOST) {
        argp_error(state, "'%s' is no number of messages; write 1 to %llu", text, SHADOW_MOST);
    }
    cli->shadow = number;
}

static error_t parse_common(int key, char *arg, struct argp_state *state) {
    struct cli *cli = state->input;
    switch (key) {
    case OPTION_FORMAT:
        set_format(cli, arg, state);
        return 0;
    case OPTION_COLOUR:
        set_colour(cli, arg, state);
        return 0;
    case 'q':
        cli->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp common = {.options = common_options, .parser = parse_common};
static const struct argp_child common_children[] = {{&common, 0, NULL, 0}, {0}};

/* ------------------------------------------------------- behind the command's name */

struct command_input {
    struct cli *cli;
    const struct cli_command *command;
};

/* argp hands out arguments when all options are behind it, so the front of argv is free by then. */
static void add_file(const struct command_input *input, const char *arg,
                     const struct argp_state *state) {
    struct cli *cli = input->cli;
    if (cli->file_count == input->command->most) {
        argp_error(state, "'%s' is one argument too many", arg);
    }
    cli->files[cli->file_count++] = arg;
}

static error_t parse_command(int key, char *arg, struct argp_state *state) {
    struct command_input *input = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = input->cli;
        return 0;
    case OPTION_EXPLAIN:
        input->cli->explain = true;
        return 0;
    case OPTION_LAST:
        input->cli->last = true;
        return 0;
    case OPTION_WATCH:
        input->cli->watch = true;
        return 0;
    case OPTION_SHADOW:
        set_shadow(input->cli, arg, state);
        return 0;
    case ARGP_KEY_ARG:
        add_file(input, arg, state);
        return 0;
    case ARGP_KEY_END:
        if (input->cli->file_count < input->command->least) {
            argp_error(state, "an argument is missing: %s", input->command->arguments);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *add_exit_statuses(int key, const char *text, void *input) {
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) {
        return (char *)text;
    }
    struct str all;
    str_init(&all);
    str_addf(&all, "%s%s%s", text ? text : "", text ? "\n" : "", exit_statuses);
    return str_take(&all);
}

void cli_parse_command(struct cli *cli, const struct cli_command *command, int argc, char **argv) {
    struct command_input input = {cli, command};
    char name[NAME_ROOM];
    (void)snprintf(name, sizeof name, "troupe %s", command->name);
    argv[0] = name; /* what argp's sentences begin with */
    cli->files = (const char **)argv + 1;
    struct argp argp = {
        .options = extra_options[command->extra],
        .parser = parse_command,
        .args_doc = command->arguments,
        .doc = command->help,
        .children = common_children,
        .help_filter = add_exit_statuses,
    };
    (void)argp_parse(&argp, argc, argv, 0, NULL, &input);
}

/* ------------------------------------------------------- before it */

struct global_input {
    struct cli *cli;
    int at;
};

static error_t parse_global(int key, char *arg, struct argp_state *state) {
    struct global_input *input = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = input->cli;
        return 0;
    case ARGP_KEY_ARG: /* the command: what follows is its own */
        input->at = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *list_commands(int key, const char *text, void *input) {
    (void)input;
    if (key != ARGP_KEY_HELP_PRE_DOC) {
        return (char *)text;
    }
    struct str all;
    str_init(&all);
    str_addf(&all, "%s\n\nCommands ('troupe COMMAND --help' says more):\n", text);
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        char usage[NAME_ROOM];
        (void)snprintf(usage, sizeof usage, "%s %s", command->name, command->arguments);
        str_addf(&all, "  %-27s %s\n", usage, command->summary);
    }
    return str_take(&all);
}

int cli_parse_global(struct cli *cli, int argc, char **argv) {
    static const char doc[] =
        "Troupe runs actors from shared objects, wired by a manifest."
        "\v"
        "Environment:\n"
        "  TROUPE_PLUGIN_PATH  further folders with plugins, ':' between them\n"
        "  STATE_DIRECTORY     where relative paths of state go, as systemd sets it\n"
        "  RUNTIME_DIRECTORY   where relative paths of sockets go\n"
        "  NO_COLOR            when set: no colours unless asked\n"
        "\n"
        "Exit status: 0 when it ended well, 1 when the deployment failed, 2 for wrong usage, 78 "
        "for "
        "an invalid manifest.";
    struct global_input input = {cli, argc};
    const struct argp argp = {
        .parser = parse_global,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = doc,
        .children = common_children,
        .help_filter = list_commands,
    };
    argp_program_version = "troupe " TROUPE_VERSION_TEXT;
    argp_err_exit_status = CLI_USAGE;
    (void)argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &input);
    return input.at;
}
