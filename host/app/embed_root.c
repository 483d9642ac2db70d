/* Roots by hand, before the start and in a proc that runs; wires by hand. */
#include <string.h>

#include "app/embed_impl.h"

/* A caller that was built with a smaller struct has not said the rest. */
static int32_t read_root(const struct troupe_root *from, struct troupe_root *ret,
                         struct troupe_error *error) {
    if (from->size < offsetof(struct troupe_root, wires) || from->size > 4096) {
        return embed_fail(error, TROUPE_INVALID, "root.size is %u: set it to sizeof(root)",
                          from->size);
    }
    *ret = (struct troupe_root){.size = 0};
    memcpy(ret, from, from->size < sizeof *ret ? from->size : sizeof *ret);
    if (!ret->name || !ret->type) {
        return embed_fail(error, TROUPE_INVALID, "a root actor needs a name and a type");
    }
    for (uint64_t i = 0; i < ret->wire_count; i++) {
        if (!ret->wires[i].output || !ret->wires[i].to) {
            return embed_fail(error, TROUPE_INVALID, "a wire needs two ends");
        }
    }
    return TROUPE_OK;
}

static int32_t spawn_running(struct troupe_proc *proc, struct deploy *deploy,
                             const struct troupe_root *root, struct troupe_error *error) {
    struct err err;
    struct str text;
    struct deploy_check check;
    str_init(&text);
    recipe_write_root(root, proc->id, &text);
    if (text.failed) {
        str_fini(&text);
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    const struct manifest_text manifest = {ROOT_TEXT_NAME, str_text(&text), text.size};
    int32_t status = TROUPE_OK;
    if (deploy_add_root(deploy, &manifest, &check, &err) < 0) {
        bool is_found = check.checked.err.code != ERR_NONE;
        status = is_found ? recipe_fail(&check.checked, error) : embed_fail_as(error, &err);
    }
    deploy_end_check(deploy, &check);
    str_fini(&text);
    return status;
}

int32_t troupe_proc_spawn(struct troupe_proc *proc, const struct troupe_root *root,
                          struct troupe_error *error) {
    struct err err;
    struct troupe_root whole;
    int32_t status = read_root(root, &whole, error);
    struct deploy *deploy = status == TROUPE_OK ? embed_begin_use(proc) : NULL;
    if (deploy) {
        status = embed_check_outside(error, "adding an actor to a proc that runs");
        status = status == TROUPE_OK ? spawn_running(proc, deploy, &whole, error) : status;
        embed_end_use(proc);
        return status;
    }
    status = status == TROUPE_OK ? embed_begin_change(proc, error) : status;
    return status < 0
               ? status
               : embed_end_change(proc, recipe_add_root(&proc->recipe, &whole, &err), &err, error);
}

int32_t troupe_proc_wire(struct troupe_proc *proc, const char *from, const char *to,
                         struct troupe_error *error) {
    struct err err;
    if (!from || !to) {
        return embed_fail(error, TROUPE_INVALID, "a wire needs two ends");
    }
    if (embed_begin_use(proc)) {
        embed_end_use(proc);
        return embed_fail(error, TROUPE_REFUSED,
                          "'%s' cannot be wired to '%s': where an actor sends to is settled when "
                          "it begins; say the wires of a new one in its troupe_root.wires",
                          from, to);
    }
    int32_t status = embed_begin_change(proc, error);
    return status < 0 ? status
                      : embed_end_change(proc, recipe_add_wire(&proc->recipe, from, to, &err), &err,
                                         error);
}
