/* Parcels: messages as they cross between procs, encoded by their schema (MB-7).
 *
 * A parcel carries the id and the schema of its message, so that a proc that has never heard of the
 * type can take it in. Numbers are little-endian; texts, bytes and lists follow their size or
 * count. What comes from outside is checked to the last byte before anything is made of it; reading
 * allocates nothing but what the types need, and writes no more than a small multiple of the bytes
 * that came. [any] */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "message/message.h"

/* What is said beside the body. */
struct parcel {
    enum msg_kind kind; /* DATA, REQUEST, REPLY or RETURNED */
    int32_t reason;     /* a status; of a REPLY without an answer, and of a RETURNED */
    uint64_t sender;    /* uid in the proc that it comes from; of a RETURNED: whom it was sent to */
    uint64_t dest;      /* uid in the proc that it goes to */
    uint64_t port;      /* number of the port's name in the proc that it goes to */
    uint64_t call, trace, sequence;
    uint32_t ttl;
    const struct msg_type *type; /* NULL: a REPLY without an answer */
    const void *body;            /* of `type`; without one, a troupe_str */
};

/* An address as it is called on the other side. */
typedef struct troupe_ref parcel_translate(void *context, struct troupe_ref ref);

/* Appends the parcel; each address in the body is translated (NULL: none). -1: no memory, or a text
 * beyond 4 GiB. */
int parcel_write(const struct parcel *parcel, parcel_translate *translate, void *context,
                 struct str *out);

/* Reads one parcel, all of the bytes. ret->type is interned in `types`, ret->body stays NULL:
 * parcel_body makes it. `data` is lent until then. Errors: INVALID (the sentence says what, and at
 * which byte), NOMEM. */
struct parcel_in {
    struct parcel head;
    const uint8_t *data; /* of the body */
    uint64_t size;
    uint64_t room; /* what parcel_body fills */
};
int parcel_read(const void *data, uint64_t size, struct type_table *types, struct parcel_in *ret,
                struct err *err);
/* Makes the body in `to`, aligned to 8, of in->room bytes: as type_copy would have made it. */
void parcel_body(const struct parcel_in *in, void *to);
