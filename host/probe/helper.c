/* Where the program is that tries plugin files; see probe.h. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "probe/probe.h"

#define NAME "troupe-probe"

/* The file that holds the code of this function: the program, or libtroupe. False: unknown. */
static bool find_own_file(char *ret, size_t size) {
    char line[PATH_MAX + 128];
    uintptr_t here = (uintptr_t)find_own_file;
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;
    while (maps && !found && fgets(line, sizeof line, maps)) {
        uintptr_t start;
        uintptr_t end;
        const char *path = strchr(line, '/');
        found = path && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) == 2 &&
                here >= start && here < end;
        if (found) {
            (void)snprintf(ret, size, "%.*s", (int)strcspn(path, "\n"), path);
        }
    }
    if (maps) {
        (void)fclose(maps);
    }
    return found;
}

/* "<folder of this code>/<way>", if there is such a program. */
static char *beside(const char *own, const char *way) {
    struct str path;
    str_init(&path);
    str_add_n(&path, own, (size_t)(strrchr(own, '/') - own) + 1);
    str_add(&path, way);
    char *text = str_take(&path);
    if (text && access(text, X_OK) == 0) {
        return text;
    }
    mem_free(text);
    return NULL;
}

char *probe_helper(void) {
    static const char *const ways[] = {NAME, TROUPE_HELPER_DIR_FROM_BIN "/" NAME,
                                       TROUPE_HELPER_DIR_FROM_LIB "/" NAME};
    const char *told = secure_getenv("TROUPE_PROBE");
    char own[PATH_MAX];
    char *found = NULL;
    if (told && told[0]) {
        return mem_text(told);
    }
    bool is_known = find_own_file(own, sizeof own);
    for (size_t i = 0; is_known && !found && i < sizeof ways / sizeof *ways; i++) {
        found = beside(own, ways[i]);
    }
    return found ? found : mem_text(TROUPE_HELPER_DIR "/" NAME);
}
