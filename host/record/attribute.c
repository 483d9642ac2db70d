/* The table of attributes; see attribute.h. */
#include "record/attribute.h"

#include <string.h>

static const struct attribute attributes[] = {
#define ATTRIBUTE_ROW(constant, name, kind, when, description)                                     \
    {name, description, ATTRIBUTE_##kind, ATTRIBUTE_##when},
    ATTRIBUTES(ATTRIBUTE_ROW)
#undef ATTRIBUTE_ROW
};

const struct attribute *attribute_get(enum attribute_id id) {
    return &attributes[id];
}

bool attribute_is_of_entity(enum attribute_id id) {
    static const bool those[ATTRIBUTE_COUNT] = {
        [ATTRIBUTE_STATUS] = true,     [ATTRIBUTE_ID] = true,        [ATTRIBUTE_PROC] = true,
        [ATTRIBUTE_NAME] = true,       [ATTRIBUTE_UID] = true,       [ATTRIBUTE_INCARNATION] = true,
        [ATTRIBUTE_ACTOR_TYPE] = true, [ATTRIBUTE_ATTRIBUTES] = true};
    return those[id];
}

bool attribute_is_of_brief(enum attribute_id id) {
    static const bool those[ATTRIBUTE_COUNT] = {
        [ATTRIBUTE_STATUS] = true,       [ATTRIBUTE_STATUS_REASON] = true,
        [ATTRIBUTE_ID] = true,           [ATTRIBUTE_PROC] = true,
        [ATTRIBUTE_NAME] = true,         [ATTRIBUTE_UID] = true,
        [ATTRIBUTE_ENDED_AT] = true,     [ATTRIBUTE_INCARNATION] = true,
        [ATTRIBUTE_ERROR_MESSAGE] = true};
    return those[id];
}

const struct attribute *attribute_find(const char *name) {
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (strcmp(attributes[i].name, name) == 0) {
            return &attributes[i];
        }
    }
    return NULL;
}

const char *attribute_kind_text(enum attribute_kind kind) {
    static const char *const texts[] = {
#define ATTRIBUTE_KIND_TEXT(name, text) text,
        ATTRIBUTE_KINDS(ATTRIBUTE_KIND_TEXT)
#undef ATTRIBUTE_KIND_TEXT
    };
    return (unsigned)kind < ATTRIBUTE_KIND_COUNT ? texts[kind] : "unknown";
}
