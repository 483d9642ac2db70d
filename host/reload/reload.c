/* The reload transaction, step by step; what it did is kept. */
#include "reload/reload.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "reload/reload_impl.h"

const char *reload_outcome_text(enum reload_outcome outcome) {
    static const char *const texts[] = {
#define RELOAD_OUTCOME_TEXT(name, text) [RELOAD_##name] = text,
        RELOAD_OUTCOMES(RELOAD_OUTCOME_TEXT)
#undef RELOAD_OUTCOME_TEXT
    };
    return texts[outcome];
}

const char *reload_step_text(enum reload_step step) {
    static const char *const texts[] = {
#define RELOAD_STEP_TEXT(name, text) [RELOAD_STEP_##name] = text,
        RELOAD_STEPS(RELOAD_STEP_TEXT)
#undef RELOAD_STEP_TEXT
    };
    return texts[step];
}

/* --- the first generations --- */

int reload_create(struct proc *proc, struct supervisor *supervisor, const struct plan *plan,
                  struct log *log, struct reload **ret, struct err *err) {
    struct reload *reload = mem_alloc(sizeof *reload);
    if (!reload) {
        return err_set(err, ERR_NOMEM, "reload");
    }
    reload->proc = proc;
    reload->supervisor = supervisor;
    reload->log = log;
    reload->news = -1;
    pthread_mutex_init(&reload->running, NULL);
    pthread_mutex_init(&reload->lock, NULL);
    if (retirer_create(log, &reload->retirer, err) < 0 || settings_create(reload, plan, err) < 0) {
        reload_destroy(reload);
        return -1;
    }
    *ret = reload;
    return 0;
}

void reload_hold(struct reload *reload) {
    pthread_mutex_lock(&reload->running);
}

void reload_go_on(struct reload *reload) {
    pthread_mutex_unlock(&reload->running);
}

const struct plan *reload_plan(const struct reload *reload) {
    return reload->plan;
}

void reload_destroy(struct reload *reload) {
    if (!reload) {
        return;
    }
    for (size_t i = 0; i < reload->file_count; i++) {
        loaded_close(reload->files[i].library);
        mem_free(reload->files[i].path);
    }
    retirer_destroy(reload->retirer);
    settings_destroy(reload);
    for (size_t i = 0; i < RELOAD_KEEPS; i++) {
        shadow_run_unref(reload->shadows[i]);
    }
    pthread_mutex_destroy(&reload->running);
    pthread_mutex_destroy(&reload->lock);
    mem_free(reload->files);
    mem_free(reload);
}

/* --- read --- */

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_asked_for(const struct reload_file *file, const char *asked) {
    return strcmp(file->path, asked) == 0 || strcmp(file_name(file->path), file_name(asked)) == 0;
}

/* What lies there now, if that is something else. */
static int read_file(struct transaction *t, struct reload_file *file, struct err *err) {
    struct image *image;
    if (image_read(file->path, &image, err) < 0) {
        struct reload_report *report = t->report;
        (void)snprintf(report->file, sizeof report->file, "%s", file->path);
        return -1;
    }
    if (strcmp(image_sha256(image), image_sha256(file->library->image)) == 0) {
        image_destroy(image);
        return 0;
    }
    t->exchanges[t->exchange_count++] = (struct exchange){.file = file, .image = image};
    return 0;
}

static void describe_first(struct transaction *t) {
    const struct exchange *first = &t->exchanges[0];
    const struct image *before = first->file->library->image;
    struct reload_report *report = t->report;
    report->files = (uint32_t)t->exchange_count;
    (void)snprintf(report->file, sizeof report->file, "%s", first->file->path);
    (void)snprintf(report->from_build, sizeof report->from_build, "%s", before->build_id);
    (void)snprintf(report->to_build, sizeof report->to_build, "%s", first->image->build_id);
    (void)snprintf(report->version, sizeof report->version, "%s", first->image->note->version);
    report->from_generation = first->file->library->generation;
}

static int read_files(struct transaction *t, struct err *err) {
    struct reload *reload = t->reload;
    size_t meant = 0;
    t->exchanges = mem_array(reload->file_count + 1, sizeof *t->exchanges);
    if (!t->exchanges) {
        return err_set(err, ERR_NOMEM, "%zu plugin files", reload->file_count);
    }
    for (size_t i = 0; i < reload->file_count; i++) {
        struct reload_file *file = &reload->files[i];
        if (t->how->file ? is_asked_for(file, t->how->file) : files_is_in_use(t, file)) {
            meant++;
            if (read_file(t, file, err) < 0) {
                return -1;
            }
        }
    }
    if (t->how->file && meant == 0) {
        return err_set(err, ERR_NOT_FOUND, "no plugin file '%s' is loaded", t->how->file);
    }
    if (t->exchange_count > 0) {
        describe_first(t);
    }
    return 0;
}

/* --- load, and check against what runs --- */

static int add_types_of(struct transaction *t, struct exchange *exchange, struct err *err) {
    struct proc *proc = t->reload->proc;
    const struct note_plugin *note = exchange->image->note;
    struct turnover *all = mem_resize(t->turnovers, (t->turnover_count + note->actor_count + 1) *
                                                        sizeof *t->turnovers);
    if (!all) {
        return err_set(err, ERR_NOMEM, "%zu actor types", note->actor_count);
    }
    t->turnovers = all;
    for (size_t i = 0; i < note->actor_count; i++) {
        const struct note_actor *actor = &note->actors[i];
        struct plan_type plan_type;
        struct turnover turnover = {proc_find_type(proc, actor->id), NULL};
        if (plan_type_init(&plan_type, note, actor, proc_types(proc), err) < 0) {
            return -1;
        }
        int status = proc_add_type(
            proc, &plan_type, library_find_type(exchange->library, actor->id), &turnover.to, err);
        plan_type_fini(&plan_type);
        if (status < 0) {
            return -1;
        }
        all[t->turnover_count++] = turnover;
    }
    return 0;
}

static const struct inst_type *type_after(const struct transaction *t, const char *id) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (strcmp(t->turnovers[i].to->id, id) == 0) {
            return t->turnovers[i].to;
        }
    }
    return NULL;
}

const struct inst_type *transaction_type_after(const struct transaction *t, const char *id) {
    const struct inst_type *after = type_after(t, id);
    return after ? after : proc_find_type(t->reload->proc, id);
}

/* A type that the file had, and some actor of the plan is, or may spawn. */
static int check_none_missing(const struct transaction *t, const struct exchange *exchange,
                              struct err *err) {
    const struct plan *plan = t->reload->plan;
    for (size_t i = 0; i < plan->type_count; i++) {
        const char *id = plan->types[i].note->id;
        const char *path = plan->plugins[plan->types[i].plugin].file->image->path;
        if (strcmp(path, exchange->file->path) == 0 && !type_after(t, id)) {
            return err_set(err, ERR_REFUSED,
                           "plugin file '%s': actor type '%s' is in use, and the new file has none",
                           exchange->file->path, id);
        }
    }
    return 0;
}

/* By its name, as plans number rows in another way (Y-1); `after`: NULL when the code stays. */
static uint16_t row_number(const struct transaction *t, const struct inst_type *after,
                           const struct plan_actor *actor, const char *name) {
    const char *id = t->reload->plan->types[actor->type].note->id;
    return inst_type_row(after ? after : proc_find_type(t->reload->proc, id), troupe_str(name));
}

/* Both ends of a wire of the plan as they will be. */
static int check_wire(const struct transaction *t, const struct plan_wire *wire, struct err *err) {
    const struct plan *plan = t->reload->plan;
    const struct plan_actor *from = &plan->actors[wire->from];
    const struct plan_actor *to = &plan->actors[wire->to[0]];
    const struct inst_type *source = type_after(t, plan->types[from->type].note->id);
    const struct inst_type *target = type_after(t, plan->types[to->type].note->id);
    const char *out = plan->types[from->type].note->rows[wire->from_row].name;
    const char *in = plan->types[to->type].note->rows[wire->to_row].name;
    uint16_t from_row = row_number(t, source, from, out);
    uint16_t to_row = row_number(t, target, to, in);
    if (source && (from_row == INST_NO_ROW || !source->rows[from_row].kind)) {
        return err_set(err, ERR_REFUSED, "'%s.%s' is wired, and the new code has no such output",
                       from->path, out);
    }
    if (target && (to_row == INST_NO_ROW || !target->rows[to_row].accepts)) {
        return err_set(err, ERR_REFUSED, "'%s.%s' is wired, and the new code has no such port",
                       to->path, in);
    }
    source = transaction_type_after(t, plan->types[from->type].note->id);
    target = transaction_type_after(t, plan->types[to->type].note->id);
    const struct msg_type *sent = source->rows[from_row].type;
    const struct msg_type *taken = target->rows[to_row].type;
    if (sent && taken && type_check_compatible(sent, taken, err) < 0) {
        return err_wrap(err, "the wire '%s.%s -> %s.%s'", from->path, out, to->path, in);
    }
    return 0;
}

/* Whether it stands between the same rows of the same types, as those of replicas do. */
static bool is_like(const struct plan *plan, const struct plan_wire *a, const struct plan_wire *b) {
    return plan->actors[a->from].type == plan->actors[b->from].type &&
           plan->actors[a->to[0]].type == plan->actors[b->to[0]].type &&
           a->from_row == b->from_row && a->to_row == b->to_row;
}

static int check_wires(const struct transaction *t, struct err *err) {
    const struct plan *plan = t->reload->plan;
    for (size_t i = 0; i < plan->wire_count; i++) {
        const struct plan_wire *wire = &plan->wires[i];
        if ((i == 0 || !is_like(plan, wire - 1, wire)) && check_wire(t, wire, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Before anybody goes over. */
static void say_no_way_back(const struct transaction *t, const struct inst_type *to) {
    if (t->reload->log) {
        log_write(t->reload->log, LOG_WARN, NULL,
                  "reload: actor type '%s' has no way back: the code before can't read the states "
                  "of the new code, so an actor stays on it once a turn there has gone well",
                  to->id);
    }
}

static int check_types(struct transaction *t, struct err *err) {
    struct reload_report *report = t->report;
    report->can_go_back = true;
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        bool can_go_back;
        if (!turnover->from) {
            continue;
        }
        report->types++;
        if (swap_check(turnover->from, turnover->to, &can_go_back, err) < 0) {
            return -1;
        }
        report->can_go_back &= can_go_back;
        if (!can_go_back) {
            say_no_way_back(t, turnover->to);
        }
    }
    return check_wires(t, err);
}

/* Files that the next plan has beyond those that there are; they stay, whatever comes of it. */
static int add_next(struct transaction *t, struct err *err) {
    int status = files_add(t->reload, t->how->next, err);
    for (size_t i = 0; i < t->exchange_count; i++) { /* they may have moved */
        t->exchanges[i].file = files_find(t->reload, t->exchanges[i].image->path);
    }
    return status < 0 ? -1 : files_add_types(t->reload, t->how->next, err);
}

static int load(struct transaction *t, struct err *err) {
    struct proc *proc = t->reload->proc;
    for (size_t i = 0; i < t->exchange_count; i++) {
        struct exchange *exchange = &t->exchanges[i];
        if (loaded_go_on(exchange->library, proc_host(proc), t->reload->log, err) < 0 ||
            add_types_of(t, exchange, err) < 0 || check_none_missing(t, exchange, err) < 0) {
            return -1;
        }
    }
    if (t->exchange_count > 0) {
        t->report->to_generation = t->exchanges[0].library->generation;
    }
    if ((t->how->next && add_next(t, err) < 0) || transaction_add_same_code(t, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (proc_link_type(proc, t->turnovers[i].to, err) < 0) {
            return -1;
        }
    }
    return check_types(t, err) < 0 || transaction_check_fields(t, err) < 0 ||
                   transaction_await_late(t, err) < 0
               ? -1
               : transaction_configure(t, err);
}

/* --- the end of a generation --- */

/* One that an actor still refers to stays loaded, as does its type, until the proc ends. */
static bool retire_types(struct transaction *t, bool is_back) {
    struct proc *proc = t->reload->proc;
    bool all = true;
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        const struct inst_type *type = is_back ? turnover->to : turnover->from;
        if (type && swap_refers(proc, type)) {
            all = false;
        }
    }
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        if (is_back) {
            swap_end_back(proc, turnover->to, all);
        } else {
            swap_end(turnover->to);
        }
        if (!all) {
            continue;
        }
        if (is_back && !turnover->from) {
            type_make_current(turnover->to->line, NULL);
        }
        if (is_back || turnover->from) {
            type_retire(proc, is_back ? turnover->to : turnover->from);
        }
    }
    return all;
}

/* Seeded: at once, as everything else happens in its order. */
static uint64_t grace(const struct transaction *t) {
    uint64_t most_ns =
        t->how->has_grace ? t->how->grace_ns : t->reload->plan->manifest->reload.grace_ns;
    return t->how->step ? 0 : most_ns;
}

/* Of a file that has gone over; the generation before. */
static struct library *replace(struct reload *reload, struct exchange *exchange) {
    struct library *old = exchange->file->library;
    pthread_mutex_lock(&reload->lock);
    exchange->file->library = exchange->library;
    pthread_mutex_unlock(&reload->lock);
    return old;
}

static void retire(struct transaction *t, bool is_back) {
    bool all = retire_types(t, is_back);
    for (size_t i = 0; i < t->exchange_count; i++) {
        struct exchange *exchange = &t->exchanges[i];
        struct library *old = is_back ? exchange->library : replace(t->reload, exchange);
        exchange->library = NULL;
        if (old && all) {
            retirer_take(t->reload->retirer, old, grace(t));
        } else if (old) {
            retirer_keep(t->reload->retirer, old, "actors run it still");
        }
    }
}

/* --- the whole --- */

static void fini(struct transaction *t) {
    for (size_t i = 0; t->exchanges && i < t->exchange_count; i++) {
        image_destroy(t->exchanges[i].image);
    }
    transaction_drop_change(t);
    transaction_drop_settings(t);
    shadow_run_unref(t->shadow);
    transaction_drop_comparison(t);
    mem_free(t->exchanges);
    mem_free(t->turnovers);
}

/* Runs one step, and says how long it took. */
static int step(struct transaction *t, enum reload_step at,
                int (*run)(struct transaction *t, struct err *err), struct err *err) {
    struct clock *clock = proc_clock(t->reload->proc);
    uint64_t from_ns = clock->now(clock);
    t->report->step = at;
    int status = run(t, err);
    t->report->step_ns[at] += clock->now(clock) - from_ns;
    return status;
}

static int settle(struct transaction *t, struct err *err) {
    (void)err;
    transaction_settle(t);
    return 0;
}

static int remove_all(struct transaction *t, struct err *err) {
    (void)err;
    transaction_remove(t);
    return 0;
}

static int go_back(struct transaction *t, struct err *err) {
    (void)err;
    transaction_undo_change(t);
    transaction_back(t);
    return 0;
}

static int take_back(struct transaction *t) {
    enum reload_step failed_at = t->report->step;
    (void)step(t, RELOAD_STEP_BACK, go_back, NULL);
    transaction_keep_settings(t, false);
    retire(t, true);
    t->report->step = failed_at;
    t->report->outcome = RELOAD_TAKEN_BACK;
    return -1;
}

static int run(struct transaction *t, struct err *err) {
    if (step(t, RELOAD_STEP_READ, read_files, err) < 0 ||
        step(t, RELOAD_STEP_CHECK, transaction_compare, err) < 0 ||
        step(t, RELOAD_STEP_CHECK, transaction_check_keys, err) < 0) {
        return -1;
    }
    if (t->exchange_count == 0 && !t->has_settings && !t->has_change) {
        t->report->outcome = RELOAD_NOTHING;
        return 0;
    }
    if (step(t, RELOAD_STEP_PROBE, transaction_probe, err) < 0 ||
        step(t, RELOAD_STEP_LOAD, load, err) < 0) {
        retire(t, true);
        return -1;
    }
    transaction_hand_out(t);
    if (transaction_wants_shadow(t) && step(t, RELOAD_STEP_SHADOW, transaction_shadow, err) < 0) {
        transaction_keep_settings(t, false);
        retire(t, true);
        return -1;
    }
    bool has_canary = transaction_mode(t) == RELOAD_CANARY;
    if ((has_canary && step(t, RELOAD_STEP_CANARY, transaction_canary, err) < 0) ||
        step(t, RELOAD_STEP_OVER, transaction_over, err) < 0 ||
        (t->change && (step(t, RELOAD_STEP_ADD, transaction_add, err) < 0 ||
                       step(t, RELOAD_STEP_REWIRE, transaction_rewire, err) < 0)) ||
        step(t, RELOAD_STEP_PROBATION, transaction_prove, err) < 0 ||
        (t->change && step(t, RELOAD_STEP_REMOVE, transaction_let_leave, err) < 0)) {
        return take_back(t);
    }
    (void)step(t, RELOAD_STEP_PROBATION, settle, NULL);
    if (t->change) {
        (void)step(t, RELOAD_STEP_REMOVE, remove_all, NULL);
    }
    transaction_keep_settings(t, true);
    retire(t, false);
    t->report->outcome = RELOAD_DONE;
    return 0;
}

int reload_run(struct reload *reload, const struct reload_how *how, struct reload_report *ret,
               struct err *err) {
    struct err own;
    err = err ? err : &own;
    pthread_mutex_lock(&reload->running);
    *ret = report_begin(reload);
    struct transaction t = {.reload = reload, .how = how, .report = ret};
    int status = run(&t, err);
    if (status < 0) {
        ret->added = ret->removed = ret->rewired = ret->restarted = 0;
    }
    report_end(&t, status < 0 ? err->text : "");
    fini(&t);
    reload_sweep(reload, grace(&t));
    pthread_mutex_unlock(&reload->running);
    return status;
}

int reload_refuse(struct reload *reload, const char *why, struct reload_report *ret,
                  struct err *err) {
    const struct reload_how how = {0};
    pthread_mutex_lock(&reload->running);
    *ret = report_begin(reload);
    struct transaction t = {.reload = reload, .how = &how, .report = ret};
    int status = step(&t, RELOAD_STEP_READ, read_files, err);
    report_end(&t, status < 0 ? err->text : why);
    fini(&t);
    pthread_mutex_unlock(&reload->running);
    return status;
}

size_t reload_current(struct reload *reload, struct retired *ret, size_t room) {
    pthread_mutex_lock(&reload->lock);
    size_t count = reload->file_count < room ? reload->file_count : room;
    for (size_t i = 0; i < count; i++) {
        retired_describe(reload->files[i].library, &ret[i]);
    }
    pthread_mutex_unlock(&reload->lock);
    return count;
}

size_t reload_retired(struct reload *reload, struct retired *ret, size_t room) {
    return retirer_list(reload->retirer, ret, room);
}
