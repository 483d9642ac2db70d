/* The manifest's actors and groups as units: paths, numbers, pids, and finding them by name. */
#include <string.h>

#include "base/str.h"
#include "plan/build.h"

static size_t count_units(const struct manifest_actor *actors, size_t count) {
    size_t units = count;
    for (size_t i = 0; i < count; i++) {
        units += count_units(actors[i].actors, actors[i].actor_count);
    }
    return units;
}

/* A root's whole tree takes its pids from one counter, starting at 1 (AI-1, SV-8). */
static uint32_t take_pids(uint32_t *pids, uint32_t parent, uint32_t count) {
    if (parent == PLAN_NONE) {
        *pids = 1;
        return 0;
    }
    uint32_t first = *pids;
    *pids += count;
    return first;
}

static int add_unit(struct build *b, const struct manifest_actor *spec, uint32_t parent,
                    uint32_t *pids) {
    uint32_t at = (uint32_t)b->unit_count++;
    struct unit *unit = &b->units[at];
    unit->spec = spec;
    unit->parent = parent;
    unit->type = PLAN_NONE;
    unit->first = (uint32_t)b->actor_count;
    unit->count = spec->replicas ? spec->replicas : 1;
    unit->pid = take_pids(pids, parent, unit->count);
    unit->path = parent == PLAN_NONE ? build_text(&b->plan->impl->memory, "%s", spec->name)
                                     : build_text(&b->plan->impl->memory, "%s/%s",
                                                  b->units[parent].path, spec->name);
    if (!unit->path) {
        return build_no_memory(b);
    }
    b->actor_count += unit->count;
    b->unit_names[at] = unit->path;
    if (map_find(&b->unit_index, unit->path)) {
        diags_add(b->diags, DIAG_ERROR, spec->mark, "there is an actor '%s' already", unit->path);
        return 0;
    }
    return map_set(&b->unit_index, unit->path, (void *)(uintptr_t)(at + 1)) < 0 ? build_no_memory(b)
                                                                                : 0;
}

/* Depth is bounded by the reader's bound on nesting. */
static int add_units(struct build *b, const struct manifest_actor *actors, size_t count,
                     uint32_t parent, uint32_t *pids) {
    for (size_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)b->unit_count;
        if (add_unit(b, &actors[i], parent, pids) < 0 ||
            add_units(b, actors[i].actors, actors[i].actor_count, at, pids) < 0) {
            return -1;
        }
        b->units[at].end = (uint32_t)b->unit_count;
        if (b->actor_count > BUILD_ACTORS_MAX) {
            b->actor_count = 0;
            diags_add(b->diags, DIAG_ERROR, actors[i].mark,
                      "'%s' makes it more than %u actors, which is the most a proc can have",
                      b->units[at].path, BUILD_ACTORS_MAX);
        }
    }
    return 0;
}

int build_units(struct build *b) {
    size_t count = count_units(b->manifest->actors, b->manifest->actor_count);
    uint32_t pids = 1;
    b->units = arena_array(&b->scratch, count, sizeof *b->units);
    b->unit_names = arena_array(&b->scratch, count + 1, sizeof *b->unit_names);
    if (!b->units || !b->unit_names) {
        return build_no_memory(b);
    }
    return add_units(b, b->manifest->actors, b->manifest->actor_count, PLAN_NONE, &pids);
}

/* A manifest of ten thousand wrong names must not take minutes to be told so. */
static bool may_compare(struct build *b, size_t count) {
    b->suggested += count;
    return b->suggested <= 2000000;
}

const char *build_nearest(struct build *b, const char *word, const char *const *candidates,
                          size_t count) {
    return may_compare(b, count) ? str_nearest(word, candidates) : NULL;
}

/* "judge/window" for "window": written as one would inside of the group. */
static const char *find_by_last_name(struct build *b, const char *word) {
    if (!may_compare(b, b->unit_count)) {
        return NULL;
    }
    for (size_t i = 0; i < b->unit_count; i++) {
        const char *slash = strrchr(b->units[i].path, '/');
        if (slash && strcmp(slash + 1, word) == 0) {
            return b->units[i].path;
        }
    }
    return NULL;
}

/* The pool of which "judge/window.1" is a replica. */
static const struct unit *find_pool(const struct build *b, const char *path) {
    const char *dot = strrchr(path, '.');
    if (!dot || !dot[1] || dot[1 + strspn(dot + 1, "0123456789")]) {
        return NULL;
    }
    uintptr_t at = (uintptr_t)map_find_n(&b->unit_index, path, (size_t)(dot - path));
    return at && b->units[at - 1].spec->replicas ? &b->units[at - 1] : NULL;
}

uint32_t build_find_unit(struct build *b, struct mark mark, const char *path) {
    uintptr_t at = (uintptr_t)map_find(&b->unit_index, path);
    if (at) {
        return (uint32_t)(at - 1);
    }
    const struct unit *pool = find_pool(b, path);
    const char *near = find_by_last_name(b, path);
    if (!near) {
        near = build_nearest(b, path, b->unit_names, b->unit_count);
    }
    if (pool) {
        diags_add(b->diags, DIAG_ERROR, mark, "'%s' is one replica of a pool; name the pool, '%s'",
                  path, pool->path);
    } else if (near) {
        diags_add(b->diags, DIAG_ERROR, mark, "there is no actor '%s'; did you mean '%s'?", path,
                  near);
        diags_hint(b->diags, near);
    } else {
        diags_add(b->diags, DIAG_ERROR, mark, "there is no actor '%s'", path);
    }
    return PLAN_NONE;
}
