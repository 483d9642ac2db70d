/* Any bytes as a line of a system log: nothing is read beyond them, and parts lie within the line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "syslog/dating.h"
#include "syslog/header.h"
#include "syslog/sshd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_lie_within(struct troupe_str part, const char *line, size_t size) {
    if (part.size > 0 && (part.data < line || part.data + part.size > line + size)) {
        abort();
    }
}

static int64_t some_now(void *context) {
    (void)context;
    return 1700000000000000000;
}

static void try_sshd(struct troupe_str message, const char *line, size_t size) {
    (void)sshd_unfold(&message);
    must_lie_within(message, line, size);
    struct sshd_fact fact = sshd_read(message);
    must_lie_within(fact.user, line, size);
    must_lie_within(fact.source, line, size);
    (void)sshd_kind_name(fact.kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A block of its own, so that a byte too far is noticed. */
    char *line = malloc(size ? size : 1);
    if (!line) {
        return 0;
    }
    memcpy(line, data, size);
    struct header h;
    if (header_parse(troupe_str_n(line, size), &h)) {
        must_lie_within(h.host, line, size);
        must_lie_within(h.program, line, size);
        must_lie_within(h.message, line, size);
        struct dating dating;
        dating_init(&dating, size % 2 == 0, size % 3 == 0 ? 2016 : 0);
        if (h.has_time) {
            (void)dating_resolve(&dating, &h.time, some_now, NULL);
        }
        try_sshd(h.message, line, size);
    }
    try_sshd(troupe_str_n(line, size), line, size);
    free(line);
    return 0;
}
