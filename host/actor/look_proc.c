/* Looking at a proc as a whole. */
#include <string.h>

#include "actor/facts.h"
#include "actor/look.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "record/cut.h"
#include "record/proc_view.h"

static void fill_totals(struct proc *proc, struct proc_view *view) {
    struct proc_totals totals;
    proc_totals(proc, &totals);
    view->live_instances = totals.live_instances;
    view->live_messages = totals.live_messages > 0 ? (uint64_t)totals.live_messages : 0;
    view->queued = (uint64_t)totals.queued; /* never negative */
    view->queued_high_water = (uint64_t)totals.queued_high_water;
    view->handled = totals.handled;
    view->sent = totals.sent;
    view->dropped = totals.dropped;
    view->dead_letters = totals.dead_letters;
    view->late_replies = totals.late_replies;
    view->discarded_turns = totals.discarded_turns;
    view->pauses = totals.pauses;
    view->cycles = totals.cycles;
    view->quarantined = totals.quarantined;
    view->retried = totals.retried;
    view->lost_with_state = totals.lost_with_state;
    view->snapshots_evicted = snapshot_store_counts(&proc->snapshots).evicted;
    view->quarantine_fallen = quarantine_counts(&proc->quarantine).fallen;
    view->last_nonzero_wall_ns = facts_wall(proc, totals.last_nonzero_ns);
}

struct letters {
    struct proc *proc;
    struct proc_view *view;
    uint32_t room;
};

static void take_letter(void *context, const struct dead_letter *letter) {
    struct letters *letters = context;
    struct proc_view *view = letters->view;
    if (view->dead_count == letters->room) {
        return;
    }
    const struct msg_type *type = type_get(letters->proc->types, letter->message->type);
    struct proc_view_dead *dead = &view->dead[view->dead_count++];
    *dead = (struct proc_view_dead){.number = letter->number,
                                    .from_uid = letter->from,
                                    .to_uid = letter->to,
                                    .wall_ns = facts_wall(letters->proc, letter->at_ns),
                                    .reason = troupe_status_text(letter->reason)};
    cut_copy(dead->type, sizeof dead->type, type ? type->abi.id.data : "");
}

/* Its address, also when it has ended meanwhile. */
static void name_uid(struct proc *proc, uint64_t uid, char *ret, size_t size) {
    struct snapshot_brief brief;
    struct snapshot *snapshot = NULL;
    struct inst *in = looks_find(proc, uid);
    if (in) {
        inst_name(in, ret, size);
    } else if (uid && snapshot_store_find_last(&proc->snapshots, uid, &brief, &snapshot)) {
        cut_copy(ret, size, brief.id);
        snapshot_unref(snapshot);
    }
}

static int fill_dead(struct proc *proc, struct proc_view *view) {
    struct letters letters = {proc, view, proc->options.dead_letters_keep};
    view->dead = mem_array(letters.room + 1, sizeof *view->dead);
    if (!view->dead) {
        return -1;
    }
    dead_each(&proc->dead, take_letter, &letters);
    struct looker looker;
    looks_begin(proc, &looker);
    for (uint32_t i = 0; i < view->dead_count; i++) {
        struct proc_view_dead *dead = &view->dead[i];
        name_uid(proc, dead->from_uid, dead->from, sizeof dead->from);
        name_uid(proc, dead->to_uid, dead->to, sizeof dead->to);
    }
    looks_end(proc, &looker);
    return 0;
}

static int fill_terminated(struct proc *proc, struct proc_view *view) {
    uint32_t room = proc->snapshots.keep + 1;
    view->terminated = mem_array(room, sizeof *view->terminated);
    if (!view->terminated) {
        return -1;
    }
    uint32_t count = snapshot_store_list(&proc->snapshots, view->terminated, NULL, room);
    view->terminated_count = count < room ? count : room;
    for (uint32_t i = 0; i < view->terminated_count; i++) {
        struct snapshot_brief *brief = &view->terminated[i];
        brief->wall_ns = brief->wall_ns ? brief->wall_ns : facts_wall(proc, brief->ended_ns);
    }
    return 0;
}

int look_at_proc(struct proc *proc, struct proc_view **ret, struct err *err) {
    struct proc_view *view = mem_alloc(sizeof *view);
    if (!view) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    str_init(&view->quarantine);
    view->name = mem_text(proc->name);
    view->wall_ns = proc->clock->wall(proc->clock);
    fill_totals(proc, view);
    quarantine_list_json(&proc->quarantine, pools_shared(proc->pools), proc->types,
                         &view->quarantine);
    if (!view->name || fill_dead(proc, view) < 0 || fill_terminated(proc, view) < 0 ||
        view->quarantine.failed) {
        proc_view_destroy(view);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *ret = view;
    return 0;
}
