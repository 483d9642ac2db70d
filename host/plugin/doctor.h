/* What speaks against reloading and unloading a plugin file, why, and what cures it; judged without running it. */
#pragma once

#include <stddef.h>

#include "plugin/image.h"

#define DOCTOR_KINDS(X)                                                                            \
    X(UNLOAD, "unload") /* it stays mapped, or unmapping it may crash the process */               \
    X(RELOAD, "reload") /* actors of a type can't go over to a new version */                      \
    X(ADVICE, "advice") /* it works, but not as well as it could */
#define DOCTOR_KIND_CONSTANT(name, text) DOCTOR_##name,
enum doctor_kind { DOCTOR_KINDS(DOCTOR_KIND_CONSTANT) DOCTOR_KIND_COUNT };
#undef DOCTOR_KIND_CONSTANT

struct doctor_finding {
    enum doctor_kind kind;
    const char *id;         /* "import", "unique", ...: for programs */
    char *what;             /* "imports pthread_create"; owned */
    const char *why, *cure; /* whole sentences */
};

struct doctor {
    struct doctor_finding *items; /* by kind */
    size_t count;
    size_t counts[DOCTOR_KIND_COUNT];
    bool failed; /* no memory */
};

/* To be given to doctor_fini, whatever came of it. [any] */
void doctor_look(const struct image *image, struct doctor *ret);
void doctor_fini(struct doctor *doctor);
const char *doctor_kind_text(enum doctor_kind kind);
