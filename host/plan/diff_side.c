/* A plan unit by unit, with the values that its manifest has for each; operations as they are added. */
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/diff_impl.h"

#define TEXT_LONGEST 300u

int diff_no_memory(struct differ *d) {
    return err_set(d->err, ERR_NOMEM, "no memory for the difference of two plans");
}

/* --- units --- */

static const char *unit_path(struct differ *d, const struct plan_actor *actor) {
    const char *dot = actor->index_in_pool == PLAN_NONE ? NULL : strrchr(actor->path, '.');
    return dot ? arena_text_n(&d->scratch, actor->path, (size_t)(dot - actor->path)) : actor->path;
}

static int find_units(struct differ *d, struct diff_side *side) {
    const struct plan *plan = side->plan;
    for (uint32_t i = 0; i < plan->actor_count; i++) {
        const struct plan_actor *actor = &plan->actors[i];
        if (i == 0 || plan->actors[i - 1].spec != actor->spec) {
            const char *path = unit_path(d, actor);
            side->units[side->unit_count++] = (struct diff_unit){
                .path = path, .first = i, .first_wire = PLAN_NONE, .last_wire = PLAN_NONE};
            if (!path || map_set(&side->index, path, (void *)(uintptr_t)side->unit_count) < 0) {
                return diff_no_memory(d);
            }
        }
        side->units[side->unit_count - 1].count++;
        side->unit_of[i] = side->unit_count - 1;
    }
    return 0;
}

static void find_wires(struct diff_side *side) {
    for (uint32_t i = 0; i < side->plan->wire_count; i++) {
        uint32_t from = side->plan->wires[i].from;
        struct diff_unit *unit = &side->units[side->unit_of[from]];
        side->next_wire[i] = PLAN_NONE;
        if (from != unit->first) {
            continue;
        }
        *(unit->first_wire == PLAN_NONE ? &unit->first_wire : &side->next_wire[unit->last_wire]) =
            i;
        unit->last_wire = i;
    }
}

/* --- values --- */

struct telling {
    struct differ *d;
    struct diff_side *side;
    bool failed;
};

/* "actors.judge.actors.window.memory": the unit "judge/window", and "memory". NULL: the proc's. */
static struct diff_unit *unit_of_key(const struct diff_side *side, const char **key) {
    static const char word[] = "actors.";
    struct str path;
    const char *at = *key;
    str_init(&path);
    while (strncmp(at, word, sizeof word - 1) == 0) {
        at += sizeof word - 1;
        size_t size = strcspn(at, ".");
        str_add(&path, path.size ? "/" : "");
        str_add_n(&path, at, size);
        at += size + (at[size] == '.');
    }
    uintptr_t found = path.size ? (uintptr_t)map_find(&side->index, str_text(&path)) : 0;
    str_fini(&path);
    *key = found ? at : *key;
    return found ? &side->units[found - 1] : NULL;
}

static struct diff_value *new_value(struct differ *d, const char *key, const char *text,
                                    struct mark mark) {
    struct diff_value *value = arena_alloc(&d->scratch, sizeof *value);
    if (value) {
        *value = (struct diff_value){arena_text(&d->scratch, key), arena_text(&d->scratch, text),
                                     mark, NULL};
    }
    return value && value->key && value->text ? value : NULL;
}

/* A key that comes several times, `after`, is a list. */
static bool join(struct differ *d, struct diff_value *last, const char *key, const char *text) {
    if (!last || strcmp(last->key, key) != 0) {
        return false;
    }
    struct str both;
    str_init(&both);
    str_addf(&both, "%s, %s", last->text, text);
    const char *kept = arena_text(&d->scratch, str_text(&both));
    d->scratch.failed |= both.failed;
    last->text = kept ? kept : last->text;
    str_fini(&both);
    return true;
}

static void keep_value(void *context, const char *key, const char *text, struct mark mark) {
    struct telling *t = context;
    struct diff_unit *unit = unit_of_key(t->side, &key);
    struct diff_values *values = unit ? &unit->values : &t->side->values;
    if (!unit && strcmp(key, "wires") == 0) {
        return; /* the plans have them: see diff_wires */
    }
    if (join(t->d, values->last, key, text)) {
        return;
    }
    struct diff_value *value = new_value(t->d, key, text, mark);
    if (!value) {
        t->failed = true;
        return;
    }
    *(values->last ? &values->last->next : &values->first) = value;
    values->last = value;
}

int diff_side_init(struct differ *d, struct diff_side *side, const struct plan *plan) {
    struct arena *scratch = &d->scratch;
    struct telling telling = {d, side, false};
    side->plan = plan;
    side->units = arena_array(scratch, plan->actor_count + 1, sizeof *side->units);
    side->unit_of = arena_array(scratch, plan->actor_count + 1, sizeof *side->unit_of);
    side->next_wire = arena_array(scratch, plan->wire_count + 1, sizeof *side->next_wire);
    if (scratch->failed) {
        return diff_no_memory(d);
    }
    if (find_units(d, side) < 0 ||
        manifest_values(plan->manifest, keep_value, &telling, d->err) < 0) {
        return -1;
    }
    find_wires(side);
    return telling.failed || scratch->failed ? diff_no_memory(d) : 0;
}

void diff_side_fini(struct diff_side *side) {
    map_fini(&side->index);
}

const struct diff_unit *diff_same(const struct diff_side *side, const struct diff_unit *unit,
                                  const struct diff_side *other) {
    uintptr_t found = (uintptr_t)map_find(&other->index, unit->path);
    const struct diff_unit *same = found ? &other->units[found - 1] : NULL;
    if (!same) {
        return NULL;
    }
    const struct plan_actor *one = &side->plan->actors[unit->first];
    const struct plan_actor *two = &other->plan->actors[same->first];
    bool is_pool = one->index_in_pool != PLAN_NONE;
    return one->is_group == two->is_group && is_pool == (two->index_in_pool != PLAN_NONE) ? same
                                                                                          : NULL;
}

/* --- operations --- */

/* Doubles what is full; the arena keeps what was before. */
static void *grow(struct arena *memory, void *items, size_t count, size_t size) {
    if (count & (count - 1)) {
        return items;
    }
    void *all = arena_array(memory, count ? count * 2 : 1, size);
    if (all && count) {
        memcpy(all, items, count * size);
    }
    return all;
}

struct diff_op *diff_add_op(struct differ *d, enum diff_kind kind) {
    struct diff *diff = d->diff;
    struct diff_op *all = grow(d->memory, diff->ops, diff->op_count, sizeof *all);
    if (!all) {
        (void)diff_no_memory(d);
        return NULL;
    }
    diff->ops = all;
    struct diff_op *op = &all[diff->op_count++];
    *op = (struct diff_op){.kind = kind,
                           .from = PLAN_NONE,
                           .to = PLAN_NONE,
                           .plugin_from = PLAN_NONE,
                           .plugin_to = PLAN_NONE,
                           .row = PLAN_NONE,
                           .path = "",
                           .is_live = kind != DIFF_PROC && kind != DIFF_RESTART};
    return op;
}

int diff_add_change(struct differ *d, struct diff_op *op, const struct diff_change *change) {
    struct diff_change *all = grow(d->memory, op->changes, op->change_count, sizeof *all);
    if (!all) {
        return diff_no_memory(d);
    }
    op->changes = all;
    all[op->change_count] = *change;
    all[op->change_count].what = diff_text(d, "%s", change->what);
    all[op->change_count].from = change->from ? diff_text(d, "%s", change->from) : NULL;
    all[op->change_count++].to = change->to ? diff_text(d, "%s", change->to) : NULL;
    return d->memory->failed ? diff_no_memory(d) : 0;
}

/* Not within a character of several bytes. */
static size_t cut(const char *text, size_t size) {
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80) {
        size--;
    }
    return size;
}

const char *diff_text(struct differ *d, const char *format, ...) {
    va_list args;
    struct str text;
    str_init(&text);
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    if (text.size > TEXT_LONGEST) {
        text.size = cut(text.data, TEXT_LONGEST);
        str_add(&text, "...");
    }
    const char *kept = text.failed ? NULL : arena_text_n(d->memory, str_text(&text), text.size);
    d->memory->failed |= text.failed;
    str_fini(&text);
    return kept;
}
