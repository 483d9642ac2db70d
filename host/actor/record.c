/* What outlives a moment of an actor: notes in its flight recorder, the snapshot of a life that ends.
 *
 * The ring is made when there is something worth noting: a log line, a failure, or so many messages that
 * the actor is no passer-by. Lookers read it meanwhile. */
#include <stdio.h>
#include <string.h>

#include "actor/facts.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"

/* Whoever has handled as many gets a recorder. */
#define FLIGHT_FROM 64u

struct flight *record_flight(struct inst *in) {
    if (!in->flight) {
        struct flight *flight = flight_create();
        if (flight && in->phase != PHASE_DOWN) {
            uint64_t created_ns = atomic_load_explicit(&in->created_ns, memory_order_relaxed);
            flight_note(flight, created_ns, FLIGHT_STARTED, inst_incarnation(in), NULL);
        }
        /* release: pairs with look.c */
        __atomic_store_n(&in->flight, flight, __ATOMIC_RELEASE);
    }
    return in->flight;
}

void record_note(struct runner *r, struct inst *in, enum flight_kind kind, uint32_t number,
                 const char *text) {
    if (in->flight) {
        uint64_t now_ns = r->worker ? sched_coarse_now(r->worker) : 0;
        flight_note(in->flight, now_ns, kind, number, text);
    }
}

__attribute__((noinline)) void record_first_ran(struct inst *in, uint64_t now_ns, uint16_t row) {
    if (atomic_load_explicit(&in->processed, memory_order_relaxed) >= FLIGHT_FROM &&
        record_flight(in)) {
        flight_ran(in->flight, now_ns, row, in->type->rows[row].name);
    }
}

__attribute__((noinline)) void record_time(struct runner *r, struct inst *in, uint64_t since_ns) {
    uint64_t now_ns = sched_read_clock(r->worker);
    uint64_t busy_ns = atomic_load_explicit(&in->busy_ns, memory_order_relaxed);
    atomic_store_explicit(&in->busy_ns, busy_ns + (now_ns > since_ns ? now_ns - since_ns : 0),
                          memory_order_relaxed);
}

/* --- the snapshot of an end --- */

struct gathered {
    struct facts_room room;
    const char *frames[SNAPSHOT_FRAMES_MAX];
    char *frame_text; /* owned: the frames, cut into lines */
};

static void cut_frames(struct gathered *g, struct snapshot_failure *failure) {
    for (char *line = g->frame_text; line && *line && failure->frame_count < SNAPSHOT_FRAMES_MAX;) {
        char *end = strchr(line, '\n');
        g->frames[failure->frame_count++] = line;
        if (end) {
            *end = '\0';
        }
        line = end ? end + 1 : NULL;
    }
    failure->frames = g->frames;
}

static void gather_failure(struct inst *in, struct gathered *g, struct snapshot_failure *ret) {
    const struct failure *failure = inst_failure(in);
    if (!failure) {
        *ret = (struct snapshot_failure){.kind = FAILURE_HOST,
                                         .code = troupe_status_text(TROUPE_NO_MEMORY),
                                         .message = "out of memory",
                                         .sentence = "out of memory"};
        return;
    }
    *ret = (struct snapshot_failure){.kind = failure->kind,
                                     .code = troupe_status_text(failure->status),
                                     .message = failure->own,
                                     .sentence = failure->text,
                                     .wall_ns = failure->wall_ns};
    if (failure->root[0] && strcmp(failure->root, g->room.id) != 0) {
        ret->root_id = failure->root;
        ret->root_name = failure->root;
    }
    g->frame_text = failure->frames ? mem_text(failure->frames) : NULL;
    cut_frames(g, ret);
    if (failure->type[0]) {
        ret->in_hand =
            (struct snapshot_message){.type = failure->type,
                                      .port = failure->port,
                                      .sender = failure->sender[0] ? failure->sender : NULL,
                                      .json = failure->json,
                                      .json_size = failure->json_size,
                                      .deaths = failure->deaths,
                                      .quarantine = failure->quarantine};
    }
}

static void gather(struct inst *in, struct gathered *g, struct snapshot_facts *facts) {
    facts_gather(in, &g->room, facts);
    facts->failed = in->failed;
    facts->reason = life_reason(in);
    g->frame_text = NULL;
    if (in->failed) {
        gather_failure(in, g, &facts->failure);
        facts->reason = facts->failure.sentence;
    }
}

static void let_go(struct gathered *g, const struct snapshot_facts *facts) {
    facts_let_go(&g->room, facts);
    mem_free(g->frame_text);
}

static void store(struct proc *proc, bool failed, const struct snapshot_facts *facts,
                  struct snapshot *snapshot) {
    if (!snapshot) {
        struct snapshot_brief brief;
        snapshot_brief_fill(&brief, facts);
        snapshot_store_note(&proc->snapshots, &brief, facts->ended_ns);
        return;
    }
    if (failed && proc->options.files) {
        (void)files_write_snapshot(proc->options.files, snapshot);
    }
    snapshot_store_add(&proc->snapshots, snapshot, facts->ended_ns);
}

/* When there is no memory for more, and of those of whom there is no more to tell. */
static void note_in_brief(struct runner *r, struct inst *in) {
    struct proc *proc = in->proc;
    struct snapshot_brief brief = {.uid = inst_uid(in),
                                   .incarnation = inst_incarnation(in),
                                   .ended_ns = sched_coarse_now(r->worker),
                                   .failed = in->failed};
    (void)inst_name(in, brief.id, sizeof brief.id);
    (void)snprintf(brief.reason, sizeof brief.reason, "%s", life_reason(in));
    snapshot_store_note(&proc->snapshots, &brief, brief.ended_ns);
}

/* Of a spawned child that ends well there is no more to tell than that it did. */
void record_end_of_child(struct runner *r, struct inst *in) {
    bool has_name = in->more && in->more->name;
    struct snapshot_child child = {.family = has_name ? NULL : inst_family(in),
                                   .uid = inst_uid(in),
                                   .pid = in->pid,
                                   .incarnation = inst_incarnation(in),
                                   .ended_ns = sched_coarse_now(r->worker),
                                   .reason = life_reason(in)};
    if (child.family) {
        snapshot_store_note_child(&in->proc->snapshots, &r->ended, &child);
    } else {
        note_in_brief(r, in);
    }
}

/* Returns how many messages the state that ends has lost. */
static uint64_t count_lost(struct runner *r, struct inst *in) {
    const struct failure *failure = inst_failure(in);
    uint64_t since = atomic_load_explicit(&in->processed, memory_order_relaxed);
    if (in->checkpoints && inst_has_lives(in)) {
        since = in->more->lives->checkpoint.since;
    } else if (since > 0 && failure && failure->type[0]) {
        since--; /* the one that it died on */
    }
    since = in->type->state_size > 0 ? since : 0;
    tally_add(&r->lost_with_state, since);
    struct inst_lives *lives = inst_has_lives(in);
    if (lives) {
        tally_add(&lives->tally.failures, 1);
        tally_add(&lives->tally.lost_with_state, since);
    }
    return since;
}

void proc_note_failure(struct proc *proc, const char *reason, const char *root) {
    int64_t wall_ns = proc->clock->wall(proc->clock);
    struct snapshot_facts facts = {
        .proc = proc->name,
        .id = proc->name,
        .name = proc->name,
        .uid = inst_uid(proc->self),
        .incarnation = 1,
        .actor_type = proc->self->type->id,
        .is_system = true,
        .failed = true,
        .reason = reason,
        .ended_wall_ns = wall_ns,
        .created_wall_ns =
            facts_wall(proc, atomic_load_explicit(&proc->self->created_ns, memory_order_relaxed)),
        .ended_ns = proc->clock->now(proc->clock),
        .failure = {.kind = FAILURE_CHILD,
                    .code = troupe_status_text(TROUPE_ERROR),
                    .message = reason,
                    .sentence = reason,
                    .root_id = root,
                    .root_name = root,
                    .wall_ns = wall_ns}};
    store(proc, true, &facts, snapshot_create(&facts, NULL));
}

static void note_end(struct runner *r, struct inst *in) {
    const struct failure *failure = inst_failure(in);
    const char *why = failure ? failure->text : NULL;
    record_note(r, in, in->failed ? FLIGHT_FAILED : FLIGHT_STOPPED, 0,
                in->failed ? why : life_reason(in));
}

void record_end(struct runner *r, struct inst *in) {
    if (in->flight) {
        note_end(r, in);
    }
    bool is_small = in->spawned && !in->failed && in->type != &type_client;
    if (is_small) {
        record_end_of_child(r, in);
        if (!inst_is_held(in)) {
            return;
        }
    }
    uint64_t lost = in->failed ? count_lost(r, in) : 0;
    struct gathered *g = mem_alloc(sizeof *g);
    struct snapshot_facts facts;
    if (!g) {
        if (!is_small) {
            note_in_brief(r, in);
        }
        return;
    }
    gather(in, g, &facts);
    facts.failure.lost_with_state = lost;
    struct snapshot *snapshot = snapshot_create(&facts, in->flight);
    if (inst_is_held(in)) { /* all of it, whatever the store keeps */
        held_keep_end(in, snapshot);
    }
    if (is_small) {
        snapshot_unref(snapshot);
    } else {
        store(in->proc, in->failed, &facts, snapshot);
    }
    let_go(g, &facts);
    mem_free(g);
    const struct failure *failure = inst_failure(in);
    if (in->failed && failure) {
        past_add(in, facts.incarnation, failure->wall_ns, failure->text);
    }
}
