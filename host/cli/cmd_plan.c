/* troupe plan: what would have to be done for one deployment to become another. */
#include "cli/checked.h"
#include "cli/output.h"
#include "inspect/diff_view.h"

static int report(const struct cli *cli, const struct diff *diff) {
    struct str out;
    str_init(&out);
    if (cli->json) {
        str_addf(&out, "{\"ok\":true,\n\"live\":%s,\n\"operations\":",
                 diff_is_live(diff) ? "true" : "false");
        diff_view_json(diff, &out);
        str_add(&out, "}\n");
    } else if (!cli->quiet) {
        diff_view_text(diff, cli_has_colour_out(cli), &out);
    }
    int status = cli_print(&out, diff->op_count ? CLI_DIFFERENT : CLI_OK);
    str_fini(&out);
    return status;
}

static int compare(const struct cli *cli, const struct plan *from, const struct plan *to) {
    struct diff *diff;
    struct err err;
    if (diff_create(from, to, &diff, &err) < 0) {
        return cli_fail_as_asked(cli, &err);
    }
    int status = report(cli, diff);
    diff_destroy(diff);
    return status;
}

/* One manifest of the two. Warnings are told as by `check`. */
static int load(const struct cli *cli, size_t at, struct checked *ret) {
    struct cli one = *cli;
    one.files = &cli->files[at];
    one.file_count = 1;
    int status = checked_load_files(ret, &one);
    if (status != CLI_OK) {
        return checked_fail_as_asked(cli, ret, status);
    }
    checked_complain(cli, ret);
    return CLI_OK;
}

int cmd_plan(const struct cli *cli) {
    struct checked from;
    struct checked to;
    int status = load(cli, 0, &from);
    if (status != CLI_OK) {
        checked_fini(&from);
        return status;
    }
    status = load(cli, 1, &to);
    if (status == CLI_OK) {
        status = compare(cli, from.plan, to.plan);
    }
    checked_fini(&to);
    checked_fini(&from);
    return status;
}
