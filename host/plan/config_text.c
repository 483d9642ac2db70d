/* The values of a config as text, so that they can be shown and compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "manifest/json.h"
#include "manifest/manifest.h"
#include "plan/config.h"

/* As short as it can be read back. */
static void add_float(struct str *out, double value) {
    char text[40];
    (void)snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value) {
        (void)snprintf(text, sizeof text, "%.17g", value);
    }
    str_add(out, text);
}

static void add_choice(struct str *out, const char *choices, uint32_t at) {
    while (at > 0 && *choices) {
        choices += strcspn(choices, "|");
        choices += *choices == '|';
        at--;
    }
    str_add_n(out, choices, strcspn(choices, "|"));
}

static void add_item(struct str *out, struct troupe_str item) {
    struct str text;
    str_init(&text);
    str_add_n(&text, item.data ? item.data : "", item.size);
    json_add_text(out, str_text(&text));
    out->failed |= text.failed;
    str_fini(&text);
}

static void add_list(struct str *out, const struct troupe_strs *list) {
    str_add_char(out, '[');
    for (uint64_t i = 0; i < list->count; i++) {
        str_add(out, i ? ", " : "");
        add_item(out, list->items[i]);
    }
    str_add_char(out, ']');
}

void config_add_value(const struct config *config, const struct note_config *note, size_t key,
                      struct str *out) {
    const struct note_key *k = &note->keys[key];
    const void *at = (const char *)config->body + config->offsets[key];
    const struct troupe_str *text = at;
    switch (k->kind) {
    case NOTE_OPTION_INT:
        str_addf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case NOTE_OPTION_FLOAT:
        add_float(out, *(const double *)at);
        break;
    case NOTE_OPTION_BOOL:
        str_add(out, *(const bool *)at ? "true" : "false");
        break;
    case NOTE_OPTION_DURATION:
        scalar_add_duration(out, *(const uint64_t *)at);
        break;
    case NOTE_OPTION_SIZE:
        scalar_add_size(out, *(const uint64_t *)at);
        break;
    case NOTE_OPTION_ENUM:
        add_choice(out, k->extra ? k->extra : "", *(const uint32_t *)at);
        break;
    case NOTE_OPTION_LIST:
        add_list(out, at);
        break;
    default:
        add_item(out, *text);
        break;
    }
}
