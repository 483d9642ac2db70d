/* Manifests checked as a whole. */
#include "app/checked.h"

#include <string.h>

#include "base/alloc.h"

int checked_scan(const struct checked_sources *sources, const struct manifest *manifest,
                 struct catalog **ret, struct err *err) {
    size_t given = sources->plugin_count;
    size_t count = manifest ? manifest->plugin_path_count : 0;
    const char **folders = mem_array(given + count + 1, sizeof *folders);
    if (!folders) {
        return err_set(err, ERR_NOMEM, "no memory to look for plugins");
    }
    for (size_t i = 0; i < given; i++) {
        folders[i] = sources->plugins[i];
    }
    for (size_t i = 0; i < count; i++) {
        folders[given + i] = manifest->plugin_path[i].text;
    }
    int status = catalog_scan(folders, given + count, ret, err);
    mem_free(folders);
    return status;
}

/* The plan takes the manifest; a manifest with errors still gives a plan that finds further ones. */
static int build(struct checked *checked, const struct checked_sources *sources) {
    struct catalog *catalog = NULL;
    struct type_table *types = sources->types;
    if (!types) {
        types = checked->types = type_table_create();
    }
    if (!types) {
        return err_set(&checked->err, ERR_NOMEM, "no memory for message types");
    }
    if (checked_scan(sources, checked->manifest, &catalog, &checked->err) < 0) {
        return -1;
    }
    checked->manifest->types = sources->actor_types;
    checked->manifest->type_count = sources->actor_type_count;
    int status = plan_build(checked->manifest, catalog, types, &checked->plan, &checked->diags,
                            &checked->err);
    checked->manifest = checked->plan ? checked->plan->manifest : NULL;
    return status;
}

int checked_load(struct checked *checked, const struct checked_sources *sources) {
    const struct manifest_options options = {.texts = sources->texts,
                                             .text_count = sources->text_count,
                                             .files_too = true,
                                             .may_be_empty = sources->may_be_empty};
    *checked = (struct checked){0};
    diags_init(&checked->diags);
    int status = manifest_load(sources->paths, sources->count, &options, &checked->manifest,
                               &checked->diags, &checked->err);
    if (checked->manifest && checked->manifest->complete && build(checked, sources) < 0) {
        status = -1;
    }
    return status;
}

/* Whom it is wired to, each once. */
static int add_stand_ins(struct manifest *manifest,
                         const struct manifest_actor *(*find)(void *context, const char *path),
                         void *context, struct err *err) {
    for (size_t i = 0; i < manifest->wire_count; i++) {
        const char *to = manifest->wires[i].to.text;
        const char *dot = strrchr(to, '.');
        char *path = mem_text_n(to, (size_t)(dot - to));
        if (!path) {
            return err_set(err, ERR_NOMEM, "no memory to read the manifest");
        }
        const struct manifest_actor *actor =
            manifest_has_root(manifest, path) ? NULL : find(context, path);
        int status = actor ? manifest_add_stand_in(manifest, path, actor, err) : 0;
        mem_free(path);
        if (status < 0) {
            return -1;
        }
    }
    return 0;
}

int checked_load_addition(struct checked *checked, const struct manifest_text *text,
                          const struct plan *base, struct type_table *types,
                          const struct manifest_actor *(*find)(void *context, const char *path),
                          void *context) {
    const struct manifest_options options = {
        .texts = text, .text_count = 1, .base = base->manifest};
    *checked = (struct checked){0};
    diags_init(&checked->diags);
    if (manifest_load(&text->path, 1, &options, &checked->manifest, &checked->diags,
                      &checked->err) < 0 ||
        add_stand_ins(checked->manifest, find, context, &checked->err) < 0) {
        return -1;
    }
    int status = plan_build(checked->manifest, catalog_ref(base->catalog), types, &checked->plan,
                            &checked->diags, &checked->err);
    checked->manifest = checked->plan ? checked->plan->manifest : NULL;
    return status;
}

void checked_fini(struct checked *checked) {
    diags_fini(&checked->diags);
    if (checked->plan) {
        plan_destroy(checked->plan);
    } else {
        manifest_destroy(checked->manifest);
    }
    type_table_destroy(checked->types);
}
