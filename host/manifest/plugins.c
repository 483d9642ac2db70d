/* `plugins`: where plugin files are looked for, and which bytes they must have. */
#include "manifest/plugins.h"

#include <string.h>

#include "manifest/explain.h"
#include "manifest/source.h"

#define SHA256_PREFIX "sha256:"
#define SHA256_DIGITS 64

static void read_path(struct reader *r, const struct field *field, const struct entry *entry,
                      void *target) {
    (void)field;
    struct manifest *manifest = target;
    if (!schema_is(r, entry, NODE_LIST, "a list of folders, such as [build/plugins]")) {
        return;
    }
    const struct node *list = entry->value;
    manifest->plugin_path = arena_array(r->arena, list->count, sizeof *manifest->plugin_path);
    for (size_t i = 0; manifest->plugin_path && i < list->count; i++) {
        const struct entry item = {entry->key, list->entries[i].mark, list->entries[i].value};
        if (!schema_is(r, &item, NODE_SCALAR, "names of folders")) {
            continue;
        }
        if (!*item.value->text) {
            diags_add(r->diags, DIAG_ERROR, item.value->mark, "the name of a folder is empty");
            continue;
        }
        manifest->plugin_path[manifest->plugin_path_count++] = (struct manifest_ref){
            path_beside(r->arena, item.value->mark.file, item.value->text), item.value->mark};
    }
}

static void explain_path(struct explainer *x, const struct field *field, const char *path,
                         const void *target, struct layers layers) {
    (void)field;
    (void)layers;
    const struct manifest *manifest = target;
    for (size_t i = 0; i < manifest->plugin_path_count; i++) {
        const struct manifest_ref *folder = &manifest->plugin_path[i];
        explain_add(x, path, NULL, folder->text, folder->mark, NULL);
    }
}

/* The digits in lower case; NULL after a report. */
static char *read_sha256(struct reader *r, const struct node *value) {
    size_t prefix = strlen(SHA256_PREFIX);
    bool right = strncmp(value->text, SHA256_PREFIX, prefix) == 0;
    const char *digits = right ? value->text + prefix : "";
    if (strlen(digits) != SHA256_DIGITS ||
        strspn(digits, "0123456789abcdefABCDEF") != SHA256_DIGITS) {
        diags_add(r->diags, DIAG_ERROR, value->mark,
                  "'%s' is no checksum; write sha256: and %d hexadecimal digits", value->text,
                  SHA256_DIGITS);
        return NULL;
    }
    char *copy = arena_text(r->arena, digits);
    for (char *c = copy; c && *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
    }
    return copy;
}

static void read_pin(struct reader *r, const struct field *field, const struct entry *entry,
                     void *target) {
    (void)field;
    struct manifest *manifest = target;
    if (!schema_is(r, entry, NODE_MAP, "a map from plugin files to checksums")) {
        return;
    }
    const struct node *map = entry->value;
    manifest->pins = arena_array(r->arena, map->count, sizeof *manifest->pins);
    for (size_t i = 0; manifest->pins && i < map->count; i++) {
        const struct entry *pin = &map->entries[i];
        if (!*pin->key || strchr(pin->key, '/')) {
            diags_add(r->diags, DIAG_ERROR, pin->mark,
                      "'%s' is no plugin file; a pin names it without its folder: text.so",
                      pin->key);
            continue;
        }
        char *sha256 = schema_is(r, pin, NODE_SCALAR, "a checksum, sha256:...")
                           ? read_sha256(r, pin->value)
                           : NULL;
        if (sha256) {
            manifest->pins[manifest->pin_count++] =
                (struct manifest_pin){arena_text(r->arena, pin->key), pin->mark, sha256};
        }
    }
}

static void explain_pin(struct explainer *x, const struct field *field, const char *path,
                        const void *target, struct layers layers) {
    (void)field;
    (void)layers;
    const struct manifest *manifest = target;
    for (size_t i = 0; i < manifest->pin_count; i++) {
        const struct manifest_pin *pin = &manifest->pins[i];
        explain_add(x, path, pin->file, pin->sha256, pin->mark, NULL);
    }
}

const struct field plugins_fields[] = {
    {"path", FIELD_CUSTOM, .read = read_path, .explain = explain_path},
    {"pin", FIELD_CUSTOM, .read = read_pin, .explain = explain_pin},
    {0},
};
