/* syslog.event/1: one line of a system log, taken apart; of an sshd's line also who and whence. */
#pragma once

#include <troupe/message.h>

/* One event for every line. `parsed` false: the line is in no known form; it stands in `message`
 * whole, and nothing else but `number` is set. Absent texts are empty, an absent pid is 0, an
 * absent facility or severity 255. `kind` is one of
 *     failed_password  failed_other  accepted  invalid_user    (lines of an sshd)
 *     other
 * `repeated` is how often the message happened: 1, or N for "message repeated N times: [ ... ]".
 * `failed` counts refused passwords and `accepted` logins: `repeated` or 0. */
#define SYSLOG_EVENT(F)                                                                            \
    F(bool, parsed)                                                                                \
    F(time, time)                                                                                  \
    F(str, host)                                                                                   \
    F(str, program)                                                                                \
    F(u64, pid)                                                                                    \
    F(u8, facility)                                                                                \
    F(u8, severity)                                                                                \
    F(str, message)                                                                                \
    F(str, kind)                                                                                   \
    F(str, user)                                                                                   \
    F(str, source)                                                                                 \
    F(u64, failed)                                                                                 \
    F(u64, accepted)                                                                               \
    F(u64, repeated)                                                                               \
    F(u64, number)
TROUPE_MESSAGE(syslog_event, "syslog.event/1", SYSLOG_EVENT);
