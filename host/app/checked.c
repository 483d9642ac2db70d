/* Manifests checked as a whole. */
#include "app/checked.h"

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

void checked_fini(struct checked *checked) {
    diags_fini(&checked->diags);
    if (checked->plan) {
        plan_destroy(checked->plan);
    } else {
        manifest_destroy(checked->manifest);
    }
    type_table_destroy(checked->types);
}
