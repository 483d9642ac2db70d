/* `wires`: from an output port to a handler port, as "a.out -> b.in" or as a map. */
#pragma once

#include "manifest/schema.h"

field_read wires_read; /* target: struct manifest */
field_explain wires_explain;
/* "a.out -> b.in", by which wires of several files are told apart; NULL for what is no wire. */
char *wire_name(struct arena *arena, const struct node *wire);
