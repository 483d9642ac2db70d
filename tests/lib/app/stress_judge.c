/* The verdict on a stress run: every message accounted for, nothing left. */
#include <stdlib.h>
#include <string.h>

#include "actor/proc.h"
#include "lib/app/stress_impl.h"
#include "lib/test.h"
#include "message/message.h"

#define MISSING_NAMED 3u

struct tally {
    struct stress_case *c;
    uint8_t *dead; /* by number: copies among the dead letters */
    uint64_t letters;
    const void **blocks; /* of the letters, and of the bodies they share */
    size_t block_count, block_room;
    uint64_t missing;              /* copies of messages that ended nowhere */
    uint32_t named[MISSING_NAMED]; /* the first of them */
    unsigned named_count;
    uint64_t missing_loose;  /* of those, copies by broadcast */
    uint64_t gone;           /* items among the letters because of a slot that had closed */
    uint64_t overflown;      /* and of a cycle */
    uint64_t dead_questions; /* that somebody died on, and nobody handled */
    uint64_t unheard;        /* questions that nobody heard and whose call ran out of time */
};

static uint32_t number_of(struct stress_case *c, const struct msg *m) {
    const struct msg_type *type = m->type ? type_get(c->types, m->type) : NULL;
    if (!type) {
        return 0;
    }
    bool ours = strncmp(type->abi.id.data, "stress.item/", 12) == 0 ||
                strncmp(type->abi.id.data, "stress.question/", 16) == 0;
    /* the number is the first field of both */
    return ours ? *(const uint32_t *)msg_body((struct msg *)(uintptr_t)m) : 0;
}

static void add_block(struct tally *tally, const void *block) {
    if (tally->block_count == tally->block_room) {
        tally->block_room = tally->block_room ? tally->block_room * 2 : 64;
        tally->blocks = test_realloc(tally->blocks, tally->block_room * sizeof *tally->blocks);
    }
    tally->blocks[tally->block_count++] = block;
}

static int compare_blocks(const void *a, const void *b) {
    uintptr_t left = (uintptr_t) * (const void *const *)a;
    uintptr_t right = (uintptr_t) * (const void *const *)b;
    return left < right ? -1 : left > right;
}

static uint64_t count_blocks(struct tally *tally) {
    uint64_t count = 0;
    if (tally->block_count) {
        qsort(tally->blocks, tally->block_count, sizeof *tally->blocks, compare_blocks);
    }
    for (size_t i = 0; i < tally->block_count; i++) {
        count += i == 0 || tally->blocks[i] != tally->blocks[i - 1];
    }
    return count;
}

static void count_letter(void *context, const struct dead_letter *letter) {
    struct tally *tally = context;
    uint32_t number = number_of(tally->c, letter->message);
    add_block(tally, letter->message);
    add_block(tally, msg_origin(letter->message));
    tally->letters++;
    tally->gone += letter->message->kind != MSG_REQUEST && letter->reason == TROUPE_GONE;
    tally->overflown += letter->reason == TROUPE_CYCLE_OVERFLOW;
    if (number < LEDGER_MESSAGES) {
        tally->dead[number]++;
    }
}

static void judge_item(struct tally *tally, uint32_t number, const struct ledger_cell *cell) {
    unsigned copies = atomic_load(&cell->copies);
    unsigned handled = atomic_load(&cell->handled);
    unsigned returned = atomic_load(&cell->returned);
    unsigned ended = handled + returned + tally->dead[number];
    if (ended > copies) {
        stress_fail(tally->c,
                    "message %u of actor %u was sent in %u copies; %u were handled, %u came back, "
                    "%u are dead letters",
                    number, cell->sender, copies, handled, returned, tally->dead[number]);
    }
    if (ended < copies && tally->named_count < MISSING_NAMED) {
        tally->named[tally->named_count++] = number;
    }
    bool explained = tally->c->graph.drops || copies - ended <= atomic_load(&cell->died) ||
                     atomic_load(&cell->loose);
    if (!explained) {
        stress_fail(tally->c,
                    "message %u of actor %u: %u of %u copies are missing, %u deaths on it", number,
                    cell->sender, copies - ended, copies, atomic_load(&cell->died));
    }
    tally->missing += copies - ended;
    tally->missing_loose += atomic_load(&cell->loose) ? copies - ended : 0;
}

static void judge_question(struct tally *tally, uint32_t number, const struct ledger_cell *cell) {
    int status = 1 - atomic_load(&cell->ended); /* 1: no outcome */
    unsigned handled = atomic_load(&cell->handled);
    if (handled + tally->dead[number] > 1 || atomic_load(&cell->returned)) {
        stress_fail(tally->c, "question %u was handled %u times, lies %u times among dead letters",
                    number, handled, tally->dead[number]);
    }
    bool must = status == TROUPE_OK || status == TROUPE_REFUSED;
    bool must_not = status == TROUPE_FULL || status == TROUPE_CYCLE_OVERFLOW;
    unsigned died = atomic_load(&cell->died);
    must_not |= status == TROUPE_ERROR && !died;
    if ((must && !handled) || (must_not && (handled || died))) {
        stress_fail(tally->c, "the call of question %u ended with '%s' and it was handled %u times",
                    number, troupe_status_text(status), handled);
    }
    if (handled && status == TROUPE_ERROR) {
        stress_fail(tally->c, "question %u is in quarantine, and was handled", number);
    }
    bool unheard =
        !handled && !died && !tally->dead[number] && (status == TROUPE_TIMEOUT || status == 1);
    tally->unheard += unheard;
    tally->dead_questions += !handled && died > 0;
}

static void judge_cells(struct tally *tally) {
    uint32_t count = atomic_load(&tally->c->ledger->messages);
    for (uint32_t n = 1; n <= count && n < LEDGER_MESSAGES; n++) {
        const struct ledger_cell *cell = &tally->c->ledger->cell[n];
        switch (atomic_load(&cell->kind)) {
        case LEDGER_DATA:
            judge_item(tally, n, cell);
            break;
        case LEDGER_REQUEST:
            judge_question(tally, n, cell);
            break;
        case LEDGER_GHOST:
            if (atomic_load(&cell->handled) || atomic_load(&cell->returned) || tally->dead[n]) {
                stress_fail(tally->c, "message %u was seen, though its turn failed", n);
            }
            break;
        default:
            break;
        }
    }
}

/* Dropped and counted: neither more nor less than is missing. */
static void judge_drops(struct tally *tally, const struct proc_totals *totals) {
    struct stress_case *c = tally->c;
    /* replicas may have ended while others still send to their pool; so in a cycle at its end */
    bool loose = c->graph.supervised || c->graph.closes_early || c->graph.has_cycles ||
                 c->graph.end == STRESS_FAILS || c->graph.end == STRESS_IS_ABORTED ||
                 c->result.failed;
    uint64_t least = tally->missing - (loose ? tally->missing_loose : 0);
    uint64_t most = tally->missing + tally->unheard + tally->dead_questions;
    uint64_t found = totals->dropped + totals->quarantined;
    if (found < least || found > most) {
        stress_fail(c,
                    "%llu messages were counted as dropped, %llu as quarantined; missing are %llu "
                    "(%llu of them by "
                    "broadcast), and %llu questions were never heard; the first missing: %u %u %u",
                    (unsigned long long)totals->dropped, (unsigned long long)totals->quarantined,
                    (unsigned long long)tally->missing, (unsigned long long)tally->missing_loose,
                    (unsigned long long)tally->unheard, tally->named[0], tally->named[1],
                    tally->named[2]);
    }
    if (!c->graph.drops && totals->dropped) {
        stress_fail(c, "%llu messages were dropped, though nothing may drop",
                    (unsigned long long)totals->dropped);
    }
}

static void judge_calls(struct tally *tally, const struct proc_totals *totals) {
    struct stress_case *c = tally->c;
    uint64_t asked = atomic_load(&c->ledger->asked);
    uint64_t outcomes = atomic_load(&c->ledger->outcomes);
    uint64_t pending = atomic_load(&c->ledger->left_pending);
    uint64_t answers = atomic_load(&c->ledger->answers);
    uint64_t answered = atomic_load(&c->ledger->answered) + atomic_load(&c->ledger->lost_answers);
    bool exact = c->graph.end != STRESS_IS_ABORTED &&
                 !c->graph.hasty_stops; /* who is aborted does not clean up */
    if (outcomes + pending > asked || (exact && outcomes + pending != asked)) {
        stress_fail(c, "%llu calls were made; %llu had an outcome, %llu were pending at the end",
                    (unsigned long long)asked, (unsigned long long)outcomes,
                    (unsigned long long)pending);
    }
    if (answered > answers || answers - answered > totals->late_replies) {
        stress_fail(c, "%llu answers were given, %llu arrived, %llu came too late",
                    (unsigned long long)answers, (unsigned long long)answered,
                    (unsigned long long)totals->late_replies);
    }
}

static void judge_family(struct tally *tally, const struct proc_totals *totals) {
    const struct ledger *ledger = tally->c->ledger;
    if (atomic_load(&ledger->ended) > atomic_load(&ledger->spawned)) {
        stress_fail(tally->c, "%llu children were started, %llu ended",
                    (unsigned long long)atomic_load(&ledger->spawned),
                    (unsigned long long)atomic_load(&ledger->ended));
    }
    if (atomic_load(&ledger->orphans) && totals->cycles == 0 && !tally->c->graph.supervised) {
        stress_fail(tally->c, "%llu results of children were missing when their end was heard",
                    (unsigned long long)atomic_load(&ledger->orphans));
    }
}

/* FC-4 */
static void judge_deaths(struct tally *tally, const struct proc_totals *totals) {
    const struct ledger *ledger = tally->c->ledger;
    uint64_t deaths = atomic_load(&ledger->deaths);
    uint64_t quarantined = atomic_load(&ledger->quarantined);
    if (totals->quarantined != quarantined || totals->retried != deaths - quarantined) {
        stress_fail(tally->c,
                    "%llu deaths on messages, of which %llu the last one; %llu messages were "
                    "quarantined, %llu were to be retried",
                    (unsigned long long)deaths, (unsigned long long)quarantined,
                    (unsigned long long)totals->quarantined, (unsigned long long)totals->retried);
    }
}

/* AI-4: while a slot is open, senders wait for it, however long its back-off is. */
static void judge_patience(struct tally *tally, const struct proc_totals *totals) {
    const struct stress_graph *graph = &tally->c->graph;
    const struct ledger *ledger = tally->c->ledger;
    uint64_t gone = atomic_load(&ledger->gone) + tally->gone;
    uint64_t overflown = atomic_load(&ledger->overflown) + tally->overflown;
    bool all_stay = !graph->closes_early && !graph->may_give_up && !graph->has_parents &&
                    !graph->has_cycles && !tally->c->result.failed && !tally->c->result.aborted &&
                    graph->end != STRESS_FAILS;
    if (all_stay && gone > 0) {
        stress_fail(tally->c, "%llu items came back from slots that are open",
                    (unsigned long long)gone);
    }
    if (overflown > 0 && (totals->cycles == 0 || (all_stay && !graph->batches))) {
        stress_fail(tally->c, "%llu items came back as if there were a cycle (%llu were seen)",
                    (unsigned long long)overflown, (unsigned long long)totals->cycles);
    }
}

static void judge_rest(struct tally *tally, const struct proc_totals *totals) {
    struct stress_case *c = tally->c;
    if (totals->queued != 0) {
        stress_fail(c, "%lld messages are counted as queued at the end", (long long)totals->queued);
    }
    uint64_t blocks = count_blocks(tally);
    if (totals->live_messages != (int64_t)blocks) {
        stress_fail(c, "%lld blocks of messages are in use, dead letters have %llu",
                    (long long)totals->live_messages, (unsigned long long)blocks);
    }
    if (totals->live_instances != c->plan->actor_count + 1) { /* the proc is one too */
        stress_fail(c, "%llu instances live at the end, the plan has %zu",
                    (unsigned long long)totals->live_instances, c->plan->actor_count);
    }
    for (uint32_t i = 0; i < c->plan->actor_count; i++) {
        enum inst_status status = inst_status(proc_actor(deploy_proc(c->deploy), i));
        if (status != INST_STOPPED && status != INST_FAILED) {
            stress_fail(c, "actor '%s' is %s at the end", c->plan->actors[i].path,
                        inst_status_text(status));
        }
    }
}

static void judge_result(struct stress_case *c) {
    const struct supervisor_result *result = &c->result;
    bool may_fail = c->graph.end == STRESS_FAILS || c->graph.has_risk || c->graph.may_give_up;
    if (result->stuck || (result->failed && !may_fail)) {
        stress_fail(c, "the deployment %s: %s", result->stuck ? "is stuck" : "failed",
                    result->stuck ? result->unfinished : result->cause);
    }
    uint32_t errors = atomic_load(&c->ledger->errors);
    if (errors) {
        stress_fail(c, "%u errors, the first: %s", errors, c->ledger->error_texts[0]);
    }
}

void stress_judge(struct stress_case *c) {
    struct tally tally = {.c = c, .dead = test_calloc(LEDGER_MESSAGES, 1)};
    struct proc_totals totals;
    proc_totals(deploy_proc(c->deploy), &totals);
    judge_result(c);
    dead_each(proc_dead_letters(deploy_proc(c->deploy)), count_letter, &tally);
    judge_cells(&tally);
    judge_drops(&tally, &totals);
    judge_calls(&tally, &totals);
    judge_family(&tally, &totals);
    judge_deaths(&tally, &totals);
    judge_patience(&tally, &totals);
    judge_rest(&tally, &totals);
    test_free(tally.blocks);
    test_free(tally.dead);
}
