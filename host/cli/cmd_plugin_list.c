/* troupe plugin list: the plugin files that are found. */
#include "cli/checked.h"
#include "cli/output.h"
#include "inspect/catalog_view.h"

static int list(const struct cli *cli, const struct manifest *manifest) {
    struct catalog *catalog = NULL;
    struct err err = {0};
    const struct checked_sources none = {0};
    if (checked_scan(&none, manifest, &catalog, &err) < 0) {
        return cli_fail_as_asked(cli, &err);
    }
    struct str out;
    str_init(&out);
    if (cli->json) {
        catalog_view_json(catalog, &out);
    } else {
        catalog_view_text(catalog, &out);
    }
    int status = cli_print(&out, CLI_OK);
    str_fini(&out);
    catalog_destroy(catalog);
    return status;
}

/* Only where plugins are is taken from the manifests; that needs no valid actors. */
int cmd_plugin_list(const struct cli *cli) {
    struct checked checked = {0};
    int status = CLI_OK;
    diags_init(&checked.diags);
    if (cli->file_count && manifest_load(cli->files, cli->file_count, NULL, &checked.manifest,
                                         &checked.diags, &checked.err) < 0) {
        status = checked.err.code == ERR_INVALID ? CLI_INVALID : CLI_FAILED;
        status = checked_fail_as_asked(cli, &checked, status);
    } else {
        status = list(cli, checked.manifest);
    }
    checked_fini(&checked);
    return status;
}
