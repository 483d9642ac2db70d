/* The test kit: deployments, from a manifest's text to their end. */
#include "lib/app/kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/app/kit_case.h"
#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "message/message.h"
#include "plugin/catalog.h"
#include "record/quarantine.h"
#include "sched/timer.h"

struct kit {
    struct kit_case *of;
    struct clock_manual clock;
    struct type_table *types;
    struct plan *plan;
    struct plan *plans[8]; /* that it was reloaded to */
    unsigned plan_count;
    struct deploy *deploy;
    struct log log;
    bool started;
    struct kit *next;
};

#define HOUR_NS (3600 * NS_PER_S)

/* --- starting --- */

static void write_manifest(struct kit_case *of, const char *path, const char *text) {
    char head[1024];
    bool has_proc = strncmp(text, "proc", 4) == 0;
    bool has_policy = strstr(text, "supervision:") != NULL;
    (void)snprintf(head, sizeof head,
                   "troupe: 1\nplugins: { path: [\"%s/test-plugins\", \"%s/plugins\"] }\n%s%s",
                   TROUPE_BUILD_DIR, TROUPE_BUILD_DIR, has_proc ? "" : "proc: p\n",
                   has_policy ? "" : "supervision: { intensity: 0 }\n");
    (void)of;
    test_write_file(path, head);
    test_append_file(path, text);
}

static void fail_with(const struct diags *diags, const struct err *err) {
    for (size_t i = 0; i < diags->count; i++) {
        print_error("%u:%u: %s\n", diags->items[i].mark.line, diags->items[i].mark.column,
                    diags->items[i].text);
    }
    fail_msg("the manifest is wrong: %s", err->text);
}

static struct plan *build_plan(struct kit *kit, const char *path) {
    struct plan *plan = NULL;
    const char *folders[] = {kit->of->folder, TROUPE_BUILD_DIR "/test-plugins",
                             TROUPE_BUILD_DIR "/plugins"};
    struct manifest *manifest = NULL;
    struct catalog *catalog = NULL;
    struct diags diags;
    struct err err = {0};
    diags_init(&diags);
    if (manifest_load(&path, 1, NULL, &manifest, &diags, &err) < 0) {
        fail_with(&diags, &err);
    }
    assert_int_equal(catalog_scan(folders, 3, &catalog, &err), 0);
    if (plan_build(manifest, catalog, kit->types, &plan, &diags, &err) < 0) {
        fail_with(&diags, &err);
    }
    diags_fini(&diags);
    return plan;
}

/* The caller frees it. */
static char *new_manifest(struct kit_case *of, const char *text) {
    char name[32];
    (void)snprintf(name, sizeof name, "m%u.yaml", of->kit_count++);
    char *path = test_path(of->folder, name);
    write_manifest(of, path, text);
    return path;
}

struct kit *kit_create_with(void *state, const char *text, const struct proc_forwarder *forwarder) {
    struct kit_case *of = state;
    struct kit *kit = calloc(1, sizeof *kit);
    assert_int_equal(setenv("TROUPE_PROBE", TROUPE_BUILD_DIR "/troupe-probe", 0), 0);
    assert_non_null(kit);
    kit->of = of;
    kit->next = of->kits;
    of->kits = kit;
    char *path = new_manifest(of, text);
    clock_manual_init(&kit->clock, NS_PER_S, 1700000000000000000);
    log_init(&kit->log, of->log_fd, LOG_DEBUG, LOG_TEXT, kit_clock(kit));
    kit->types = type_table_create();
    assert_non_null(kit->types);
    kit->plan = build_plan(kit, path);
    free(path);
    struct deploy_options options = {.log = &kit->log,
                                     .seeded = !of->threads,
                                     .seed = of->seed,
                                     .clock = kit_clock(kit),
                                     .workers = of->threads ? 2 : 1 + (unsigned)(of->seed % 3)};
    if (forwarder) {
        options.forwarder = *forwarder;
    }
    struct err err = {0};
    if (deploy_create(kit->plan, kit->types, &options, &kit->deploy, &err) < 0) {
        fail_msg("the deployment cannot be made: %s", err.text);
    }
    return kit;
}

struct kit *kit_create(void *state, const char *manifest) {
    return kit_create_with(state, manifest, NULL);
}

void kit_go(struct kit *kit) {
    struct err err = {0};
    if (deploy_start(kit->deploy, &err) < 0) {
        fail_msg("the deployment does not start: %s", err.text);
    }
    kit->started = true;
}

struct kit *kit_start(void *state, const char *manifest) {
    struct kit *kit = kit_create(state, manifest);
    kit_go(kit);
    return kit;
}

struct deploy *kit_deploy(struct kit *kit) {
    return kit->deploy;
}

struct proc *kit_proc(struct kit *kit) {
    return deploy_proc(kit->deploy);
}

uint64_t kit_port(struct kit *kit, const char *port) {
    return proc_find_port(kit_proc(kit), port);
}

const struct plan *kit_plan(struct kit *kit) {
    return kit->plan;
}

struct clock *kit_clock(struct kit *kit) {
    return kit->of->threads ? clock_system() : &kit->clock.clock;
}

struct inst *kit_actor(struct kit *kit, const char *path) {
    struct inst *in = proc_find_actor(kit_proc(kit), path);
    if (!in) {
        fail_msg("there is no actor '%s'", path);
    }
    return in;
}

/* --- sending --- */

static const struct msg_type *find_type(struct kit *kit, const char *id) {
    const struct msg_type *type = type_find(kit->types, id);
    if (!type) {
        fail_msg("nobody knows the message type '%s'", id);
    }
    return type;
}

static bool send(struct kit *kit, const char *actor, const char *port, const char *type,
                 const void *body) {
    struct err err = {0};
    struct troupe_ref to = {inst_uid(kit_actor(kit, actor)), proc_find_port(kit_proc(kit), port)};
    return proc_send(kit_proc(kit), to, find_type(kit, type), body, &err) == 0;
}

bool kit_number(struct kit *kit, const char *actor, const char *port, uint64_t number) {
    return send(kit, actor, port, "kit.number/1", &number);
}

bool kit_do_to(struct kit *kit, const char *actor, const char *script, struct troupe_ref to) {
    struct {
        struct troupe_str script;
        struct troupe_ref to;
    } body = {troupe_str(script), to};
    return send(kit, actor, "do", "kit.do/1", &body);
}

bool kit_do(struct kit *kit, const char *actor, const char *script) {
    return kit_do_to(kit, actor, script, (struct troupe_ref){0, 0});
}

/* --- waiting --- */

static bool is_at_rest(void *context) {
    return kit_is_at_rest(context);
}

void kit_settle(struct kit *kit) {
    if (kit->of->threads) {
        test_wait_until(is_at_rest, kit);
    } else {
        (void)deploy_step(kit->deploy, kit->clock.now_ns);
    }
}

void kit_pass(struct kit *kit, uint64_t ms) {
    assert_false(kit->of->threads);
    uint64_t until_ns = kit->clock.now_ns + ms * NS_PER_MS;
    (void)deploy_step(kit->deploy, until_ns);
    clock_manual_set(&kit->clock, until_ns);
    (void)deploy_step(kit->deploy, until_ns);
}

struct awaited {
    struct kit *kit;
    const char *line;
    unsigned count;
};

static bool has_come(void *context) {
    const struct awaited *awaited = context;
    return kit_count(awaited->kit->of, awaited->line) >= awaited->count;
}

void kit_wait_lines(struct kit *kit, const char *line, unsigned count) {
    struct awaited awaited = {kit, line, count};
    if (kit->of->threads) {
        test_wait_until(has_come, &awaited);
        return;
    }
    uint64_t until_ns = kit->clock.now_ns + HOUR_NS;
    kit_settle(kit);
    while (!has_come(&awaited)) {
        uint64_t next_ns = timers_next(proc_timers(kit_proc(kit)));
        if (next_ns > until_ns) {
            fail_msg("%u times '%s' did not come", count, line);
        }
        (void)deploy_step(kit->deploy, next_ns);
    }
}

void kit_wait(struct kit *kit, const char *line) {
    kit_wait_lines(kit, line, 1);
}

static bool has_paused(void *context) {
    return kit_totals(context).pauses > 0;
}

void kit_wait_paused(struct kit *kit) {
    test_wait_until(has_paused, kit);
}

static bool has_closed(void *context) {
    return !inst_is_open(context);
}

void kit_wait_closed(struct kit *kit, const char *path) {
    struct inst *in = kit_actor(kit, path);
    if (kit->of->threads) {
        test_wait_until(has_closed, in);
    } else {
        kit_settle(kit);
        assert_true(has_closed(in));
    }
}

struct letters {
    struct kit *kit;
    uint64_t count;
};

static bool have_died(void *context) {
    const struct letters *letters = context;
    return kit_dead(letters->kit) >= letters->count;
}

void kit_wait_dead(struct kit *kit, uint64_t count) {
    struct letters letters = {kit, count};
    if (kit->of->threads) {
        test_wait_until(have_died, &letters);
    } else {
        kit_settle(kit);
    }
    assert_int_equal(kit_dead(kit), count);
}

/* --- ending --- */

static bool is_over(void *context) {
    return supervisor_is_over(deploy_supervisor(((struct kit *)context)->deploy));
}

struct tally {
    unsigned count;
    unsigned of_reason;
    int32_t reason;
};

static void count_letter(void *context, const struct dead_letter *letter) {
    struct tally *tally = context;
    tally->count++;
    tally->of_reason += letter->reason == tally->reason;
}

static unsigned kept_letters(struct kit *kit) {
    struct tally tally = {0};
    dead_each(proc_dead_letters(kit_proc(kit)), count_letter, &tally);
    return tally.count;
}

unsigned kit_dead_for(struct kit *kit, int32_t reason) {
    struct tally tally = {.reason = reason};
    dead_each(proc_dead_letters(kit_proc(kit)), count_letter, &tally);
    return tally.of_reason;
}

uint64_t kit_dead(struct kit *kit) {
    return dead_total(proc_dead_letters(kit_proc(kit)));
}

struct proc_totals kit_totals(struct kit *kit) {
    struct proc_totals totals;
    proc_totals(kit_proc(kit), &totals);
    return totals;
}

static void hold_to_account(struct kit *kit) {
    struct proc_totals totals = kit_totals(kit);
    unsigned letters = kept_letters(kit) + quarantine_counts(proc_quarantine(kit_proc(kit))).kept;
    assert_int_equal(totals.queued, 0);
    /* a letter may share its body: an envelope and what is in it */
    if (totals.live_messages < (int64_t)letters || totals.live_messages > 2 * (int64_t)letters) {
        fail_msg("%lld messages are left, %u of them dead letters or in quarantine",
                 (long long)totals.live_messages, letters);
    }
    uint64_t slots = 1; /* the proc is one too */
    for (uint32_t i = 0; i < proc_actor_count(kit_proc(kit)); i++) {
        struct inst *in = proc_actor(kit_proc(kit), i);
        if (!in) {
            continue; /* a reload has removed it */
        }
        slots++;
        assert_true(inst_status(in) == INST_STOPPED || inst_status(in) == INST_FAILED);
        assert_int_equal(inst_depth(in), 0);
    }
    assert_int_equal(totals.live_instances, slots);
}

static void destroy(struct kit *kit) {
    struct kit **at = &kit->of->kits;
    while (*at != kit) {
        at = &(*at)->next;
    }
    *at = kit->next;
    deploy_destroy(kit->deploy);
    plan_destroy(kit->plan);
    for (unsigned i = 0; i < kit->plan_count; i++) {
        plan_destroy(kit->plans[i]);
    }
    type_table_destroy(kit->types);
    free(kit);
}

static void run_to_end(struct kit *kit) {
    if (kit->of->threads) {
        test_wait_until(is_over, kit);
        return;
    }
    (void)deploy_step(kit->deploy, kit->clock.now_ns);
    uint64_t until_ns = kit->clock.now_ns + HOUR_NS;
    while (!is_over(kit)) {
        uint64_t next_ns = timers_next(proc_timers(kit_proc(kit)));
        if (next_ns > until_ns) {
            fail_msg("the deployment does not end");
        }
        (void)deploy_step(kit->deploy, next_ns);
    }
    (void)deploy_step(kit->deploy, kit->clock.now_ns);
}

void kit_end(struct kit *kit, struct supervisor_result *ret) {
    struct supervisor_result result;
    run_to_end(kit);
    deploy_wait(kit->deploy, &result);
    if (!ret && (result.failed || result.aborted || result.left || result.unfinished[0])) {
        fail_msg("did not end cleanly: %s; unfinished: %s", result.cause, result.unfinished);
    }
    if (!result.stuck) {
        hold_to_account(kit);
        destroy(kit);
    }
    if (ret) {
        *ret = result;
    }
}

void kit_stop_for(struct kit *kit, struct supervisor_result *ret) {
    deploy_stop(kit->deploy);
    kit_end(kit, ret);
}

void kit_stop(struct kit *kit) {
    kit_stop_for(kit, NULL);
}

void kit_abort(struct kit *kit, struct supervisor_result *ret) {
    supervisor_abort(deploy_supervisor(kit->deploy));
    kit_end(kit, ret);
}

/* After a failed test: nothing more is asked of it than to go away. */
void kit_give_up(struct kit *kit) {
    if (!kit->started) {
        destroy(kit);
        return;
    }
    supervisor_abort(deploy_supervisor(kit->deploy));
    struct supervisor_result result = {.stuck = true};
    if (kit->of->threads) {
        deploy_wait(kit->deploy, &result);
    } else {
        (void)deploy_step(kit->deploy, kit->clock.now_ns + HOUR_NS);
        result.stuck = !is_over(kit);
    }
    if (result.stuck) {
        struct kit *next = kit->next;
        kit->of->kits = next; /* leaks; its threads may still use it */
    } else {
        destroy(kit);
    }
}

/* --- reloading --- */

void kit_plugin(void *state, const char *fixture, const char *name) {
    const struct kit_case *of = state;
    struct plugin_file file;
    plugin_file_init(&file, fixture);
    char *new = test_path(of->folder, "new");
    char *path = test_path(of->folder, name);
    test_write_file_n(new, file.bytes, file.size);
    assert_int_equal(rename(new, path), 0);
    plugin_file_fini(&file);
    free(new);
    free(path);
}

struct passing {
    struct kit *kit;
    struct reload_how how; /* the test's */
};

static void let_time_pass(void *context, uint64_t until_ns) {
    struct passing *passing = context;
    struct kit *kit = passing->kit;
    if (passing->how.step) {
        passing->how.step(passing->how.context, until_ns);
    }
    (void)deploy_step(kit->deploy, until_ns);
    if (kit->clock.now_ns < until_ns) {
        clock_manual_set(&kit->clock, until_ns);
    }
}

int kit_reload(struct kit *kit, struct reload_how how, struct reload_report *ret) {
    struct err err = {0};
    if (how.probe_ns == 0) {
        how.probe_ns = 60 * NS_PER_S; /* however slow the machine is */
    }
    struct passing passing = {kit, how};
    if (!kit->of->threads) {
        how.step = let_time_pass;
        how.context = &passing;
    }
    return reload_run(deploy_reload(kit->deploy), &how, ret, &err);
}

int kit_reload_to(struct kit *kit, const char *manifest, struct reload_how how,
                  struct reload_report *ret) {
    char *path = new_manifest(kit->of, manifest);
    assert_true(kit->plan_count < sizeof kit->plans / sizeof *kit->plans);
    how.next = kit->plans[kit->plan_count++] = build_plan(kit, path);
    free(path);
    return kit_reload(kit, how, ret);
}
