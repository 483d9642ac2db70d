/* Files → one tree → the typed document. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "manifest/actors.h"
#include "manifest/impl.h"
#include "manifest/include.h"
#include "manifest/merge.h"
#include "manifest/policies.h"
#include "manifest/unbuilt.h"

static struct manifest *create(void) {
    struct manifest *manifest = mem_alloc(sizeof *manifest);
    struct manifest_impl *impl = mem_alloc(sizeof *impl);
    if (!manifest || !impl) {
        mem_free(manifest);
        mem_free(impl);
        return NULL;
    }
    manifest->impl = impl;
    arena_init(&impl->arena);
    impl->sources.arena = &impl->arena;
    impl->prototype = actors_prototype();
    manifest->log_level = LOG_INFO;
    manifest->log_format = LOG_TEXT;
    manifest->stop_timeout_ns = 30 * NS_PER_S;
    manifest->supervision = policies_supervise();
    manifest->snapshots.keep = 100;
    manifest->snapshots.max_age_ns = 24 * 3600 * NS_PER_S;
    manifest->quarantine.keep = 100;
    manifest->quarantine.bytes = 16ull << 20;
    manifest->dead_letters_keep = 1000;
    manifest->reload.mode = RELOAD_ROLLING;
    manifest->reload.canary = 1;
    manifest->reload.swap_timeout_ns = 5 * NS_PER_S;
    manifest->reload.probation_ns = 30 * NS_PER_S;
    manifest->reload.probation_messages = 1000;
    manifest->reload.shadow.time_ns = 30 * NS_PER_S;
    manifest->reload.probe_ns = 2 * NS_PER_S;
    manifest->reload.grace_ns = 5 * NS_PER_S;
    return manifest;
}

void manifest_destroy(struct manifest *manifest) {
    if (manifest) {
        arena_fini(&manifest->impl->arena);
        mem_free(manifest->impl);
        mem_free(manifest);
    }
}

static void take_over(struct manifest *manifest, const struct manifest *base) {
    manifest->impl->prototype = base->impl->prototype;
    manifest->supervision = base->supervision;
}

static void read_files(struct manifest *manifest, const char *const *paths, size_t count,
                       const struct manifest_options *options, struct diags *diags) {
    struct manifest_impl *impl = manifest->impl;
    struct include in = {&impl->arena, &impl->sources, options, diags, false};
    for (size_t i = 0; i < count; i++) {
        struct node *tree = include_load(&in, paths[i]);
        if (!tree) {
            return;
        }
        if (impl->root) {
            merge_trees(&impl->arena, impl->root, tree, MERGE_OVERRIDE, diags);
        } else {
            impl->root = tree;
        }
    }
    manifest->complete = count > 0 && !in.incomplete;
}

static void read_document(struct manifest *manifest, const char *first,
                          const struct manifest_options *options, struct diags *diags) {
    struct manifest_impl *impl = manifest->impl;
    struct reader r = {manifest, &impl->arena, diags, options, path_folder(&impl->arena, first)};
    if (!r.folder) {
        return;
    }
    schema_read(&r, document_fields, impl->root, "the manifest", impl->root->mark, manifest);
    const struct node *proc = node_value(impl->root, "proc");
    manifest->proc_mark = proc ? proc->mark : impl->root->mark;
    manifest->child_capacity = impl->prototype.mailbox.capacity;
    unbuilt_find(manifest);
}

bool manifest_has_root(const struct manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->actor_count; i++) {
        if (strcmp(manifest->actors[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

const struct manifest_actor *manifest_find_actor(const struct manifest *manifest,
                                                 const char *path) {
    const struct manifest_actor *actors = manifest->actors;
    size_t count = manifest->actor_count;
    for (;;) {
        size_t size = strcspn(path, "/");
        const struct manifest_actor *found = NULL;
        for (size_t i = 0; i < count && !found; i++) {
            bool is_it = strncmp(actors[i].name, path, size) == 0 && !actors[i].name[size];
            found = is_it ? &actors[i] : NULL;
        }
        if (!found || !path[size]) {
            return found;
        }
        path += size + 1;
        actors = found->actors;
        count = found->actor_count;
    }
}

int manifest_add_stand_in(struct manifest *manifest, const char *path,
                          const struct manifest_actor *actor, struct err *err) {
    struct arena *arena = &manifest->impl->arena;
    size_t count = manifest->actor_count;
    struct manifest_actor *actors = arena_array(arena, count + 1, sizeof *actors);
    char *name = arena_text_n(arena, path, strlen(path));
    if (!actors || !name) {
        return err_set(err, ERR_NOMEM, "no memory to read the manifest");
    }
    memcpy(actors, manifest->actors, count * sizeof *actors);
    actors[count] = *actor;
    actors[count].name = name;
    actors[count].after_count = 0;
    actors[count].actor_count = 0;
    manifest->actors = actors;
    manifest->actor_count++;
    return 0;
}

static int conclude(struct manifest *manifest, const struct diags *diags, struct err *err) {
    if (manifest->impl->arena.failed || diags->failed) {
        manifest->complete = false;
        return err_set(err, ERR_NOMEM, "no memory to read the manifest");
    }
    if (diags->errors) {
        return err_set(err, ERR_INVALID, "the manifest has %zu error%s", diags->errors,
                       diags->errors == 1 ? "" : "s");
    }
    return 0;
}

int manifest_load(const char *const *paths, size_t count, const struct manifest_options *options,
                  struct manifest **ret, struct diags *diags, struct err *err) {
    struct manifest *manifest = create();
    if (!manifest) {
        *ret = NULL;
        return err_set(err, ERR_NOMEM, "no memory to read the manifest");
    }
    diags->sources = &manifest->impl->sources;
    *ret = manifest;
    if (options && options->base) {
        take_over(manifest, options->base);
    }
    if (count == 0) {
        return err_set(err, ERR_USAGE, "a manifest file is needed");
    }
    read_files(manifest, paths, count, options, diags);
    if (manifest->complete) {
        read_document(manifest, paths[0], options, diags);
    }
    return conclude(manifest, diags, err);
}
