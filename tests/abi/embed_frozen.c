/* The frozen ABI of libtroupe: where the fields of its structs lie, its numbers, its functions. Compiled,
 * never run.
 *
 * A line here is never changed or removed within a soname. A new field goes to the end of a struct that
 * begins with its size, a new function gets a line; test_embed_abi.sh says how to renew its baseline. */
#include <troupe/cell.h>
#include <troupe/client.h>
#include <troupe/embed.h>
#include <troupe/forwarder.h>
#include <troupe/inverted.h>
#include <troupe/reload.h>

#include "frozen.h"

#define STATUS(name, ...) FUNCTION(name, int32_t(__VA_ARGS__))

FIXED(troupe_error, 4096, 4);
FIELD(troupe_error, status, 0, 4, int32_t);
FIELD(troupe_error, text, 4, 4092, char[4092]);

GROWS(troupe_options, 8);
FIELD(troupe_options, size, 0, 4, uint32_t);
FIELD(troupe_options, flags, 4, 4, uint32_t);
FIELD(troupe_options, id, 8, 8, const char *);
FIELD(troupe_options, workers, 16, 4, uint32_t);
FIELD(troupe_options, mailbox_capacity, 20, 4, uint32_t);
FIELD(troupe_options, stop_timeout, 24, 8, uint64_t);
FIELD(troupe_options, snapshots_keep, 32, 4, uint32_t);
FIELD(troupe_options, dead_letters_keep, 36, 4, uint32_t);
FIELD(troupe_options, snapshots_directory, 40, 8, const char *);
FIELD(troupe_options, log, 48, 8, troupe_log_callback *);
FIELD(troupe_options, log_context, 56, 8, void *);
FIELD(troupe_options, log_level, 64, 4, uint32_t);
FIELD(troupe_options, reserved, 68, 4, uint32_t);
FIELD(troupe_options, forwarder, 72, 8, struct troupe_forwarder *);
FIELD(troupe_options, finding, 80, 8, troupe_finding_callback *);
FIELD(troupe_options, finding_context, 88, 8, void *);
FIELD(troupe_options, log_format, 96, 4, uint32_t);
FIELD(troupe_options, log_colour, 100, 4, uint32_t);
FIELD(troupe_options, shadow, 104, 8, uint64_t);

GROWS(troupe_finding, 8);
FIELD(troupe_finding, size, 0, 4, uint32_t);
FIELD(troupe_finding, severity, 4, 4, uint32_t);
FIELD(troupe_finding, line, 8, 4, uint32_t);
FIELD(troupe_finding, column, 12, 4, uint32_t);
FIELD(troupe_finding, file, 16, 16, struct troupe_str);
FIELD(troupe_finding, text, 32, 16, struct troupe_str);
FIELD(troupe_finding, excerpt, 48, 16, struct troupe_str);
FIELD(troupe_finding, margin, 64, 16, struct troupe_str);
FIELD(troupe_finding, hint, 80, 16, struct troupe_str);

GROWS(troupe_drop, 8);
FIELD(troupe_drop, size, 0, 4, uint32_t);
FIELD(troupe_drop, receivers, 4, 4, uint32_t);
FIELD(troupe_drop, messages, 8, 8, uint64_t);
FIELD(troupe_drop, from, 16, 16, struct troupe_str);
FIELD(troupe_drop, to, 32, 16, struct troupe_str);

GROWS(troupe_loss, 8);
FIELD(troupe_loss, size, 0, 4, uint32_t);
FIELD(troupe_loss, reserved, 4, 4, uint32_t);
FIELD(troupe_loss, failures, 8, 8, uint64_t);
FIELD(troupe_loss, quarantined, 16, 8, uint64_t);
FIELD(troupe_loss, retried, 24, 8, uint64_t);
FIELD(troupe_loss, lost_with_state, 32, 8, uint64_t);
FIELD(troupe_loss, actor, 40, 16, struct troupe_str);

GROWS(troupe_root, 8);
FIELD(troupe_root, size, 0, 4, uint32_t);
FIELD(troupe_root, capacity, 4, 4, uint32_t);
FIELD(troupe_root, name, 8, 8, const char *);
FIELD(troupe_root, type, 16, 8, const char *);
FIELD(troupe_root, settings, 24, 8, const struct troupe_setting *);
FIELD(troupe_root, setting_count, 32, 8, uint64_t);
FIELD(troupe_root, wires, 40, 8, const struct troupe_root_wire *);
FIELD(troupe_root, wire_count, 48, 8, uint64_t);

FIXED(troupe_root_wire, 32, 8);
FIELD(troupe_root_wire, output, 0, 8, const char *);
FIELD(troupe_root_wire, to, 8, 8, const char *);
FIELD(troupe_root_wire, route, 16, 8, const char *);
FIELD(troupe_root_wire, key, 24, 8, const char *);

GROWS(troupe_root_end, 8);
FIELD(troupe_root_end, size, 0, 4, uint32_t);
FIELD(troupe_root_end, failed, 4, 1, bool);
FIELD(troupe_root_end, status, 8, 4, int32_t);
FIELD(troupe_root_end, incarnation, 12, 4, uint32_t);
FIELD(troupe_root_end, name, 16, 16, struct troupe_str);
FIELD(troupe_root_end, text, 32, 16, struct troupe_str);
FIELD(troupe_root_end, root, 48, 16, struct troupe_str);

NUMBER(TROUPE_STAYS, 1u);
NUMBER(TROUPE_SIGNALS, 2u);
NUMBER(TROUPE_ACTORS, 4u);
NUMBER(TROUPE_FORMAT_TEXT, 1u);
NUMBER(TROUPE_FORMAT_JSON, 2u);
NUMBER(TROUPE_COLOUR_NEVER, 1u);
NUMBER(TROUPE_COLOUR_ALWAYS, 2u);
NUMBER(TROUPE_FINDING_ERROR, 0);
NUMBER(TROUPE_FINDING_WARNING, 1);
NUMBER(TROUPE_FINDING_NOTE, 2);
NUMBER(TROUPE_ALL, UINT64_MAX);
NUMBER(TROUPE_BY_POLICY, 0);
NUMBER(TROUPE_RESTART, 1);
NUMBER(TROUPE_LET_GO, 2);
NUMBER(TROUPE_GIVE_UP, 3);
NUMBER(TROUPE_END_STOPPED, 0);
NUMBER(TROUPE_END_FAILED, 1);
NUMBER(TROUPE_END_ABORTED, 2);
NUMBER(TROUPE_END_STUCK, 3);

STATUS(troupe_proc_create, const struct troupe_options *, struct troupe_proc **,
       struct troupe_error *);
STATUS(troupe_proc_load_file, struct troupe_proc *, const char *, struct troupe_error *);
STATUS(troupe_proc_load_text, struct troupe_proc *, const char *, const char *, uint64_t,
       struct troupe_error *);
STATUS(troupe_proc_add_plugins, struct troupe_proc *, const char *, struct troupe_error *);
STATUS(troupe_proc_spawn, struct troupe_proc *, const struct troupe_root *, struct troupe_error *);
STATUS(troupe_proc_wire, struct troupe_proc *, const char *, const char *, struct troupe_error *);
FUNCTION_TYPE(troupe_coordinator, int32_t(void *, const struct troupe_root_end *));
FUNCTION_TYPE(troupe_log_callback, void(void *, uint32_t, struct troupe_str, struct troupe_str));
FUNCTION_TYPE(troupe_finding_callback, void(void *, const struct troupe_finding *));
STATUS(troupe_proc_set_coordinator, struct troupe_proc *, troupe_coordinator *, void *,
       struct troupe_error *);
STATUS(troupe_proc_start, struct troupe_proc *, struct troupe_error *);
FUNCTION(troupe_proc_id, const char *(struct troupe_proc *));
FUNCTION(troupe_proc_stop, void(struct troupe_proc *));
FUNCTION(troupe_proc_abort, void(struct troupe_proc *));
STATUS(troupe_proc_wait, struct troupe_proc *, uint64_t, struct troupe_end **,
       struct troupe_error *);
STATUS(troupe_proc_destroy, struct troupe_proc *, uint64_t, struct troupe_end **,
       struct troupe_error *);
FUNCTION(troupe_proc_ref, struct troupe_proc *(struct troupe_proc *));
FUNCTION(troupe_proc_unref, void(struct troupe_proc *));
FUNCTION(troupe_proc_weak, struct troupe_weak_proc *(struct troupe_proc *));
FUNCTION(troupe_weak_proc_upgrade, struct troupe_proc *(struct troupe_weak_proc *));
STATUS(troupe_weak_proc_wait, struct troupe_weak_proc *, uint64_t, struct troupe_error *);
FUNCTION(troupe_weak_proc_free, void(struct troupe_weak_proc *));
STATUS(troupe_end_status, const struct troupe_end *);
FUNCTION(troupe_end_cause, const char *(const struct troupe_end *));
FUNCTION(troupe_end_left, uint64_t(const struct troupe_end *));
FUNCTION(troupe_end_count, uint64_t(const struct troupe_end *, uint32_t));
FUNCTION(troupe_end_name, const char *(const struct troupe_end *, uint32_t, uint64_t));
FUNCTION(troupe_proc_log, void(struct troupe_proc *, uint32_t, struct troupe_str));
FUNCTION(troupe_end_is_stuck, bool(const struct troupe_end *));
STATUS(troupe_end_drop, const struct troupe_end *, uint64_t, struct troupe_drop *);
FUNCTION(troupe_end_dead_letters, uint64_t(const struct troupe_end *, int32_t));
STATUS(troupe_end_loss, const struct troupe_end *, uint64_t, struct troupe_loss *);
FUNCTION(troupe_end_free, void(struct troupe_end *));
FUNCTION(troupe_version, const char *(void));

GROWS(troupe_client_options, 8);
FIELD(troupe_client_options, size, 0, 4, uint32_t);
FIELD(troupe_client_options, flags, 4, 4, uint32_t);
FIELD(troupe_client_options, name, 8, 8, const char *);
FIELD(troupe_client_options, capacity, 16, 4, uint32_t);
FIELD(troupe_client_options, reserved, 20, 4, uint32_t);

GROWS(troupe_headers, 8);
FIELD(troupe_headers, size, 0, 4, uint32_t);
FIELD(troupe_headers, ttl, 4, 4, uint32_t);
FIELD(troupe_headers, trace, 8, 8, uint64_t);

GROWS(troupe_port_options, 8);
FIELD(troupe_port_options, size, 0, 4, uint32_t);
FIELD(troupe_port_options, capacity, 4, 4, uint32_t);
FIELD(troupe_port_options, overflow, 8, 4, uint32_t);
FIELD(troupe_port_options, reserved, 12, 4, uint32_t);
FIELD(troupe_port_options, reply, 16, 8, const struct troupe_type *);

GROWS(troupe_envelope, 8);
FIELD(troupe_envelope, size, 0, 4, uint32_t);
FIELD(troupe_envelope, reason, 4, 4, int32_t);
FIELD(troupe_envelope, sender, 8, 16, struct troupe_ref);
FIELD(troupe_envelope, request, 24, 16, struct troupe_once);
FIELD(troupe_envelope, trace, 40, 8, uint64_t);
FIELD(troupe_envelope, sequence, 48, 8, uint64_t);
FIELD(troupe_envelope, ttl, 56, 4, uint32_t);
FIELD(troupe_envelope, reserved, 60, 4, uint32_t);

NUMBER(TROUPE_SHOWN, 1u);
NUMBER(TROUPE_OVERFLOW_FAIL, 0);
NUMBER(TROUPE_OVERFLOW_DROP_NEWEST, 1);
NUMBER(TROUPE_OVERFLOW_DROP_OLDEST, 2);

STATUS(troupe_client_create, struct troupe_proc *, const struct troupe_client_options *,
       struct troupe_client **, struct troupe_error *);
FUNCTION(troupe_client_free, void(struct troupe_client *));
FUNCTION(troupe_client_ref, struct troupe_ref(const struct troupe_client *));
STATUS(troupe_client_find, struct troupe_client *, const char *, const char *, struct troupe_ref *,
       struct troupe_error *);
STATUS(troupe_client_type, struct troupe_client *, const char *, uint64_t,
       const struct troupe_type **, struct troupe_error *);
STATUS(troupe_client_send, struct troupe_client *, struct troupe_ref, const struct troupe_type *,
       const void *, const struct troupe_headers *, uint64_t, struct troupe_error *);
STATUS(troupe_client_call, struct troupe_client *, struct troupe_ref, const struct troupe_type *,
       const void *, const struct troupe_type *, uint64_t, struct troupe_message **,
       struct troupe_error *);
STATUS(troupe_client_ask, struct troupe_client *, struct troupe_ref, const struct troupe_type *,
       const void *, const struct troupe_type *, const struct troupe_headers *, uint64_t,
       struct troupe_once_port **, struct troupe_error *);
STATUS(troupe_once_port_receive, struct troupe_once_port *, struct troupe_message **,
       struct troupe_error *);
FUNCTION(troupe_once_port_free, void(struct troupe_once_port *));
STATUS(troupe_client_open, struct troupe_client *, const char *, const struct troupe_type *,
       const struct troupe_port_options *, struct troupe_port **, struct troupe_error *);
STATUS(troupe_client_returned, struct troupe_client *, struct troupe_port **,
       struct troupe_error *);
FUNCTION(troupe_port_ref, struct troupe_ref(const struct troupe_port *));
STATUS(troupe_port_receive, struct troupe_port *, uint64_t, struct troupe_message **,
       struct troupe_error *);
FUNCTION(troupe_message_body, const void *(const struct troupe_message *));
FUNCTION(troupe_message_any, struct troupe_any(const struct troupe_message *));
FUNCTION(troupe_message_envelope, void(const struct troupe_message *, struct troupe_envelope *));
STATUS(troupe_message_answer, struct troupe_message *, int32_t, const char *, const void *,
       struct troupe_error *);
FUNCTION(troupe_message_free, void(struct troupe_message *));

STATUS(troupe_forwarder_create, struct troupe_forwarder **, struct troupe_error *);
FUNCTION(troupe_forwarder_free, void(struct troupe_forwarder *));

FIXED(troupe_child, 200, 8);
FIELD(troupe_child, ref, 0, 16, struct troupe_ref);
FIELD(troupe_child, pid, 16, 8, uint64_t);
FIELD(troupe_child, status, 24, 16, char[16]);
FIELD(troupe_child, name, 40, 160, char[160]);

FIXED(troupe_child_end, 848, 8);
FIELD(troupe_child_end, uid, 0, 8, uint64_t);
FIELD(troupe_child_end, failed, 8, 1, bool);
FIELD(troupe_child_end, status, 12, 4, int32_t);
FIELD(troupe_child_end, name, 16, 160, char[160]);
FIELD(troupe_child_end, text, 176, 512, char[512]);
FIELD(troupe_child_end, root, 688, 160, char[160]);

STATUS(troupe_proc_add_type, struct troupe_proc *, const char *, struct troupe_error *);
STATUS(troupe_inverted_create, struct troupe_proc *, const struct troupe_client_options *,
       struct troupe_inverted **, struct troupe_error *);
FUNCTION(troupe_inverted_free, void(struct troupe_inverted *));
FUNCTION(troupe_inverted_client, struct troupe_client *(struct troupe_inverted *));
FUNCTION_TYPE(troupe_handler, int32_t(void *, struct troupe_message *));
STATUS(troupe_inverted_handle, struct troupe_inverted *, const char *, const struct troupe_type *,
       const struct troupe_type *, troupe_handler *, void *, struct troupe_error *);
STATUS(troupe_inverted_work, struct troupe_inverted *, struct troupe_work **,
       struct troupe_error *);
STATUS(troupe_work_receive, struct troupe_work *, uint64_t, struct troupe_work_cell **,
       struct troupe_error *);
FUNCTION(troupe_work_cell_message, const struct troupe_message *(const struct troupe_work_cell *));
FUNCTION(troupe_work_cell_port, const char *(const struct troupe_work_cell *));
STATUS(troupe_work_cell_run, struct troupe_work_cell *);
FUNCTION(troupe_work_cell_free, void(struct troupe_work_cell *));
STATUS(troupe_inverted_signals, struct troupe_inverted *, struct troupe_signals **,
       struct troupe_error *);
STATUS(troupe_signals_receive, struct troupe_signals *, uint64_t, struct troupe_error *);
STATUS(troupe_inverted_spawn, struct troupe_inverted *, const char *, const struct troupe_spawn *,
       struct troupe_ref *, struct troupe_error *);
STATUS(troupe_inverted_stop_child, struct troupe_inverted *, struct troupe_ref, bool,
       struct troupe_error *);
STATUS(troupe_inverted_children, struct troupe_inverted *,
       void (*)(void *, const struct troupe_child *), void *, struct troupe_error *);
STATUS(troupe_inverted_events, struct troupe_inverted *, struct troupe_events **,
       struct troupe_error *);
STATUS(troupe_events_receive, struct troupe_events *, uint64_t, struct troupe_child_end *,
       struct troupe_error *);

GROWS(troupe_cell_seen, 8);
FIELD(troupe_cell_seen, size, 0, 4, uint32_t);
FIELD(troupe_cell_seen, status, 4, 4, uint32_t);
FIELD(troupe_cell_seen, incarnation, 8, 4, uint32_t);
FIELD(troupe_cell_seen, closed, 12, 1, bool);
FIELD(troupe_cell_seen, since, 16, 8, int64_t);
FIELD(troupe_cell_seen, detail, 24, 512, char[512]);

GROWS(troupe_traverse, 4);
FIELD(troupe_traverse, size, 0, 4, uint32_t);
FIELD(troupe_traverse, depth, 4, 4, uint32_t);
FIELD(troupe_traverse, most, 8, 4, uint32_t);
FIELD(troupe_traverse, reserved, 12, 4, uint32_t);

NUMBER(TROUPE_CELL_CREATED, 0);
NUMBER(TROUPE_CELL_INITIALIZING, 1);
NUMBER(TROUPE_CELL_CLIENT, 2);
NUMBER(TROUPE_CELL_IDLE, 3);
NUMBER(TROUPE_CELL_PROCESSING, 4);
NUMBER(TROUPE_CELL_STOPPING, 5);
NUMBER(TROUPE_CELL_STOPPED, 6);
NUMBER(TROUPE_CELL_FAILED, 7);
NUMBER(TROUPE_CELL_SIGNAL_STOP, 0);
NUMBER(TROUPE_CELL_SIGNAL_DRAIN, 1);
NUMBER(TROUPE_CELL_SIGNAL_ABORT, 2);
NUMBER(TROUPE_ACTOR_VIEW, 0u);
NUMBER(TROUPE_ENTITY_VIEW, 1u);

STATUS(troupe_proc_cell, struct troupe_proc *, const char *, struct troupe_cell **,
       struct troupe_error *);
STATUS(troupe_proc_cell_of, struct troupe_proc *, struct troupe_ref, struct troupe_cell **,
       struct troupe_error *);
STATUS(troupe_client_cell, struct troupe_client *, struct troupe_cell **, struct troupe_error *);
STATUS(troupe_cell_child, struct troupe_cell *, const char *, struct troupe_cell **,
       struct troupe_error *);
STATUS(troupe_cell_parent, struct troupe_cell *, struct troupe_cell **, struct troupe_error *);
FUNCTION(troupe_cell_ref, struct troupe_cell *(struct troupe_cell *));
FUNCTION(troupe_cell_unref, void(struct troupe_cell *));
FUNCTION(troupe_cell_weak, struct troupe_weak_cell *(struct troupe_cell *));
FUNCTION(troupe_weak_cell_upgrade, struct troupe_cell *(struct troupe_weak_cell *));
FUNCTION(troupe_weak_cell_free, void(struct troupe_weak_cell *));
FUNCTION(troupe_cell_id, const char *(const struct troupe_cell *));
FUNCTION(troupe_cell_type, const char *(const struct troupe_cell *));
FUNCTION(troupe_cell_address, struct troupe_ref(const struct troupe_cell *));
FUNCTION(troupe_cell_pid, uint64_t(const struct troupe_cell *));
STATUS(troupe_cell_status, struct troupe_cell *, struct troupe_cell_seen *, struct troupe_error *);
STATUS(troupe_cell_watch, struct troupe_cell *, uint64_t, struct troupe_cell_seen *,
       struct troupe_error *);
FUNCTION(troupe_cell_status_text, const char *(uint32_t));
STATUS(troupe_cell_look, struct troupe_cell *, uint32_t, struct troupe_look **,
       struct troupe_error *);
FUNCTION(troupe_look_json, const char *(const struct troupe_look *));
FUNCTION(troupe_look_view, const struct troupe_view *(const struct troupe_look *));
FUNCTION(troupe_look_free, void(struct troupe_look *));
FUNCTION_TYPE(troupe_cell_each, bool(void *, struct troupe_cell *, uint32_t));
STATUS(troupe_cell_traverse, struct troupe_cell *, const struct troupe_traverse *,
       troupe_cell_each *, void *, struct troupe_error *);
STATUS(troupe_cell_children, struct troupe_cell *, troupe_cell_each *, void *,
       struct troupe_error *);
STATUS(troupe_proc_traverse, struct troupe_proc *, const struct troupe_traverse *,
       troupe_cell_each *, void *, struct troupe_error *);
STATUS(troupe_cell_signal, struct troupe_cell *, uint32_t, struct troupe_error *);

NUMBER(TROUPE_RELOAD_AS_SAID, 0);
NUMBER(TROUPE_RELOAD_ROLLING, 1);
NUMBER(TROUPE_RELOAD_CANARY, 2);
NUMBER(TROUPE_RELOAD_ATOMIC, 3);
NUMBER(TROUPE_RELOAD_DONE, 0);
NUMBER(TROUPE_RELOAD_NOTHING, 1);
NUMBER(TROUPE_RELOAD_REFUSED, 2);
NUMBER(TROUPE_RELOAD_TAKEN_BACK, 3);
NUMBER(TROUPE_PROBATION_SAID, 1u);
NUMBER(TROUPE_PROBE_SKIPPED, 8u);
NUMBER(TROUPE_GRACE_SAID, 16u);
NUMBER(TROUPE_GENERATION_CURRENT, 0);
NUMBER(TROUPE_GENERATION_RETIRING, 1);
NUMBER(TROUPE_GENERATION_QUIET, 2);
NUMBER(TROUPE_GENERATION_UNLOADED, 3);
NUMBER(TROUPE_GENERATION_STAYS, 4);
GROWS(troupe_reload, 8);
FIELD(troupe_reload, size, 0, 4, uint32_t);
FIELD(troupe_reload, flags, 4, 4, uint32_t);
FIELD(troupe_reload, mode, 8, 4, uint32_t);
FIELD(troupe_reload, canary, 12, 4, uint32_t);
FIELD(troupe_reload, swap_timeout, 16, 8, uint64_t);
FIELD(troupe_reload, probation_time, 24, 8, uint64_t);
FIELD(troupe_reload, probation_messages, 32, 8, uint64_t);
FIELD(troupe_reload, plugin, 40, 8, const char *);
FIELD(troupe_reload, shadow, 48, 8, uint64_t);
FIELD(troupe_reload, shadow_time, 56, 8, uint64_t);
FIELD(troupe_reload, probe_time, 64, 8, uint64_t);
FIELD(troupe_reload, grace, 72, 8, uint64_t);

GROWS(troupe_reload_report, 8);
FIELD(troupe_reload_report, size, 0, 4, uint32_t);
FIELD(troupe_reload_report, outcome, 4, 4, uint32_t);
FIELD(troupe_reload_report, number, 8, 8, uint64_t);
FIELD(troupe_reload_report, began, 16, 8, int64_t);
FIELD(troupe_reload_report, took, 24, 8, uint64_t);
FIELD(troupe_reload_report, files, 32, 4, uint32_t);
FIELD(troupe_reload_report, types, 36, 4, uint32_t);
FIELD(troupe_reload_report, from_generation, 40, 4, uint32_t);
FIELD(troupe_reload_report, to_generation, 44, 4, uint32_t);
FIELD(troupe_reload_report, over, 48, 8, uint64_t);
FIELD(troupe_reload_report, back, 56, 8, uint64_t);
FIELD(troupe_reload_report, undone, 64, 8, uint64_t);
FIELD(troupe_reload_report, stranded, 72, 8, uint64_t);
FIELD(troupe_reload_report, sent_since, 80, 8, uint64_t);
FIELD(troupe_reload_report, longest_pause, 88, 8, uint64_t);
FIELD(troupe_reload_report, can_go_back, 96, 1, bool);
FIELD(troupe_reload_report, at_once, 97, 1, bool);
FIELD(troupe_reload_report, step, 98, 16, char[16]);
FIELD(troupe_reload_report, file, 114, 256, char[256]);
FIELD(troupe_reload_report, from_build, 370, 72, char[72]);
FIELD(troupe_reload_report, to_build, 442, 72, char[72]);
FIELD(troupe_reload_report, version, 514, 64, char[64]);
FIELD(troupe_reload_report, actor, 578, 160, char[160]);
FIELD(troupe_reload_report, reason, 738, 512, char[512]);
FIELD(troupe_reload_report, compared, 1256, 8, uint64_t);
FIELD(troupe_reload_report, differences, 1264, 8, uint64_t);
FIELD(troupe_reload_report, left_out, 1272, 8, uint64_t);
FIELD(troupe_reload_report, left_out_first, 1280, 160, char[160]);
FIELD(troupe_reload_report, left_out_why, 1440, 160, char[160]);
FIELD(troupe_reload_report, settings, 1600, 4, uint32_t);
FIELD(troupe_reload_report, added, 1604, 4, uint32_t);
FIELD(troupe_reload_report, removed, 1608, 4, uint32_t);
FIELD(troupe_reload_report, rewired, 1612, 4, uint32_t);
FIELD(troupe_reload_report, restarted, 1616, 4, uint32_t);
FIELD(troupe_reload_report, changes, 1620, 512, char[512]);

FUNCTION_TYPE(troupe_reload_each, void(void *, const struct troupe_reload_report *));
STATUS(troupe_proc_reload, struct troupe_proc *, const struct troupe_reload *,
       struct troupe_reload_report *, struct troupe_error *);
STATUS(troupe_proc_reloads, struct troupe_proc *, troupe_reload_each *, void *,
       struct troupe_error *);
FUNCTION_TYPE(troupe_difference_each, void(void *, const char *));
STATUS(troupe_proc_reload_differences, struct troupe_proc *, uint64_t, troupe_difference_each *,
       void *, struct troupe_error *);
GROWS(troupe_generation, 4);
FIELD(troupe_generation, size, 0, 4, uint32_t);
FIELD(troupe_generation, state, 4, 4, uint32_t);
FIELD(troupe_generation, number, 8, 4, uint32_t);
FIELD(troupe_generation, file, 12, 256, char[256]);
FIELD(troupe_generation, build_id, 268, 72, char[72]);
FIELD(troupe_generation, version, 340, 64, char[64]);
FIELD(troupe_generation, reason, 404, 256, char[256]);

FUNCTION_TYPE(troupe_generation_each, void(void *, const struct troupe_generation *));
STATUS(troupe_proc_generations, struct troupe_proc *, troupe_generation_each *, void *,
       struct troupe_error *);
STATUS(troupe_proc_watch, struct troupe_proc *, struct troupe_error *);
