/* Lists of names in one block; see names.h. */
#include "plugin/names.h"

#include <string.h>

#include "base/alloc.h"

void names_init(struct names *names) {
    *names = (struct names){0};
}

void names_fini(struct names *names) {
    mem_free(names->items);
    names_init(names);
}

void names_add(struct names *names, const char *name) {
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 16;
        const char **items = mem_resize(names->items, room * sizeof *items);
        if (!items) {
            names->failed = true;
            return;
        }
        names->items = items;
        names->room = room;
    }
    names->items[names->count++] = name;
}

bool names_has(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

char **names_pack(const struct names *names) {
    size_t size = (names->count + 1) * sizeof(char *);
    for (size_t i = 0; i < names->count; i++) {
        size += strlen(names->items[i]) + 1;
    }
    char **packed = names->failed ? NULL : mem_alloc(size);
    if (!packed) {
        return NULL;
    }
    char *text = (char *)(packed + names->count + 1);
    for (size_t i = 0; i < names->count; i++) {
        size_t length = strlen(names->items[i]) + 1;
        packed[i] = memcpy(text, names->items[i], length);
        text += length;
    }
    return packed;
}
