/* The tables of a plugin: what troupe_plugin_v1 points to. actor.h writes them from a list of rows. */
#pragma once

#include <troupe/host.h>

/* Row kinds. X(number, name). What a row's `run` gets as `arg`:
 *   in       const struct MESSAGE *            a handler port
 *   any      const struct troupe_any *         a handler port that takes any message
 *   call     const struct REQUEST *            a handler port that answers
 *   out      -                                 an output port
 *   as       -                                 an output port typed as the handler port `type`
 *   ask      const struct troupe_outcome *     an output port for calls; run gets the outcome
 *   to       -                                 a message type sent to references
 *   timer    const struct troupe_tick *
 *   watch    const struct troupe_ready *
 *   child    const struct troupe_ended *       a child's end; UNHANDLED passes it up (SV-2)
 *   init     NULL                              before the first message
 *   cleanup  NULL                              after the last, not after a fault
 *   save     struct troupe_saver *             writes the state, in the newest version; see writes_older
 *   load     struct troupe_loader *            fills a fresh state from a saved one, instead of init
 *   returned const struct troupe_returned *    an undeliverable; UNHANDLED makes it a dead letter
 *   config   -                                 value: offset of the config struct in the state
 *   option   -                                 name is one of:
 *                own_thread      may block; gets a thread of its own
 *                plain_state     the state holds no pointers into the plugin, nor to texts of its settings
 *                                but in these themselves
 *                touches_world   acts on the world by itself (TX-3)
 *                writes_older    `save` writes the version that the host's save_version says: so a
 *                                reload to or from this code can go back (RL-4)
 *   reconfigure const struct CONFIG *          other settings while it lives, checked as those before; after
 *                                success the host writes them into the state, and texts of those before
 *                                are gone. Who refuses leaves the state as it was. Without this row an
 *                                actor gets them by `save` and `load`, or when it starts anew */
/* clang-format off */
#define TROUPE_ROW_KINDS(X)                                                                        \
    X(1, in) X(2, any) X(3, call) X(4, out) X(5, as) X(6, ask) X(7, to) X(8, timer) X(9, watch)    \
    X(10, child) X(11, init) X(12, cleanup) X(13, save) X(14, load) X(15, returned)                \
    X(16, config) X(17, option) X(18, reconfigure)
/* clang-format on */
#define TROUPE_ROW_CONSTANT(number, name) TROUPE_ROW_##name = (number),
enum troupe_row_kind { TROUPE_ROW_KINDS(TROUPE_ROW_CONSTANT) TROUPE_ROW_END_ };
#undef TROUPE_ROW_CONSTANT

/* One row of an actor: a port, a timer, a hook. Static data of the plugin; `run` is called in turns
 * only, with the state and what the kind says. */
struct troupe_row {
    uint32_t size; /* of this struct */
    uint32_t kind;
    const char *name;
    const char *type;  /* C name of the message, request or port; id of a child's type; "" */
    const char *reply; /* C name of the reply; "" */
    uint64_t value;
    int32_t (*run)(struct troupe_turn *turn, void *state, const void *arg); /* [turn] */
};

struct troupe_actor {
    uint32_t size;  /* of this struct */
    uint32_t flags; /* 0 */
    const char *id; /* "vendor.plugin.Type" or "plugin.Type" */
    uint64_t state_size;
    uint32_t state_version; /* what `save` writes; 0: cannot save */
    uint32_t state_min;     /* the oldest that `load` reads */
    uint32_t row_count;
    uint32_t row_stride; /* sizeof(struct troupe_row) where the plugin was built */
    const struct troupe_row *rows;
};

#define TROUPE_PLUGIN_PIN 1u /* never unload this plugin */

struct troupe_plugin {
    uint32_t size; /* of this struct */
    uint16_t abi_major, abi_minor;
    uint32_t flags; /* TROUPE_PLUGIN_PIN */
    uint32_t actor_count;
    const char *name;
    const char *version;
    const struct troupe_actor *const *actors;
    /* Optional. init is called once after loading, fini once before unloading; the pair may repeat.
     * A negative status refuses the load. [control] */
    int32_t (*init)(const struct troupe_host *host);
    void (*fini)(void);
};

TROUPE_EXTERN_C TROUPE_EXPORT const struct troupe_plugin troupe_plugin_v1;

/* Defines the plugin's one symbol: TROUPE_PLUGIN("text", "1.0", &lines_actor, &match_actor); */
#define TROUPE_PLUGIN(plugin_name, plugin_version, ...)                                            \
    TROUPE_PLUGIN_HOOKS(plugin_name, plugin_version, NULL, NULL, __VA_ARGS__)

/* The same, with functions that run once after loading and once before unloading. */
#define TROUPE_PLUGIN_HOOKS(plugin_name, plugin_version, init_, fini_, ...)                        \
    TROUPE_NOTE_(troupe_plugin_note, TROUPE_NOTE_PLUGIN,                                           \
                 "plugin " #plugin_name ", " #plugin_version ", 1 0\n");                           \
    static const struct troupe_actor *const troupe_plugin_actors[] = {__VA_ARGS__};                \
    TROUPE_EXTERN_C TROUPE_EXPORT const struct troupe_plugin troupe_plugin_v1;                     \
    const struct troupe_plugin troupe_plugin_v1 = {                                                \
        (uint32_t)sizeof(struct troupe_plugin),                                                    \
        TROUPE_ABI_MAJOR,                                                                          \
        TROUPE_ABI_MINOR,                                                                          \
        0,                                                                                         \
        (uint32_t)(sizeof troupe_plugin_actors / sizeof troupe_plugin_actors[0]),                  \
        plugin_name,                                                                               \
        plugin_version,                                                                            \
        troupe_plugin_actors,                                                                      \
        init_,                                                                                     \
        fini_}
