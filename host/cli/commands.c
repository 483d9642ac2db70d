/* The table of sub-commands, and choosing one of them. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"

#define COMMAND_LIMIT 32

const struct cli_command cli_commands[] = {
    {"run", "MANIFEST...", "run a deployment until it ends or is stopped",
     "Runs the actors of a manifest until its sources have ended and all they sent was handled, or "
     "until it is stopped. SIGTERM and SIGINT drain: sources stop, the rest ends in the order of "
     "the "
     "wires, within stop.timeout; a second one aborts. Further manifests override the first, key "
     "by "
     "key, in order. Keys that are checked and have no effect yet are named on stderr.\v"
     "Examples:\n"
     "  troupe run auth-watch.yaml\n"
     "  AUTH_LOG=/var/log/auth.log troupe run auth-watch.yaml follow.yaml\n",
     1, SIZE_MAX, CLI_RUN, cmd_run},
    {"check", "MANIFEST...", "check it, all of it, without running plugin code",
     "Checks manifests as `run` would read them: keys, values, includes, then actor types, "
     "configs, "
     "ports, wires and plugin files, by what the files say of themselves. No plugin code runs. "
     "Findings go to stderr as file:line:col with the line they are about, all in one run; when "
     "there is no error, stdout says how much there is. The exit status is 78 when the manifest is "
     "invalid.\v"
     "Examples:\n"
     "  troupe check auth-watch.yaml && systemctl restart auth-watch\n"
     "  troupe check --explain auth-watch.yaml site.yaml    # which file says what\n",
     1, SIZE_MAX, CLI_EXPLAIN, cmd_check},
    {"plan", "OLD NEW", "what makes one deployment into another, step by step",
     "Compares two manifests with all that they name, and shows in order what would have to be "
     "done "
     "for a deployment of the first to become one of the second: plugin files reloaded (~), "
     "settings "
     "and policies changed (~), actors added (+), outputs wired anew (~), what takes a restart of "
     "an "
     "actor or of the proc (!), and actors removed (-). Each with the line of the new manifest "
     "that "
     "says so. No plugin code runs, nothing is changed. The exit status is 0 when there is no "
     "difference, 2 when there is one, 78 when a manifest is invalid.\v"
     "Examples:\n"
     "  troupe plan deployed.yaml auth-watch.yaml\n"
     "  troupe plan --quiet deployed.yaml auth-watch.yaml || echo 'it differs'\n",
     2, 2, CLI_NO_EXTRA, cmd_plan},
    {"plugin doctor", "FILE", "what speaks against reloading and unloading it",
     "Says what would make it unsafe to unload a plugin file, or impossible to reload it while its "
     "actors run, why, and which change of the source, the compiler's or the linker's options "
     "cures it; then advice on what could be better. It is read as bytes; none of its code runs. "
     "The exit status is 1 when something speaks against unloading or reloading it, or it is no "
     "plugin.\v"
     "Example:\n"
     "  troupe plugin doctor build/stats.so && cp build/stats.so /usr/lib/troupe/plugins\n",
     1, 1, CLI_NO_EXTRA, cmd_plugin_doctor},
    {"plugin inspect", "FILE", "what a plugin offers, read without loading it",
     "Shows what a plugin file offers: actor types with their ports, message types, config keys "
     "and "
     "state versions, and what the host can and cannot promise for its code. It is read as bytes; "
     "none of its code runs.\v"
     "Example:\n"
     "  troupe plugin inspect build/plugins/stats.so\n",
     1, 1, CLI_NO_EXTRA, cmd_plugin_inspect},
    {"plugin list", "[MANIFEST...]", "the plugins found, and their actor types",
     "Lists the plugin files on the search path and the actor types that each offers: plugins.path "
     "of the manifests, if any are given, then $TROUPE_PLUGIN_PATH, then the install folder. Files "
     "that are refused are listed with the reason. A type that an earlier file offers already is "
     "marked.\v"
     "Example:\n"
     "  troupe plugin list auth-watch.yaml\n",
     0, SIZE_MAX, CLI_NO_EXTRA, cmd_plugin_list},
    {"post-mortem", "FILE|FOLDER...", "what an actor or a process died of",
     "Shows post-mortem files, which a deployment with snapshots.directory writes for each actor "
     "that failed: what happened, who, when, why, the backtrace, the message in hand, what the "
     "actor "
     "did last, its lives before. Of a folder, lists those in it, the newest last.\v"
     "Examples:\n"
     "  troupe post-mortem post-mortem/            # a line each\n"
     "  troupe post-mortem --last post-mortem/     # the newest\n",
     1, SIZE_MAX, CLI_LAST, cmd_post_mortem},
    {"version", "", "the version, and the plugin ABI that it speaks",
     "Says the version of the program, the plugin ABI it speaks, and where plugins are installed.",
     0, 0, CLI_NO_EXTRA, cmd_version},
    {0},
};

/* The words of argv that make up the command's name; 0 when they do not. */
static int match(const struct cli_command *command, int argc, char **argv) {
    const char *space = strchr(command->name, ' ');
    if (!space) {
        return argc > 0 && strcmp(argv[0], command->name) == 0 ? 1 : 0;
    }
    size_t first = (size_t)(space - command->name);
    return argc > 1 && strlen(argv[0]) == first && strncmp(argv[0], command->name, first) == 0 &&
                   strcmp(argv[1], space + 1) == 0
               ? 2
               : 0;
}

static const struct cli_command *find(int argc, char **argv, int *ret_words) {
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        *ret_words = match(command, argc, argv);
        if (*ret_words) {
            return command;
        }
    }
    return NULL;
}

/* Whether `word` is the first word of a command of two. */
static bool is_prefix(const char *word) {
    size_t size = strlen(word);
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        if (strncmp(command->name, word, size) == 0 && command->name[size] == ' ') {
            return true;
        }
    }
    return false;
}

static void add_choices(struct str *text, const char *prefix) {
    const char *separator = "";
    size_t size = strlen(prefix);
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        if (strncmp(command->name, prefix, size) == 0) {
            str_addf(text, "%s'%s'", separator, command->name);
            separator = ", ";
        }
    }
}

static int complain_unknown(int argc, char **argv) {
    const char *names[COMMAND_LIMIT + 1] = {0};
    for (size_t i = 0; cli_commands[i].name && i < COMMAND_LIMIT; i++) {
        names[i] = cli_commands[i].name;
    }
    struct str word;
    struct str text;
    str_init(&word);
    str_init(&text);
    bool prefix = is_prefix(argv[0]);
    bool second = prefix && argc > 1 && argv[1][0] != '-';
    str_addf(&word, "%s%s%s", argv[0], second ? " " : "", second ? argv[1] : "");
    const char *nearest = prefix && !second ? NULL : str_nearest(str_text(&word), names);
    if (nearest) {
        str_addf(&text, "troupe: there is no command '%s'; did you mean '%s'?\n", str_text(&word),
                 nearest);
    } else {
        str_addf(&text, "troupe: there is no command '%s'; there are ", str_text(&word));
        add_choices(&text, prefix ? argv[0] : "");
        str_add_char(&text, '\n');
    }
    str_add(&text, "Try 'troupe --help'.\n");
    cli_complain(&text);
    str_fini(&text);
    str_fini(&word);
    return CLI_USAGE;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0;
}

/* `troupe plugin --help`: there is no such command, but there are some. */
static int show_family(const char *prefix) {
    struct str text;
    str_init(&text);
    size_t size = strlen(prefix);
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        if (strncmp(command->name, prefix, size) == 0) {
            str_addf(&text, "troupe %s %s\n  %s\n", command->name, command->arguments,
                     command->summary);
        }
    }
    int status = cli_print(&text, CLI_OK);
    str_fini(&text);
    return status;
}

int cli_main(int argc, char **argv) {
    static char name[] = "troupe"; /* what argp's sentences begin with */
    argv[0] = name;
    cli_guard_output();
    struct cli cli = {0};
    int at = cli_parse_global(&cli, argc, argv);
    int words = 0;
    const struct cli_command *command = find(argc - at, argv + at, &words);
    if (!command && argc - at > 1 && is_prefix(argv[at]) && is_help(argv[at + 1])) {
        return show_family(argv[at]);
    }
    if (!command) {
        return complain_unknown(argc - at, argv + at);
    }
    cli_parse_command(&cli, command, argc - at - words + 1, argv + at + words - 1);
    return command->run(&cli);
}
