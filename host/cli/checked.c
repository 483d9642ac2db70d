/* Manifests checked as a whole. */
#include "cli/checked.h"

#include "base/alloc.h"

int checked_scan(const struct manifest *manifest, struct catalog **ret, struct err *err) {
    size_t count = manifest ? manifest->plugin_path_count : 0;
    const char **folders = mem_array(count + 1, sizeof *folders);
    if (!folders) {
        return err_set(err, ERR_NOMEM, "no memory to look for plugins");
    }
    for (size_t i = 0; i < count; i++) {
        folders[i] = manifest->plugin_path[i].text;
    }
    int status = catalog_scan(folders, count, ret, err);
    mem_free(folders);
    return status;
}

/* The plan takes the manifest; a manifest with errors still gives a plan that finds further ones. */
static int build(struct checked *checked) {
    struct catalog *catalog = NULL;
    checked->types = type_table_create();
    if (!checked->types) {
        return err_set(&checked->err, ERR_NOMEM, "no memory for message types");
    }
    if (checked_scan(checked->manifest, &catalog, &checked->err) < 0) {
        return -1;
    }
    int status = plan_build(checked->manifest, catalog, checked->types, &checked->plan,
                            &checked->diags, &checked->err);
    checked->manifest = checked->plan ? checked->plan->manifest : NULL;
    return status;
}

int checked_load(struct checked *checked, const char *const *paths, size_t count) {
    *checked = (struct checked){0};
    diags_init(&checked->diags);
    int status =
        manifest_load(paths, count, NULL, &checked->manifest, &checked->diags, &checked->err);
    if (checked->manifest && checked->manifest->complete && build(checked) < 0) {
        status = -1;
    }
    if (status == 0) {
        return CLI_OK;
    }
    return checked->err.code == ERR_INVALID ? CLI_INVALID : CLI_FAILED;
}

void checked_fini(struct checked *checked) {
    diags_fini(&checked->diags);
    if (checked->plan) {
        plan_destroy(checked->plan);
    } else {
        manifest_destroy(checked->manifest);
    }
    type_table_destroy(checked->types);
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
