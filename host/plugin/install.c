/* Where the plugins that come with the program are installed; see install.h. */
#include "plugin/install.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

/* "<folder of this program>/<from bin to the plugins>"; NULL when unknown or out of memory. */
static char *beside_program(void) {
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program);
    if (size <= 0 || (size_t)size == sizeof program) {
        return NULL;
    }
    while (size > 0 && program[size - 1] != '/') {
        size--;
    }
    struct str path;
    str_init(&path);
    str_add_n(&path, program, (size_t)size);
    str_add(&path, TROUPE_PLUGIN_DIR_FROM_BIN);
    return str_take(&path);
}

char *install_plugin_folder(void) {
    char *path = beside_program();
    struct stat info;
    if (path && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return path;
    }
    mem_free(path);
    return mem_text(TROUPE_PLUGIN_DIR);
}
