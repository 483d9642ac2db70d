/* What the command tells of manifests that were checked. */
#include "cli/checked.h"

#include "base/alloc.h"
#include "cli/output.h"

int checked_load_files(struct checked *checked, const struct cli *cli) {
    const struct checked_sources sources = {.paths = cli->files, .count = cli->file_count};
    if (checked_load(checked, &sources) == 0) {
        return CLI_OK;
    }
    return checked->err.code == ERR_INVALID ? CLI_INVALID : CLI_FAILED;
}

/* The errors among the findings, which stay where they are; empty without memory. */
static struct diags pick_errors(const struct diags *diags) {
    struct diags errors = {.sources = diags->sources};
    errors.items = mem_array(diags->count, sizeof *errors.items);
    for (size_t i = 0; errors.items && i < diags->count; i++) {
        if (diags->items[i].severity == DIAG_ERROR) {
            errors.items[errors.count++] = diags->items[i];
        }
    }
    return errors;
}

static void add_findings(const struct cli *cli, const struct diags *diags, struct str *out) {
    bool colour = cli_has_colour(cli);
    if (!cli->quiet) {
        diags_print(diags, colour, out);
        return;
    }
    struct diags errors = pick_errors(diags);
    diags_print(&errors, colour, out);
    mem_free(errors.items);
}

int checked_fail_as_asked(const struct cli *cli, const struct checked *checked, int status) {
    if (!cli->json) {
        checked_complain(cli, checked);
        return status;
    }
    if (!checked->manifest || checked->err.code != ERR_INVALID) {
        (void)cli_fail_as_asked(cli, &checked->err);
        return status;
    }
    struct str text;
    str_init(&text);
    str_add(&text, "{\"ok\":false,\n\"findings\":");
    diags_json(&checked->diags, &text);
    str_add(&text, "}\n");
    status = cli_print(&text, status);
    str_fini(&text);
    return status;
}

void checked_complain(const struct cli *cli, const struct checked *checked) {
    struct str text;
    str_init(&text);
    if (checked->manifest) {
        add_findings(cli, &checked->diags, &text);
    }
    cli_complain(&text);
    if (checked->err.code != ERR_NONE && (checked->err.code != ERR_INVALID || text.size == 0)) {
        cli_fail(&checked->err);
    }
    str_fini(&text);
}
