/* The frozen ABI: where every field of SDK 1.0 lies and what type it has. Compiled, never run.
 *
 * Once 1.0 is released a line here is never changed or removed: a plugin built then runs for ever.
 * A new field of a table that grows (the first member is its size) gets a line at the end of its
 * block; a new table gets a block; the minor of the ABI goes up and test_abidiff.sh says how to
 * renew its baseline. */
#include <troupe/introspect.h>
#include <troupe/troupe.h>

#include "frozen.h"

FIXED(troupe_str, 16, 8);
FIELD(troupe_str, data, 0, 8, const char *);
FIELD(troupe_str, size, 8, 8, uint64_t);

FIXED(troupe_list, 16, 8);
FIELD(troupe_list, items, 0, 8, const void *);
FIELD(troupe_list, count, 8, 8, uint64_t);

FIXED(troupe_ref, 16, 8);
FIELD(troupe_ref, uid, 0, 8, uint64_t);
FIELD(troupe_ref, port, 8, 8, uint64_t);

FIXED(troupe_once, 16, 8);
FIELD(troupe_once, uid, 0, 8, uint64_t);
FIELD(troupe_once, call, 8, 8, uint64_t);

GROWS(troupe_field, 8);
FIELD(troupe_field, size, 0, 4, uint32_t);
FIELD(troupe_field, kind, 4, 4, uint32_t);
FIELD(troupe_field, name, 8, 16, struct troupe_str);
FIELD(troupe_field, offset, 24, 8, uint64_t);
FIELD(troupe_field, item, 32, 8, const struct troupe_type *);

GROWS(troupe_type, 8);
FIELD(troupe_type, size, 0, 4, uint32_t);
FIELD(troupe_type, field_count, 4, 4, uint32_t);
FIELD(troupe_type, id, 8, 16, struct troupe_str);
FIELD(troupe_type, schema, 24, 16, struct troupe_str);
FIELD(troupe_type, hash, 40, 8, uint64_t);
FIELD(troupe_type, body_size, 48, 8, uint64_t);
FIELD(troupe_type, fields, 56, 8, const struct troupe_field *);
FIELD(troupe_type, field_stride, 64, 8, uint64_t);

FIXED(troupe_any, 16, 8);
FIELD(troupe_any, type, 0, 8, const struct troupe_type *);
FIELD(troupe_any, body, 8, 8, const void *);

FIXED(troupe_value, 88, 8);
FIELD(troupe_value, kind, 0, 4, uint32_t);
FIELD(troupe_value, reserved, 4, 4, uint32_t);
FIELD(troupe_value, i, 8, 8, int64_t);
FIELD(troupe_value, u, 16, 8, uint64_t);
FIELD(troupe_value, f, 24, 8, double);
FIELD(troupe_value, s, 32, 16, struct troupe_str);
FIELD(troupe_value, r, 48, 16, struct troupe_ref);
FIELD(troupe_value, l, 64, 16, struct troupe_list);
FIELD(troupe_value, item, 80, 8, const struct troupe_type *);

FIXED(troupe_strs, 16, 8);
FIELD(troupe_strs, items, 0, 8, const struct troupe_str *);
FIELD(troupe_strs, count, 8, 8, uint64_t);

FIXED(troupe_turn, 8, 8);
FIELD(troupe_turn, host, 0, 8, const struct troupe_host *);

GROWS(troupe_context, 8);
FIELD(troupe_context, size, 0, 4, uint32_t);
FIELD(troupe_context, ttl, 4, 4, uint32_t);
FIELD(troupe_context, self, 8, 16, struct troupe_ref);
FIELD(troupe_context, sender, 24, 16, struct troupe_ref);
FIELD(troupe_context, request, 40, 16, struct troupe_once);
FIELD(troupe_context, trace, 56, 8, uint64_t);
FIELD(troupe_context, name, 64, 16, struct troupe_str);

FIXED(troupe_tick, 16, 8);
FIELD(troupe_tick, missed, 0, 8, uint64_t);
FIELD(troupe_tick, now, 8, 8, uint64_t);

FIXED(troupe_ready, 8, 4);
FIELD(troupe_ready, fd, 0, 4, int32_t);
FIELD(troupe_ready, events, 4, 4, uint32_t);

GROWS(troupe_outcome, 8);
FIELD(troupe_outcome, size, 0, 4, uint32_t);
FIELD(troupe_outcome, status, 4, 4, int32_t);
FIELD(troupe_outcome, call, 8, 8, uint64_t);
FIELD(troupe_outcome, text, 16, 16, struct troupe_str);
FIELD(troupe_outcome, body, 32, 8, const void *);

GROWS(troupe_ended, 8);
FIELD(troupe_ended, size, 0, 4, uint32_t);
FIELD(troupe_ended, status, 4, 4, int32_t);
FIELD(troupe_ended, child, 8, 16, struct troupe_ref);
FIELD(troupe_ended, failed, 24, 1, bool);
FIELD(troupe_ended, name, 32, 16, struct troupe_str);
FIELD(troupe_ended, text, 48, 16, struct troupe_str);
FIELD(troupe_ended, root, 64, 16, struct troupe_str);

GROWS(troupe_returned, 8);
FIELD(troupe_returned, size, 0, 4, uint32_t);
FIELD(troupe_returned, reason, 4, 4, int32_t);
FIELD(troupe_returned, to, 8, 16, struct troupe_ref);
FIELD(troupe_returned, message, 24, 16, struct troupe_any);
FIELD(troupe_returned, text, 40, 16, struct troupe_str);

FIXED(troupe_setting, 32, 8);
FIELD(troupe_setting, key, 0, 16, struct troupe_str);
FIELD(troupe_setting, value, 16, 16, struct troupe_str);

FIXED(troupe_join, 32, 8);
FIELD(troupe_join, output, 0, 16, struct troupe_str);
FIELD(troupe_join, to, 16, 16, struct troupe_ref);

GROWS(troupe_spawn, 8);
FIELD(troupe_spawn, size, 0, 4, uint32_t);
FIELD(troupe_spawn, capacity, 4, 4, uint32_t);
FIELD(troupe_spawn, name, 8, 16, struct troupe_str);
FIELD(troupe_spawn, settings, 24, 8, const struct troupe_setting *);
FIELD(troupe_spawn, setting_count, 32, 8, uint64_t);
FIELD(troupe_spawn, joins, 40, 8, const struct troupe_join *);
FIELD(troupe_spawn, join_count, 48, 8, uint64_t);

FIXED(troupe_pollfd, 12, 4);
FIELD(troupe_pollfd, fd, 0, 4, int32_t);
FIELD(troupe_pollfd, events, 4, 4, uint32_t);
FIELD(troupe_pollfd, ready, 8, 4, uint32_t);

GROWS(troupe_host, 8);
FIELD(troupe_host, size, 0, 4, uint32_t);
FIELD(troupe_host, abi_major, 4, 2, uint16_t);
FIELD(troupe_host, abi_minor, 6, 2, uint16_t);
FIELD(troupe_host, version, 8, 16, struct troupe_str);
FIELD(troupe_host, extension, 24, 8,
      const void *(*)(const struct troupe_host *, struct troupe_str));
FIELD(troupe_host, context, 32, 8, const struct troupe_context *(*)(struct troupe_turn *));
FIELD(troupe_host, send, 40, 8, int32_t (*)(struct troupe_turn *, uint32_t, const void *));
FIELD(troupe_host, send_to, 48, 8,
      int32_t (*)(struct troupe_turn *, uint32_t, struct troupe_ref, const void *));
FIELD(troupe_host, forward, 56, 8,
      int32_t (*)(struct troupe_turn *, uint32_t, const struct troupe_any *));
FIELD(troupe_host, keep, 64, 8, const struct troupe_any *(*)(struct troupe_turn *));
FIELD(troupe_host, drop, 72, 8, void (*)(struct troupe_turn *, const struct troupe_any *));
FIELD(troupe_host, ask, 80, 8,
      uint64_t (*)(struct troupe_turn *, uint32_t, const void *, uint64_t));
FIELD(troupe_host, ask_to, 88, 8,
      uint64_t (*)(struct troupe_turn *, uint32_t, struct troupe_ref, const void *, uint64_t));
FIELD(troupe_host, answer, 96, 8,
      int32_t (*)(struct troupe_turn *, uint32_t, struct troupe_once, int32_t, struct troupe_str,
                  const void *));
FIELD(troupe_host, own_port, 104, 8, struct troupe_ref (*)(struct troupe_turn *, uint32_t));
FIELD(troupe_host, port_of, 112, 8,
      struct troupe_ref (*)(struct troupe_turn *, struct troupe_ref, struct troupe_str));
FIELD(troupe_host, spawn, 120, 8,
      struct troupe_ref (*)(struct troupe_turn *, uint32_t, const struct troupe_spawn *));
FIELD(troupe_host, stop_child, 128, 8, int32_t (*)(struct troupe_turn *, struct troupe_ref, bool));
FIELD(troupe_host, stop, 136, 8, int32_t (*)(struct troupe_turn *));
FIELD(troupe_host, start_timer, 144, 8,
      int32_t (*)(struct troupe_turn *, uint32_t, uint64_t, uint64_t));
FIELD(troupe_host, stop_timer, 152, 8, int32_t (*)(struct troupe_turn *, uint32_t));
FIELD(troupe_host, watch, 160, 8, int32_t (*)(struct troupe_turn *, uint32_t, int32_t, uint32_t));
FIELD(troupe_host, unwatch, 168, 8, int32_t (*)(struct troupe_turn *, uint32_t, int32_t));
FIELD(troupe_host, wait, 176, 8,
      int32_t (*)(struct troupe_turn *, struct troupe_pollfd *, uint64_t, uint64_t));
FIELD(troupe_host, commit, 184, 8, int32_t (*)(struct troupe_turn *));
FIELD(troupe_host, alloc, 192, 8, void *(*)(struct troupe_turn *, uint64_t));
FIELD(troupe_host, resize, 200, 8, void *(*)(struct troupe_turn *, void *, uint64_t));
FIELD(troupe_host, free, 208, 8, void (*)(struct troupe_turn *, void *));
FIELD(troupe_host, scratch, 216, 8, void *(*)(struct troupe_turn *, uint64_t));
FIELD(troupe_host, fail, 224, 8, int32_t (*)(struct troupe_turn *, int32_t, struct troupe_str));
FIELD(troupe_host, log, 232, 8, void (*)(struct troupe_turn *, uint32_t, struct troupe_str));
FIELD(troupe_host, publish, 240, 8,
      int32_t (*)(struct troupe_turn *, struct troupe_str, const struct troupe_value *));
FIELD(troupe_host, read, 248, 8,
      int32_t (*)(const struct troupe_any *, struct troupe_str, struct troupe_value *));
FIELD(troupe_host, to_json, 256, 8,
      struct troupe_str (*)(struct troupe_turn *, const struct troupe_any *));
FIELD(troupe_host, now, 264, 8, uint64_t (*)(struct troupe_turn *));
FIELD(troupe_host, time_of_day, 272, 8, int64_t (*)(struct troupe_turn *));
FIELD(troupe_host, save_write, 280, 8, int32_t (*)(struct troupe_saver *, const void *, uint64_t));
FIELD(troupe_host, load_read, 288, 8, int32_t (*)(struct troupe_loader *, void *, uint64_t));
FIELD(troupe_host, load_left, 296, 8, uint64_t (*)(struct troupe_loader *));
FIELD(troupe_host, load_version, 304, 8, uint32_t (*)(struct troupe_loader *));
FIELD(troupe_host, own_fd, 312, 8, int32_t (*)(struct troupe_turn *, int32_t));
FIELD(troupe_host, close_fd, 320, 8, int32_t (*)(struct troupe_turn *, int32_t));
FIELD(troupe_host, save_version, 328, 8, uint32_t (*)(struct troupe_saver *));
FIELD(troupe_host, load_goes_on, 336, 8, uint32_t (*)(struct troupe_loader *));

GROWS(troupe_row, 8);
FIELD(troupe_row, size, 0, 4, uint32_t);
FIELD(troupe_row, kind, 4, 4, uint32_t);
FIELD(troupe_row, name, 8, 8, const char *);
FIELD(troupe_row, type, 16, 8, const char *);
FIELD(troupe_row, reply, 24, 8, const char *);
FIELD(troupe_row, value, 32, 8, uint64_t);
FIELD(troupe_row, run, 40, 8, int32_t (*)(struct troupe_turn *, void *, const void *));

GROWS(troupe_actor, 8);
FIELD(troupe_actor, size, 0, 4, uint32_t);
FIELD(troupe_actor, flags, 4, 4, uint32_t);
FIELD(troupe_actor, id, 8, 8, const char *);
FIELD(troupe_actor, state_size, 16, 8, uint64_t);
FIELD(troupe_actor, state_version, 24, 4, uint32_t);
FIELD(troupe_actor, state_min, 28, 4, uint32_t);
FIELD(troupe_actor, row_count, 32, 4, uint32_t);
FIELD(troupe_actor, row_stride, 36, 4, uint32_t);
FIELD(troupe_actor, rows, 40, 8, const struct troupe_row *);

GROWS(troupe_plugin, 8);
FIELD(troupe_plugin, size, 0, 4, uint32_t);
FIELD(troupe_plugin, abi_major, 4, 2, uint16_t);
FIELD(troupe_plugin, abi_minor, 6, 2, uint16_t);
FIELD(troupe_plugin, flags, 8, 4, uint32_t);
FIELD(troupe_plugin, actor_count, 12, 4, uint32_t);
FIELD(troupe_plugin, name, 16, 8, const char *);
FIELD(troupe_plugin, version, 24, 8, const char *);
FIELD(troupe_plugin, actors, 32, 8, const struct troupe_actor *const *);
FIELD(troupe_plugin, init, 40, 8, int32_t (*)(const struct troupe_host *));
FIELD(troupe_plugin, fini, 48, 8, void (*)(void));

NUMBER(TROUPE_ABI_MAJOR, 1u);
NUMBER(TROUPE_OK, 0);
NUMBER(TROUPE_ERROR, -1);
NUMBER(TROUPE_UNHANDLED, -2);
NUMBER(TROUPE_INVALID, -3);
NUMBER(TROUPE_NO_MEMORY, -4);
NUMBER(TROUPE_TIMEOUT, -5);
NUMBER(TROUPE_GONE, -6);
NUMBER(TROUPE_NOT_FOUND, -7);
NUMBER(TROUPE_REFUSED, -8);
NUMBER(TROUPE_FULL, -9);
NUMBER(TROUPE_CYCLE_OVERFLOW, -10);
NUMBER(TROUPE_NO_SUCH_PORT, -11);
NUMBER(TROUPE_NOT_LOCAL, -12);
NUMBER(TROUPE_ABORTED, -13);
NUMBER(TROUPE_STOPPING, -14);
NUMBER(TROUPE_WRONG_THREAD, -15);
NUMBER(TROUPE_UNSUPPORTED, -16);
NUMBER(TROUPE_STATE_VERSION, -17);
NUMBER(TROUPE_OVER_LIMIT, -18);
NUMBER(TROUPE_LOG_ERROR, 0);
NUMBER(TROUPE_LOG_WARN, 1);
NUMBER(TROUPE_LOG_INFO, 2);
NUMBER(TROUPE_LOG_DEBUG, 3);

NUMBER(TROUPE_KIND_bool, 1);
NUMBER(TROUPE_KIND_i8, 2);
NUMBER(TROUPE_KIND_i16, 3);
NUMBER(TROUPE_KIND_i32, 4);
NUMBER(TROUPE_KIND_i64, 5);
NUMBER(TROUPE_KIND_u8, 6);
NUMBER(TROUPE_KIND_u16, 7);
NUMBER(TROUPE_KIND_u32, 8);
NUMBER(TROUPE_KIND_u64, 9);
NUMBER(TROUPE_KIND_f32, 10);
NUMBER(TROUPE_KIND_f64, 11);
NUMBER(TROUPE_KIND_time, 12);
NUMBER(TROUPE_KIND_duration, 13);
NUMBER(TROUPE_KIND_str, 14);
NUMBER(TROUPE_KIND_bytes, 15);
NUMBER(TROUPE_KIND_ref, 16);
NUMBER(TROUPE_KIND_list, 17);

NUMBER(TROUPE_ROW_in, 1);
NUMBER(TROUPE_ROW_any, 2);
NUMBER(TROUPE_ROW_call, 3);
NUMBER(TROUPE_ROW_out, 4);
NUMBER(TROUPE_ROW_as, 5);
NUMBER(TROUPE_ROW_ask, 6);
NUMBER(TROUPE_ROW_to, 7);
NUMBER(TROUPE_ROW_timer, 8);
NUMBER(TROUPE_ROW_watch, 9);
NUMBER(TROUPE_ROW_child, 10);
NUMBER(TROUPE_ROW_init, 11);
NUMBER(TROUPE_ROW_cleanup, 12);
NUMBER(TROUPE_ROW_save, 13);
NUMBER(TROUPE_ROW_load, 14);
NUMBER(TROUPE_ROW_returned, 15);
NUMBER(TROUPE_ROW_config, 16);
NUMBER(TROUPE_ROW_option, 17);
NUMBER(TROUPE_ROW_reconfigure, 18);
NUMBER(TROUPE_PLUGIN_PIN, 1u);

NUMBER(TROUPE_READABLE, 1u);
NUMBER(TROUPE_WRITABLE, 2u);
NUMBER(TROUPE_HANGUP, 4u);
NUMBER(TROUPE_NOTE_PLUGIN, 1u);
NUMBER(TROUPE_NOTE_RECORD, 2u);
NUMBER(TROUPE_NOTE_MESSAGE, 3u);
NUMBER(TROUPE_NOTE_CONFIG, 4u);
NUMBER(TROUPE_NOTE_ACTOR, 5u);

/* What abidw describes: every type that crosses the line, reached from one exported variable. */
extern const struct {
    const struct troupe_plugin *plugin;
    const struct troupe_spawn *spawn;
    const struct troupe_tick *tick;
    const struct troupe_ready *ready;
    const struct troupe_outcome *outcome;
    const struct troupe_ended *ended;
    const struct troupe_returned *returned;
    const struct troupe_strs *strs;
    const struct troupe_context *context;
    enum troupe_status status;
    enum troupe_row_kind row_kind;
    enum troupe_log_level log_level;
} troupe_abi_types;
__typeof__(troupe_abi_types) troupe_abi_types = {0};

/* Message types of the host's: a revision never changes, the next one appends (MB-8). */
FIXED(troupe_query, 32, 8);
FIELD(troupe_query, view, 0, 16, struct troupe_str);
FIELD(troupe_query, child, 16, 16, struct troupe_str);
FIXED(troupe_view_text, 16, 8);
FIXED(troupe_view_life, 32, 8);
FIXED(troupe_view_published, 32, 8);
FIXED(troupe_view_record, 72, 8);
FIXED(troupe_view, 456, 8);
FIXED(troupe_view_dead, 96, 8);
FIXED(troupe_view_ended, 72, 8);
FIXED(troupe_proc_view, 216, 8);
