/* Any bytes as a post-mortem file: a page, or a sentence; nothing of it reaches a terminal as control
 * characters, and the JSON made of it is JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "inspect/post_mortem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

static void check_clean(const char *text) {
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        expect((c >= 0x20 || c == '\n') && c != 0x7f);
        expect(!(c == 0xc2 && (unsigned char)at[1] < 0xa0));
    }
}

static void check_page(const struct post_mortem *pm) {
    struct str out;
    str_init(&out);
    post_mortem_text(pm, false, &out);
    expect(!out.failed && strlen(str_text(&out)) == out.size);
    check_clean(str_text(&out));
    str_clear(&out);
    post_mortem_line(pm, false, &out);
    check_clean(str_text(&out));
    expect(strchr(str_text(&out), '\n') == str_text(&out) + out.size - 1);
    str_clear(&out);
    post_mortem_line_json(pm, &out);
    json_t *json = json_loadb(str_text(&out), out.size, JSON_REJECT_DUPLICATES, NULL);
    expect(json_object_size(json) == 5);
    json_decref(json);
    str_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct post_mortem *pm = NULL;
    struct err err = {0};
    if (post_mortem_parse((const char *)data, size, "x.json", &pm, &err) < 0) {
        check_clean(err.text);
        expect(err.text[0] != '\0');
        return 0;
    }
    check_page(pm);
    post_mortem_destroy(pm);
    return 0;
}
