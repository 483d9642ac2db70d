/* Reasons to keep a plugin mapped; see unload.h. */
#include "plugin/unload.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "plugin/names.h"

/* What std::thread starts a thread with, in libstdc++. */
#define STD_THREAD_START                                                                           \
    "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateE"                                     \
    "St14default_deleteIS1_EEPFvvE"

/* Each leaves a pointer to the plugin's code with a thread, the C library or the kernel. */
static const char *const lasting[] = {
    "pthread_create",
    "thrd_create",
    STD_THREAD_START,
    "pthread_key_create",
    "tss_create",
    "__cxa_thread_atexit",
    "__cxa_thread_atexit_impl",
    "signal",
    "__sysv_signal",
    "sigaction",
    "on_exit",
    "at_quick_exit",
    "__cxa_at_quick_exit",
    "fopencookie",
    "timer_create",
};

static const char *const allocating[] = {
    "malloc",         "calloc",          "realloc",  "reallocarray",
    "strdup",         "strndup",         "asprintf", "vasprintf",
    "__asprintf_chk", "__vasprintf_chk", "getline",  "open_memstream",
    "aligned_alloc",  "posix_memalign",  "_Znwm",    "_Znam",
};

static const char *const locking[] = {
    "pthread_mutex_lock",
    "pthread_mutex_trylock",
    "pthread_mutex_timedlock",
    "pthread_mutex_clocklock",
    "pthread_rwlock_rdlock",
    "pthread_rwlock_wrlock",
    "pthread_rwlock_tryrdlock",
    "pthread_rwlock_trywrlock",
    "pthread_rwlock_timedrdlock",
    "pthread_rwlock_timedwrlock",
    "pthread_spin_lock",
    "pthread_spin_trylock",
    "mtx_lock",
    "mtx_trylock",
    "mtx_timedlock",
    "sem_wait",
    "sem_trywait",
    "sem_timedwait",
    "flockfile",
};

static const char *find_import(const struct image *image, const char *name) {
    for (char **import = image->imports; *import; import++) {
        if (strcmp(*import, name) == 0) {
            return *import;
        }
    }
    return NULL;
}

char **unload_reasons(const struct image *image) {
    char texts[sizeof lasting / sizeof *lasting][160];
    struct names names;
    names_init(&names);
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        if (find_import(image, lasting[i])) {
            (void)snprintf(texts[i], sizeof texts[i], "imports %s", lasting[i]);
            names_add(&names, texts[i]);
        }
    }
    if (image->has_unique_symbols) {
        names_add(&names, "has symbols that are unique in the process; build it with "
                          "-fno-gnu-unique");
    }
    if (image->is_nodelete) {
        names_add(&names, "was linked with -z nodelete");
    }
    char **reasons = names_pack(&names);
    names_fini(&names);
    return reasons;
}

static bool has_import_of(const struct image *image, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (find_import(image, names[i])) {
            return true;
        }
    }
    return false;
}

bool unload_leaks_on_fault(const struct image *image) {
    return has_import_of(image, allocating, sizeof allocating / sizeof *allocating);
}

bool unload_locks_on_fault(const struct image *image) {
    return has_import_of(image, locking, sizeof locking / sizeof *locking);
}
