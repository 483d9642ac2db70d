/* The in-process forwarder: joins procs of one program, so that their actors and clients talk with
 * each other.
 *
 *     struct troupe_forwarder *forwarder;
 *     troupe_forwarder_create(&forwarder, &error);
 *     struct troupe_options one = {.size = sizeof one, .id = "one", .forwarder = forwarder};
 *     struct troupe_options two = {.size = sizeof two, .id = "two", .forwarder = forwarder};
 *
 * A proc joins when it starts, under its id, and leaves when it ends. From then on
 * troupe_client_find knows "two/name[0]" in proc one; an address, once known, goes wherever a
 * message takes it. A message for another proc is encoded by its schema, as over a network: each
 * proc has its own types, and plugins of its own. Its receiver can't tell (MB-7), but for the
 * envelope's ttl. Order holds between each sender and receiver (MB-1).
 *
 * A full mailbox over there does what its policy says, as to senders of its own proc: with `block` the
 * sending actor pauses until there is room, and a client waits at most until its timeout (MB-2). Actors of
 * several procs that would wait for each other for ever are let through. What is sent to a proc that has
 * left comes back as undeliverable (`gone`), and who waits for one that leaves goes on. */
#pragma once

#include <troupe/embed.h>

/* Makes a forwarder without procs; *ret is the caller's. Procs keep it as long as they need it.
 * Errors: NO_MEMORY. [any] */
TROUPE_API int32_t troupe_forwarder_create(struct troupe_forwarder **ret,
                                           struct troupe_error *error);
TROUPE_API void troupe_forwarder_free(struct troupe_forwarder *forwarder); /* takes NULL [any] */
