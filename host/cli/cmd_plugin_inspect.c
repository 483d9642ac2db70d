/* troupe plugin inspect: what one plugin file offers. */
#include "cli/output.h"
#include "inspect/plugin_view.h"

int cmd_plugin_inspect(const struct cli *cli) {
    struct image *image = NULL;
    struct err err = {0};
    if (image_read(cli->files[0], &image, &err) < 0) {
        return cli_fail_as_asked(cli, &err);
    }
    struct str out;
    str_init(&out);
    if (cli->json) {
        plugin_view_json(image, &out);
    } else {
        plugin_view_text(image, &out);
    }
    int status = cli_print(&out, CLI_OK);
    str_fini(&out);
    image_destroy(image);
    return status;
}
