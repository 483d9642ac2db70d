/* A doctor's findings in text and JSON; see doctor_view.h. */
#include "inspect/doctor_view.h"

#include <jansson.h>
#include <stdlib.h>

void doctor_view_text(const struct image *image, const struct doctor *doctor, struct str *out) {
    str_addf(out, "%s %s\n  file      %s\n", image->note->name, image->note->version, image->path);
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->items[i];
        str_addf(out, "  %-9s %s\n%12s%s\n%12s%s\n", doctor_kind_text(finding->kind), finding->what,
                 "", finding->why, "", finding->cure);
    }
    if (doctor->counts[DOCTOR_UNLOAD] + doctor->counts[DOCTOR_RELOAD] == 0) {
        str_addf(out, "  nothing speaks against unloading or reloading it\n");
    } else {
        str_addf(out, "  against unloading it: %zu; against reloading it: %zu\n",
                 doctor->counts[DOCTOR_UNLOAD], doctor->counts[DOCTOR_RELOAD]);
    }
    out->failed = out->failed || doctor->failed;
}

static json_t *make_findings(const struct doctor *doctor) {
    json_t *array = json_array();
    for (size_t i = 0; array && i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->items[i];
        json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind",
                                 doctor_kind_text(finding->kind), "id", finding->id, "what",
                                 finding->what, "why", finding->why, "cure", finding->cure);
        if (!item || json_array_append_new(array, item) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

void doctor_view_json(const struct image *image, const struct doctor *doctor, struct str *out) {
    json_t *findings = doctor->failed ? NULL : make_findings(doctor);
    json_t *json = findings ? json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "file", image->path,
                                        "name", image->note->name, "version", image->note->version,
                                        "unloads", doctor->counts[DOCTOR_UNLOAD] == 0, "reloads",
                                        doctor->counts[DOCTOR_RELOAD] == 0, "findings", findings)
                            : NULL;
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    if (text) {
        str_addf(out, "%s\n", text);
    } else {
        out->failed = true;
    }
    free(text);
    json_decref(json);
}
