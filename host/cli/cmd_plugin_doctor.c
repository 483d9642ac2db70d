/* troupe plugin doctor: what speaks against reloading and unloading a plugin file. */
#include "cli/output.h"
#include "inspect/doctor_view.h"

int cmd_plugin_doctor(const struct cli *cli) {
    struct image *image = NULL;
    struct err err = {0};
    if (image_read(cli->files[0], &image, &err) < 0) {
        return cli_fail_as_asked(cli, &err);
    }
    struct doctor doctor;
    struct str out;
    doctor_look(image, &doctor);
    str_init(&out);
    if (cli->json) {
        doctor_view_json(image, &doctor, &out);
    } else {
        doctor_view_text(image, &doctor, &out);
    }
    bool is_well = doctor.counts[DOCTOR_UNLOAD] + doctor.counts[DOCTOR_RELOAD] == 0;
    int status = cli_print(&out, is_well ? CLI_OK : CLI_FAILED);
    str_fini(&out);
    doctor_fini(&doctor);
    image_destroy(image);
    return status;
}
