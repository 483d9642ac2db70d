/* What an sshd says about logins.
 *
 * User names are chosen by whoever knocks: they may hold blanks, " from 10.0.0.1 port 22 ssh2", or
 * nothing. Where a name can be anything, the address is read from the end of the message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/abi.h>

enum sshd_kind {
    SSHD_OTHER,
    SSHD_FAILED_PASSWORD,
    SSHD_FAILED_OTHER, /* a key, or nothing at all, was refused */
    SSHD_ACCEPTED,
    SSHD_INVALID_USER,
};

struct sshd_fact {
    enum sshd_kind kind;
    struct troupe_str user, source; /* within the message; empty where it does not say */
};

/* Whether `program` is an sshd, or a part of one (sshd-session). */
bool sshd_is_program(struct troupe_str program);

/* How often the message happened: N, with *message set to the part between the brackets, for
 * "message repeated N times: [ ... ]"; else 1. */
uint64_t sshd_unfold(struct troupe_str *message);

/* `message` is unfolded. A refused password counts even where the line is cut off behind it. */
struct sshd_fact sshd_read(struct troupe_str message);

/* As in syslog.event/1. */
struct troupe_str sshd_kind_name(enum sshd_kind kind);
