/* What the files of going over share. */
#pragma once

#include "actor/proc_impl.h"

/* Both are of the same library: a generation for other settings alone. */
bool swap_is_same_code(const struct inst_type *from, const struct inst_type *to);
/* To its type's line, and what depends on the type. */
void swap_become(struct inst *in, const struct inst_type *type);

/* Whether a state of the one is, as it lies there, one of the other. */
bool swap_stays_in_place(const struct inst_type *from, const struct inst_type *to);
/* The name of a row in use that `to` lacks; NULL: none. */
const char *swap_find_lack(const struct inst *in, const struct inst_type *to);

/* swap_way.c */
/* Whether all are about to go back: one has failed, but who waits for them may not have noticed yet. */
bool swap_has_failed(struct swap *swap);

/* swap_config.c */
/* The settings that it goes over with, the caller's; *ret NULL: its own, as they are. -1: it can't, and `why`. */
int swap_find_config(struct inst *in, const struct inst_type *to, struct config **ret, char *why,
                     size_t size);
/* They are its settings now, and those before are the other ones; *config is NULL then. */
void swap_adopt_config(struct inst *in, struct config **config);
/* Into a state that stays where it is. */
void swap_write_config(struct inst *in);
/* Whether nothing changes for it: the same code, and no other settings. */
bool swap_is_untouched(const struct inst *in, const struct inst_type *to);
/* Whether it would get its settings by a row that can't run now. */
bool swap_waits(const struct inst *in, const struct inst_type *to);
/* What it has gone back from is not a later reload's: behind the reload nobody else forgets it. */
void swap_forget_refused(struct inst *in);
/* It has yet to go back, and can't now (swap_waits, or its life is ending): behind the reload, when nobody else does, it
 * asks itself, and counts as busy until then. */
void swap_stay_late(struct inst *in);
/* By the row `reconfigure`. */
int swap_reconfigure(struct runner *r, struct inst *in, const struct inst_type *to,
                     struct config **config, char *why, size_t size);
