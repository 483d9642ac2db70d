/* For bench_erlang: a thread of the operating system that sends a message each so many milliseconds,
 * and the clock it reads. */
#include <erl_nif.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000u
#define NS_PER_MS 1000000u

struct order {
    ErlNifPid to;
    unsigned count, period_ms;
};

static uint64_t now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void *call_all(void *argument) {
    struct order *order = argument;
    ErlNifEnv *env = enif_alloc_env();
    uint64_t due = now() + 100 * NS_PER_MS;
    for (unsigned i = 0; env && i < order->count; i++) {
        due += (uint64_t)order->period_ms * NS_PER_MS;
        struct timespec at = {(time_t)(due / NS_PER_S), (long)(due % NS_PER_S)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
        }
        ERL_NIF_TERM call =
            enif_make_tuple2(env, enif_make_atom(env, "call"), enif_make_uint64(env, now()));
        (void)enif_send(NULL, &order->to, env, call);
        enif_clear_env(env);
    }
    if (env) {
        enif_free_env(env);
    }
    enif_free(order);
    return NULL;
}

static ERL_NIF_TERM call_each(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    (void)argc;
    ErlNifTid thread;
    struct order *order = enif_alloc(sizeof *order);
    if (!order || !enif_get_local_pid(env, argv[0], &order->to) ||
        !enif_get_uint(env, argv[1], &order->count) ||
        !enif_get_uint(env, argv[2], &order->period_ms) ||
        enif_thread_create("caller", &thread, call_all, order, NULL) != 0) {
        enif_free(order);
        return enif_make_badarg(env);
    }
    return enif_make_atom(env, "ok");
}

static ERL_NIF_TERM now_ns(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    (void)argc;
    (void)argv;
    return enif_make_uint64(env, now());
}

static ErlNifFunc functions[] = {{"call_each", 3, call_each, 0}, {"now_ns", 0, now_ns, 0}};

/* The table of functions belongs to the emulator from here on, which writes to it. */
ERL_NIF_INIT(bench_erlang, functions, NULL, NULL, NULL, NULL)
