/* troupe post-mortem: what an actor or a process died of. */
#include <sys/stat.h>

#include "cli/output.h"
#include "inspect/post_mortem.h"

struct report {
    const struct cli *cli;
    bool colour;
    struct str out;
    int status;
};

static void fail(struct report *report, const struct err *err) {
    cli_fail(err);
    report->status = CLI_FAILED;
}

static void show_file(struct report *report, const char *path) {
    struct post_mortem *pm = NULL;
    struct err err;
    if (post_mortem_read(path, &pm, &err) < 0) {
        fail(report, &err);
        return;
    }
    if (report->cli->json) {
        post_mortem_json(pm, &report->out);
    } else {
        post_mortem_text(pm, report->colour, &report->out);
    }
    post_mortem_destroy(pm);
}

static void show_list(struct report *report, const struct post_mortem_list *list,
                      const char *folder) {
    struct str *out = &report->out;
    if (report->cli->json) {
        str_add_char(out, '[');
        for (size_t i = 0; i < list->count; i++) {
            str_addf(out, "%s\n  %s", i ? "," : "", list->items[i].json);
        }
        str_add(out, list->count ? "\n]" : "]");
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        str_add(out, list->items[i].line);
    }
    if (list->count == 0 && !report->cli->quiet) {
        str_addf(out, "there is no post-mortem in '%s'\n", folder);
    }
}

static void show_folder(struct report *report, const char *folder) {
    struct post_mortem_list list;
    struct err err;
    if (post_mortem_list(folder, report->colour, &list, &err) < 0) {
        fail(report, &err);
        return;
    }
    for (size_t i = 0; i < list.error_count; i++) {
        fail(report, &list.errors[i]);
    }
    if (!report->cli->last) {
        show_list(report, &list, folder);
    } else if (list.count > 0) {
        show_file(report, list.items[list.count - 1].path);
    } else {
        (void)err_set(&err, ERR_NOT_FOUND, "there is no post-mortem in '%s'", folder);
        fail(report, &err);
    }
    post_mortem_list_fini(&list);
}

static void show(struct report *report, const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        show_folder(report, path);
    } else {
        show_file(report, path);
    }
}

/* Adds what came of one argument, if anything. */
static void add_part(struct str *all, const struct str *part, const char *separator) {
    if (part->size > 0) {
        str_add(all, all->size > 1 ? separator : "");
        str_add_n(all, part->data, part->size);
    }
    all->failed = all->failed || part->failed;
}

/* With JSON, stdout holds one value: of several arguments, an array of what could be read. */
int cmd_post_mortem(const struct cli *cli) {
    struct report report = {.cli = cli, .colour = !cli->json && cli_has_colour_out(cli)};
    bool is_array = cli->json && cli->file_count > 1;
    struct str all;
    str_init(&all);
    str_init(&report.out);
    str_add(&all, is_array ? "[" : "");
    for (size_t i = 0; i < cli->file_count; i++) {
        str_clear(&report.out);
        show(&report, cli->files[i]);
        add_part(&all, &report.out, is_array ? ",\n" : "\n");
    }
    str_add(&all, is_array ? "]" : "");
    if (cli->json && all.size > 0) {
        str_add_char(&all, '\n');
    }
    int status = cli_print(&all, report.status);
    str_fini(&report.out);
    str_fini(&all);
    return status;
}
