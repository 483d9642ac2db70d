/* Pinned plugin files: these bytes and no others. */
#include <string.h>

#include "plan/build.h"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const struct catalog_file *find_refused(const struct catalog *catalog, const char *name) {
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct catalog_file *file = &catalog->files[i];
        if (!file->image && strcmp(base_name(file->path), name) == 0) {
            return file;
        }
    }
    return NULL;
}

static void check_pin(struct build *b, const struct manifest_pin *pin) {
    const struct catalog_file *file = catalog_find_file(b->catalog, pin->file);
    const struct catalog_file *refused = file ? NULL : find_refused(b->catalog, pin->file);
    if (file && strcmp(image_sha256(file->image), pin->sha256) != 0) {
        diags_add(b->diags, DIAG_ERROR, pin->mark,
                  "plugin file '%s' is not the pinned one: it has sha256:%s, pinned is sha256:%s",
                  file->path, image_sha256(file->image), pin->sha256);
    } else if (refused) {
        diags_add(b->diags, DIAG_ERROR, pin->mark, "pinned plugin file '%s' was refused: %s",
                  pin->file, refused->refused.text);
    } else if (!file) {
        diags_add(b->diags, DIAG_ERROR, pin->mark,
                  "pinned plugin file '%s' is in none of the plugin folders", pin->file);
    }
}

int build_pins(struct build *b) {
    for (size_t i = 0; i < b->manifest->pin_count; i++) {
        check_pin(b, &b->manifest->pins[i]);
    }
    return 0;
}
