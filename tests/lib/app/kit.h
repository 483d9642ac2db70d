/* Test kit: deployments of real plugins out of a manifest's text, with seeds or with threads.
 *
 * A test is written once and run several times: with one thread, a logical clock and choices made by a
 * seed, for several seeds; and with real threads. Its actors are mostly kit.Player's (see
 * tests/fixtures/plugins/kit/script.h), which do what scripts in the manifest tell them and write a
 * trace, a line for each thing that happens: "NAME: TEXT".
 *
 *     static void test_numbers_arrive(void **state) {
 *         struct kit *kit = kit_start(*state, "actors: ...");
 *         kit_number(kit, "a", "number", 7);
 *         kit_wait(kit, "b: got 7");
 *         kit_stop(kit);
 *     }
 *     static const struct kit_test tests[] = {{KIT_BOTH, test_numbers_arrive}, ...
 *     int main(void) { return KIT_RUN(tests); }
 *
 * Every deployment that ends is held to account: no message left over, nothing queued, no instance
 * left. A failure prints the command that replays it, with TROUPE_SEED=N; TROUPE_SEED=N runs that seed
 * only, TROUPE_SEEDS=N that many instead of a few, TROUPE_TEST=PATTERN the tests whose name matches. */
#pragma once

#include "lib/test.h"

#include <stdbool.h>
#include <stdint.h>

#include "app/deploy.h"

struct kit;
struct kit_case; /* what a test's *state points to */

enum kit_kind { KIT_SEEDED = 1, KIT_THREADS = 2, KIT_BOTH = 3 };

struct kit_test {
    enum kit_kind kinds;
    const char *name;
    void (*run)(void **state);
};
#define KIT_TEST(kinds, test)                                                                      \
    { kinds, #test, test }
#define KIT_RUN(tests) kit_run(#tests, tests, sizeof(tests) / sizeof(tests)[0])
int kit_run(const char *group, const struct kit_test *tests, size_t count);

bool kit_is_threaded(void *state);
uint64_t kit_seed(void *state);

/* Starts a deployment. The manifest stands behind "troupe: 1", "proc: p" and "plugins"; with a first
 * word "proc" it stands behind the rest only. Unless it says something of `supervision`, the first
 * failure of a root ends the deployment. Fails the test when it does not start. */
struct kit *kit_start(void *state, const char *manifest);
/* The same in steps, to do something before the actors start. */
struct kit *kit_create(void *state, const char *manifest);
struct kit *kit_create_with(void *state, const char *manifest,
                            const struct proc_forwarder *forwarder);
void kit_go(struct kit *kit);

struct deploy *kit_deploy(struct kit *kit);
struct proc *kit_proc(struct kit *kit);
struct inst *kit_actor(struct kit *kit, const char *path);
const struct plan *kit_plan(struct kit *kit);
/* The number that stands for a port's name in a reference. */
uint64_t kit_port(struct kit *kit, const char *port);
struct clock *kit_clock(struct kit *kit);

/* Sends kit.number/1, and kit.do/1 to the port `do`, as nobody; false: refused. */
bool kit_number(struct kit *kit, const char *actor, const char *port, uint64_t number);
bool kit_do(struct kit *kit, const char *actor, const char *script);
bool kit_do_to(struct kit *kit, const char *actor, const char *script, struct troupe_ref to);

/* Seeded: runs until nothing is left to do now. Threads: waits until nobody has anything to do. */
void kit_settle(struct kit *kit);
/* Lets time pass: seeded, moves the clock and runs; threads, not allowed. */
void kit_pass(struct kit *kit, uint64_t ms);
/* Waits for a line of the trace, or for so many of one text. Seeded: lets time pass up to an hour. A line is written
 * within a turn: what that turn does is done some time later, when it is committed. */
void kit_wait(struct kit *kit, const char *line);
void kit_wait_lines(struct kit *kit, const char *line, unsigned count);

/* Waits until somebody has been paused, to wait for room. Threads only. */
void kit_wait_paused(struct kit *kit);
/* Waits until the slot of an actor has closed for good; what waited in it is on its way back by then. */
void kit_wait_closed(struct kit *kit, const char *path);
/* Waits until there were so many dead letters ever. */
void kit_wait_dead(struct kit *kit, uint64_t count);

/* Waits for the end by itself, or asks for it first; holds it to account, destroys the deployment.
 * *ret (may be NULL) says how it ended; without, it must have ended cleanly. */
void kit_end(struct kit *kit, struct supervisor_result *ret);
void kit_stop(struct kit *kit);
void kit_stop_for(struct kit *kit, struct supervisor_result *ret);
void kit_abort(struct kit *kit, struct supervisor_result *ret);

/* What the trace says of one actor, without its name; of all of them for NULL. The texts must be
 * equal; lines as they came. */
void kit_assert_trace(void *state, const char *actor, const char *expected);
/* How many lines of the trace are this one, name included. */
unsigned kit_count(void *state, const char *line);
/* The trace of one actor; freed by the caller. */
char *kit_trace_of(void *state, const char *actor);
/* What the deployments logged, all of it, down to debug; freed by the caller. */
char *kit_log(void *state);
void kit_assert_logged(void *state, const char *text);

/* How many dead letters were ever, and of the kept ones how many with this reason. */
uint64_t kit_dead(struct kit *kit);
unsigned kit_dead_for(struct kit *kit, int32_t reason);
struct proc_totals kit_totals(struct kit *kit);

/* The gate NAME that a script waits at: made before it gets there, opened once. Threads only. */
void kit_gate_make(void *state, const char *name);
void kit_gate_open(void *state, const char *name);

/* Puts a plugin of the fixtures into the case's folder, where types are looked for first, under this name
 * ("adder.so"): at once, as who installs a new version does. */
void kit_plugin(void *state, const char *fixture, const char *name);
/* Reloads to what this manifest says, as kit_start reads it, with what lies there now. */
int kit_reload_to(struct kit *kit, const char *manifest, struct reload_how how,
                  struct reload_report *ret);
/* Reloads what lies there now; seeded, by letting time pass, each time after how.step, if there is one. As
 * reload_run. */
int kit_reload(struct kit *kit, struct reload_how how, struct reload_report *ret);
