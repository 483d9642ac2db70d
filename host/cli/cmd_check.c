/* troupe check: findings, and what there is when there are no errors. */
#include "base/str.h"
#include "cli/checked.h"
#include "cli/output.h"

struct counts {
    size_t actors, wires, plugins;
};

static struct counts count(const struct plan *plan) {
    struct counts counts = {0, plan->manifest->wire_count, plan->plugin_count};
    for (size_t i = 0; i < plan->actor_count; i++) {
        counts.actors += plan->actors[i].is_group ? 0 : 1;
    }
    return counts;
}

static void add_summary(struct str *out, const struct plan *plan) {
    struct counts n = count(plan);
    str_addf(out, "ok: %zu actor%s, %zu wire%s, %zu plugin%s\n", n.actors, n.actors == 1 ? "" : "s",
             n.wires, n.wires == 1 ? "" : "s", n.plugins, n.plugins == 1 ? "" : "s");
}

static int report_text(const struct cli *cli, const struct checked *checked, int status) {
    checked_complain(cli, checked);
    if (status != CLI_OK) {
        return status;
    }
    struct str out;
    str_init(&out);
    if (cli->explain) {
        manifest_explain(checked->manifest, &out);
    }
    if (!cli->quiet) {
        add_summary(&out, checked->plan);
    }
    status = cli_print(&out, CLI_OK);
    str_fini(&out);
    return status;
}

static int report_json(const struct cli *cli, const struct checked *checked, int status) {
    struct str out;
    str_init(&out);
    if (checked->err.code == ERR_NOMEM) {
        cli_fail(&checked->err);
    }
    str_addf(&out, "{\"ok\":%s,\n\"findings\":", status == CLI_OK ? "true" : "false");
    if (checked->manifest) {
        diags_json(&checked->diags, &out);
    } else {
        str_add(&out, "[]");
    }
    if (status == CLI_OK) {
        struct counts n = count(checked->plan);
        str_addf(&out, ",\"actors\":%zu,\"wires\":%zu,\"plugins\":%zu", n.actors, n.wires,
                 n.plugins);
        str_add(&out, ",\n\"plan\":");
        plan_json(checked->plan, &out);
    }
    if (status == CLI_OK && cli->explain) {
        str_add(&out, ",\n\"values\":");
        manifest_explain_json(checked->manifest, &out);
    }
    str_add(&out, "}\n");
    status = cli_print(&out, status);
    str_fini(&out);
    return status;
}

int cmd_check(const struct cli *cli) {
    struct checked checked;
    int status = checked_load_files(&checked, cli);
    status = cli->json ? report_json(cli, &checked, status) : report_text(cli, &checked, status);
    checked_fini(&checked);
    return status;
}
