/* The host's own message types: what is asked of an actor, and what is answered (troupe/introspect.h). */
#pragma once

#include "actor/look.h"
#include "message/type.h"
#include "record/attribute.h"
#include "record/proc_view.h"

/* Where an attribute goes in a `view`. */
struct view_step {
    uint32_t offset;
    uint8_t attribute, kind; /* of the field */
    uint8_t when;
    bool is_of_entity;
};

struct view_types {
    const struct msg_type *query, *view, *proc_view;
    struct view_step steps[ATTRIBUTE_COUNT]; /* last what only those that failed have */
    uint32_t step_count, usual_count;
};

/* Interns them. Errors: INVALID (a plugin has declared others under these ids), NOMEM. */
int view_types_init(struct view_types *types, struct type_table *table, struct err *err);

/* A query as it came, of a type compatible with `query`; the texts are lent by the body. False: it is
 * another message. */
enum view_kind { VIEW_ACTOR, VIEW_ENTITY, VIEW_PROC, VIEW_UNKNOWN };
struct view_query {
    enum view_kind view;
    struct troupe_str child;
};
bool view_read_query(const struct view_types *types, const struct msg_type *sent, const void *body,
                     struct view_query *ret);

/* What the answer needs of memory, freed by view_free. */
struct view_room;
/* A body of the type `view`, lent by the room and the snapshot; NULL: no memory. */
struct view_room *view_make(const struct view_types *types, const struct snapshot *s,
                            bool is_entity, const void **ret_body);
void view_free(struct view_room *room); /* takes NULL */

/* The same of the type `proc_view`; lent by the room and the view. */
struct proc_view_room;
struct proc_view_room *proc_view_make(const struct proc_view *view, const void **ret_body);
void proc_view_free(struct proc_view_room *room); /* takes NULL */
