/* Threads that look at all actors of a stress run, and judge what they see. */
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/look.h"
#include "base/alloc.h"
#include "inspect/actor_view.h"
#include "inspect/proc_page.h"
#include "lib/app/stress_impl.h"
#include "lib/test.h"
#include "record/proc_view.h"

#define LOOKERS_MOST 4u
#define UIDS_MOST 4096u
#define WRITE_EVERY 16u

struct stress_looks {
    struct stress_case *c;
    pthread_t threads[LOOKERS_MOST];
    unsigned count;
    _Atomic bool over;
    _Atomic uint64_t looks;
};

static void assert_json(struct stress_looks *looks, const struct str *json) {
    json_error_t error;
    json_t *root = json_loads(str_text(json), 0, &error);
    if (!root) {
        stress_fail(looks->c, "a look is no JSON: %s\n%s", error.text, str_text(json));
    }
    json_decref(root);
}

static void check_written(struct stress_looks *looks, const struct snapshot *s) {
    struct str text;
    str_init(&text);
    actor_view_json(s, ACTOR_VIEW, &text);
    assert_json(looks, &text);
    str_clear(&text);
    actor_view_json(s, ENTITY_VIEW, &text);
    assert_json(looks, &text);
    str_clear(&text);
    actor_view_text(s, ACTOR_VIEW, false, &text);
    str_fini(&text);
}

/* One life, whole: who it was asked for, in a status that there is, failed or not (FI-3). */
static void check(struct stress_looks *looks, uint64_t uid, const struct snapshot *s) {
    static const char *const statuses[] = {"created",  "initializing", "idle",  "processing",
                                           "stopping", "stopped",      "failed"};
    const char *status = snapshot_text(s, ATTRIBUTE_STATUS);
    bool known = false;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        known |= strcmp(status, statuses[i]) == 0;
    }
    bool failed = strcmp(status, "failed") == 0;
    if (s->facts.uid != uid || !known || failed != s->facts.failed ||
        failed != snapshot_has(s, ATTRIBUTE_ERROR_MESSAGE)) {
        stress_fail(looks->c, "uid %llu was seen as %llu, '%s', %s", (unsigned long long)uid,
                    (unsigned long long)s->facts.uid, snapshot_text(s, ATTRIBUTE_ID), status);
    }
    for (size_t i = 0; i < s->facts.child_count; i++) {
        if (strncmp(s->facts.children[i], s->facts.proc, strlen(s->facts.proc)) != 0) {
            stress_fail(looks->c, "'%s' has the child '%s'", snapshot_text(s, ATTRIBUTE_ID),
                        s->facts.children[i]);
        }
    }
}

static void look_at_all(struct stress_looks *looks, const uint64_t *uids, uint32_t count,
                        bool write) {
    struct proc *proc = deploy_proc(looks->c->deploy);
    for (uint32_t i = 0; i < count; i++) {
        struct snapshot *s = NULL;
        struct err err = {0};
        /* one that ended since may be forgotten by now */
        if (look_at(proc, uids[i], &s, &err) == 0) {
            check(looks, uids[i], s);
            if (write && i % 8 == 0) {
                check_written(looks, s);
            }
            snapshot_unref(s);
        } else if (err.code != ERR_NOT_FOUND) {
            stress_fail(looks->c, "%s", err.text);
        }
        struct look look;
        if (look_begin(proc, uids[i], troupe_str("[2]"), &look, &err) == 0) {
            look_end(&look);
        }
    }
    atomic_fetch_add(&looks->looks, count);
}

static void look_at_whole(struct stress_looks *looks) {
    struct proc_view *view = NULL;
    struct err err = {0};
    struct str json;
    str_init(&json);
    if (look_at_proc(deploy_proc(looks->c->deploy), &view, &err) < 0) {
        stress_fail(looks->c, "%s", err.text);
    }
    if (view->queued > view->queued_high_water) { /* PD-6 */
        stress_fail(looks->c, "%llu are queued, and %llu were at most",
                    (unsigned long long)view->queued, (unsigned long long)view->queued_high_water);
    }
    proc_page_json(view, &json);
    assert_json(looks, &json);
    str_fini(&json);
    proc_view_destroy(view);
}

static void *look_on(void *argument) {
    struct stress_looks *looks = argument;
    uint64_t *uids = mem_array(UIDS_MOST, sizeof *uids);
    for (uint64_t round = 0; !atomic_load(&looks->over); round++) {
        bool write = round % WRITE_EVERY == 0; /* which takes longer than many looks */
        uint32_t count = look_list(deploy_proc(looks->c->deploy), uids, UIDS_MOST);
        look_at_all(looks, uids, count < UIDS_MOST ? count : UIDS_MOST, write);
        if (write) {
            look_at_whole(looks);
        }
    }
    mem_free(uids);
    return NULL;
}

struct stress_looks *stress_looks_begin(struct stress_case *c) {
    struct stress_looks *looks = test_calloc(1, sizeof *looks);
    looks->c = c;
    looks->count = c->world->lookers < LOOKERS_MOST ? c->world->lookers : LOOKERS_MOST;
    for (unsigned i = 0; i < looks->count; i++) {
        assert_int_equal(pthread_create(&looks->threads[i], NULL, look_on, looks), 0);
    }
    return looks;
}

void stress_looks_end(struct stress_looks *looks) {
    atomic_store(&looks->over, true);
    for (unsigned i = 0; i < looks->count; i++) {
        pthread_join(looks->threads[i], NULL);
    }
    looks->c->world->sums.looks += atomic_load(&looks->looks);
    test_free(looks);
}
