/* Building a plan: one step after the other, then spreading it out; and its end. */
#include "plan/plan.h"

#include <stdarg.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/build.h"

int build_no_memory(struct build *b) {
    return err_set(b->err, ERR_NOMEM, "no memory for the plan of '%s'", b->manifest->proc);
}

char *build_text(struct arena *arena, const char *format, ...) {
    va_list args;
    struct str text;
    str_init(&text);
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    char *copy = text.failed ? NULL : arena_text_n(arena, str_text(&text), text.size);
    str_fini(&text);
    return copy;
}

static int run_steps(struct build *b) {
    static int (*const steps[])(struct build *) = {
        build_units, build_types,  build_pins,          build_configs, build_mailboxes, build_links,
        build_as,    build_routes, build_field_configs, build_after,   build_graph,
    };
    size_t errors = b->diags->errors;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i](b) < 0) {
            return -1;
        }
    }
    if (b->diags->errors > errors) {
        return err_set(b->err, ERR_INVALID, "the manifest of '%s' has %zu error%s",
                       b->manifest->proc, b->diags->errors - errors,
                       b->diags->errors - errors == 1 ? "" : "s");
    }
    return build_spread(b);
}

static void build_fini(struct build *b) {
    for (size_t i = 0; b->units && i < b->unit_count; i++) {
        config_unref(b->units[i].config);
    }
    map_fini(&b->unit_index);
    map_fini(&b->type_index);
    map_fini(&b->message_files);
    mem_free(b->type_marks);
    arena_fini(&b->scratch);
}

static struct plan *plan_create(struct manifest *manifest, struct catalog *catalog) {
    struct plan *plan = mem_alloc(sizeof *plan);
    struct plan_impl *impl = mem_alloc(sizeof *impl);
    if (!plan || !impl) {
        mem_free(plan);
        mem_free(impl);
        return NULL;
    }
    arena_init(&impl->memory);
    map_init(&impl->actor_index);
    plan->impl = impl;
    plan->manifest = manifest;
    plan->catalog = catalog;
    plan->proc = manifest->proc;
    return plan;
}

int plan_build(struct manifest *manifest, struct catalog *catalog, struct type_table *types,
               struct plan **ret, struct diags *diags, struct err *err) {
    struct plan *plan = plan_create(manifest, catalog);
    if (!plan) {
        (void)err_set(err, ERR_NOMEM, "no memory for the plan of '%s'", manifest->proc);
        catalog_destroy(catalog);
        manifest_destroy(manifest);
        return -1;
    }
    struct build b = {.plan = plan,
                      .manifest = manifest,
                      .catalog = catalog,
                      .types = types,
                      .diags = diags,
                      .err = err,
                      .is_partial = diags->errors > 0};
    arena_init(&b.scratch);
    map_init(&b.unit_index);
    map_init(&b.type_index);
    map_init(&b.message_files);
    int status = run_steps(&b);
    build_fini(&b);
    *ret = plan;
    return status;
}

void plan_destroy(struct plan *plan) {
    if (!plan) {
        return;
    }
    for (size_t i = 0; i < plan->actor_count; i++) {
        config_unref(plan->actors[i].config);
    }
    map_fini(&plan->impl->actor_index);
    arena_fini(&plan->impl->memory);
    mem_free(plan->impl);
    mem_free(plan->types);
    mem_free(plan->plugins);
    catalog_destroy(plan->catalog);
    manifest_destroy(plan->manifest);
    mem_free(plan);
}

uint32_t plan_find_actor(const struct plan *plan, const char *path) {
    uintptr_t found = (uintptr_t)map_find(&plan->impl->actor_index, path);
    return found ? (uint32_t)(found - 1) : PLAN_NONE;
}
