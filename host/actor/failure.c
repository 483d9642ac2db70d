/* Facts of a failed life, and what becomes of the message it died on. */
#include "actor/failure.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "message/json.h"

void failure_destroy(struct failure *failure) {
    if (failure) {
        mem_free(failure->frames);
        mem_free(failure->json);
        mem_free(failure);
    }
}

/* --- the lives before --- */

void past_add(struct inst *in, uint32_t incarnation, int64_t wall_ns, const char *why) {
    struct inst_more *more = in->more;
    struct past *before = atomic_load_explicit(&more->past, memory_order_relaxed);
    struct snapshot_restart all[PAST_MAX + 1];
    size_t count = before ? before->count : 0, size = 0;
    if (before) {
        memcpy(all, before->items, count * sizeof *all);
    }
    all[count++] = (struct snapshot_restart){incarnation, wall_ns, why};
    size_t from = count > PAST_MAX;
    for (size_t i = from; i < count; i++) {
        size += strlen(all[i].why) + 1;
    }
    struct past *past = mem_alloc(sizeof *past + size);
    if (!past) {
        return;
    }
    char *text = past->texts;
    for (size_t i = from; i < count; i++) {
        struct snapshot_restart *item = &past->items[past->count++];
        *item = all[i];
        item->why = text;
        size_t length = strlen(all[i].why) + 1;
        memcpy(text, all[i].why, length);
        text += length;
    }
    atomic_store_explicit(&more->past, past, memory_order_seq_cst); /* L-1 */
    looks_give_up(in->proc, before ? &before->block : NULL);
}

/* --- the message in hand --- */

/* Actors of the plan stay, and so do we, those above us, and our children until we hear of their end. Of
 * others the name can't be read safely. */
static const struct inst *find_safe(const struct inst *in, uint64_t uid) {
    for (const struct inst *above = in; above; above = inst_parent(above)) {
        if (inst_uid(above) == uid) {
            return above;
        }
    }
    if (inst_open_children(in) > 0) {
        LIST_EACH (link, &in->more->children) {
            const struct inst *child = LIST_OF(link, struct inst, sibling);
            if (inst_uid(child) == uid) {
                return child;
            }
        }
    }
    return proc_planned(in->proc, uid);
}

static void name_of(const struct inst *self, uint64_t uid, char *ret, size_t size) {
    const struct inst *in = uid ? find_safe(self, uid) : NULL;
    ret[0] = '\0';
    if (in) {
        inst_name(in, ret, size);
    } else if (uid) {
        (void)snprintf(ret, size, "uid:%llu", (unsigned long long)uid);
    }
}

static void describe(struct inst *in, struct failure *failure, uint16_t row, struct msg *m) {
    const struct msg_type *type = type_get(in->proc->types, m->type);
    if (!type) {
        return;
    }
    struct troupe_any any = {&type->abi, msg_body(m)};
    (void)snprintf(failure->type, sizeof failure->type, "%.*s", TROUPE_STR_ARG(type->abi.id));
    (void)snprintf(failure->port, sizeof failure->port, "%s", in->type->rows[row].name);
    name_of(in, m->sender, failure->sender, sizeof failure->sender);
    mem_free(failure->json);
    failure->json = msg_json(&any, &failure->json_size);
}

static uint32_t most_deaths(const struct inst *in) {
    const struct actor_policy *policy = proc_policy_of(in->proc, in);
    return policy ? atomic_load_explicit(&policy->quarantine_after, memory_order_relaxed) : 1;
}

static void fill(const struct inst *in, const struct failure *failure,
                 struct quarantine_facts *facts) {
    *facts = (struct quarantine_facts){.uid = inst_uid(in),
                                       .incarnation = inst_incarnation(in),
                                       .deaths = failure->deaths,
                                       .at_ns = in->proc->clock->now(in->proc->clock),
                                       .wall_ns = failure->wall_ns};
    inst_name(in, facts->actor, sizeof facts->actor);
    (void)snprintf(facts->port, sizeof facts->port, "%s", failure->port);
    (void)snprintf(facts->sender, sizeof facts->sender, "%s", failure->sender);
    (void)snprintf(facts->reason, sizeof facts->reason, "%.250s", failure->text);
}

static void write_file(struct inst *in, const struct failure *failure, uint64_t number) {
    struct proc *proc = in->proc;
    struct str json;
    if (!proc->options.files) {
        return;
    }
    str_init(&json);
    if (quarantine_json(&proc->quarantine, pools_shared(proc->pools), proc->types, number, &json) ==
            0 &&
        !json.failed) {
        (void)files_write_message(proc->options.files, inst_shown_name(in), in->pid,
                                  inst_incarnation(in), failure->wall_ns, str_take(&json));
    }
    str_fini(&json);
}

static void quarantine(struct runner *r, struct inst *in, struct failure *failure, struct msg *m) {
    struct quarantine_facts facts;
    fill(in, failure, &facts);
    if (m->kind == MSG_REQUEST) {
        struct troupe_once once = {m->sender, msg_call(m)};
        if (request_remove(in, once)) {
            request_refuse(r, in, once, TROUPE_ERROR,
                           troupe_str("the callee died on the request, which is in quarantine"));
        }
    }
    failure->quarantine = quarantine_add(&in->proc->quarantine, r->pool, &facts, m);
    tally_add(&in->more->lives->tally.quarantined, 1);
    record_note(r, in, FLIGHT_QUARANTINED, 0, failure->port);
    write_file(in, failure, failure->quarantine);
}

/* The same message in an envelope that is marked; NULL: no memory. Its own flags others may be reading. */
static struct msg *mark(struct runner *r, struct msg *m) {
    if (m->flags & MSG_RETRIED) {
        return m;
    }
    unsigned flags = m->flags & (MSG_EXTENDED | MSG_BY_NAME | MSG_ROOMY);
    struct msg *marked = msg_share(r->pool, m, flags | MSG_RETRIED);
    if (marked) {
        marked->kind = m->kind;
        marked->sender = m->sender;
        marked->dest = m->dest;
        marked->port = m->port;
        if (flags & MSG_EXTENDED) {
            *msg_extension(marked) = *msg_extension(m);
        }
        msg_free(r->pool, m);
    }
    return marked;
}

/* It comes first in the next life. A request is asked anew, so nothing of it is left open. */
static void give_to_next_life(struct runner *r, struct inst *in, struct msg *m) {
    if (m->kind == MSG_REQUEST) {
        (void)request_remove(in, (struct troupe_once){m->sender, msg_call(m)});
    }
    queue_count(r, 1);
    mbox_untake(&in->mbox, m);
    tally_add(&r->retried, 1);
    tally_add(&in->more->lives->tally.retried, 1);
}

__attribute__((cold, noinline)) void died_on(struct runner *r, struct inst *in, uint16_t row,
                                             struct msg *m) {
    struct failure *failure = inst_failure(in);
    if (!failure || in->told) {
        if (m->kind == MSG_REQUEST) {
            msg_free(r->pool, m); /* its caller hears of the end from calls_end */
        } else {
            bury(r, in->proc, m, life_end_status(in));
        }
        return;
    }
    struct inst_lives *lives = in->more->lives;
    lives->deaths = m->flags & MSG_RETRIED ? lives->deaths + 1 : 1;
    failure->deaths = lives->deaths;
    describe(in, failure, row, m);
    bool again = lives->deaths < most_deaths(in) && !r->committed && !in->spawned;
    struct msg *marked = again ? mark(r, m) : NULL;
    if (marked) {
        give_to_next_life(r, in, marked);
    } else {
        quarantine(r, in, failure, m);
    }
}
