/* Counting threads; see threads.h. */
#include "lib/threads.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/test.h"

#define EXITING 0x4u /* PF_EXITING, which the kernel sets before it tells who joins */

static bool is_there(const char *id) {
    char path[300];
    char text[512] = "";
    unsigned flags = EXITING;
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", id);
    FILE *file = fopen(path, "re");
    if (file) {
        (void)!fgets(text, sizeof text, file);
        (void)fclose(file);
    }
    const char *behind_name = strrchr(text, ')');
    return behind_name && sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
           !(flags & EXITING);
}

unsigned test_count_threads(void) {
    DIR *folder = opendir("/proc/self/task");
    unsigned count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        count += entry->d_name[0] != '.' && is_there(entry->d_name);
    }
    (void)closedir(folder);
    return count;
}
