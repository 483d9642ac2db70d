/* troupe version: of the program and of the plugin ABI. */
#include <troupe/abi.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/output.h"
#include "manifest/json.h"
#include "plugin/install.h"

int cmd_version(const struct cli *cli) {
    char *folder = install_plugin_folder();
    struct str out;
    str_init(&out);
    out.failed = !folder;
    if (cli->json) {
        str_addf(&out, "{\"version\":\"%s\",\"abi\":{\"major\":%u,\"minor\":%u},\"plugins\":",
                 TROUPE_VERSION_TEXT, TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
        json_add_text(&out, folder ? folder : "");
        str_add(&out, "}\n");
    } else {
        str_addf(&out, "troupe %s\nplugin ABI %u.%u\nplugins in %s\n", TROUPE_VERSION_TEXT,
                 TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR, folder ? folder : "");
    }
    int status = cli_print(&out, CLI_OK);
    str_fini(&out);
    mem_free(folder);
    return status;
}
