/* Policies of actors and supervisors: their tables of keys, built-in values, and what comes from where. */
#pragma once

#include "manifest/schema.h"

extern const struct field mailbox_fields[];         /* struct mailbox_policy */
extern const struct field default_mailbox_fields[]; /* the same, without ports */
extern const struct field supervise_fields[];       /* struct supervise_policy */
extern const struct field restart_fields[];         /* struct restart_block, written as a block */
extern const struct field checkpoint_fields[];      /* struct checkpoint_policy */

extern const char *const strategy_words[];
extern const char *const restart_words[];
extern const char *const overflow_words[];

struct mailbox_policy policies_mailbox(void);
struct supervise_policy policies_supervise(void);
/* With all that a block can leave out marked as left out. */
struct restart_block policies_restart(void);

/* `supervision` or `supervise`: reads and checks. */
field_read policies_read_supervise;
field_explain policies_explain_supervise;
/* `restart`: a word or a block. */
field_read policies_read_restart;
field_explain policies_explain_restart;
field_read policies_read_checkpoint;
field_explain policies_explain_checkpoint;

/* Fills what the block left out from the supervisor's policy, and checks the result. `given` is where
 * the block stands, NULL when there is none. */
void policies_finish_restart(struct reader *r, struct restart_block *restart,
                             const struct supervise_policy *supervisor, const struct node *given);
