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

#define THREAD                                                                                     \
    "A thread of its own goes on in code that is not there any more.",                             \
        "Let an actor do its work: one with P(option, NAME, own_thread) may block."
#define THREAD_END                                                                                 \
    "At the end of each thread that has used it, a destructor of the plugin is called.",           \
        "Keep what belongs to an actor in its state, not with a thread."
#define SIGNALS                                                                                    \
    "The kernel calls the plugin's function whenever the signal comes.",                           \
        "Leave signals to the host, or watch a signalfd with P(watch, NAME, ...)."
#define EXIT                                                                                       \
    "Its function is called when the process ends.",                                               \
        "Use P(cleanup, NAME) for an actor, fini of TROUPE_PLUGIN_HOOKS for the plugin."
#define CALLBACK                                                                                   \
    "The C library keeps a pointer to its functions, where nobody can find it.",                   \
        "Use open_memstream or fmemopen, or write what is to be written by hand."
#define TIMER                                                                                      \
    "Its function may be called by a thread of the C library.",                                    \
        "Use P(timer, NAME, ...), which calls the actor in a turn."

static const struct unload_risk lasting[] = {
    {"pthread_create", THREAD},
    {"thrd_create", THREAD},
    {STD_THREAD_START, THREAD},
    {"pthread_key_create", THREAD_END},
    {"tss_create", THREAD_END},
    {"__cxa_thread_atexit", THREAD_END},
    {"__cxa_thread_atexit_impl", THREAD_END},
    {"signal", SIGNALS},
    {"__sysv_signal", SIGNALS},
    {"sigaction", SIGNALS},
    {"on_exit", EXIT},
    {"at_quick_exit", EXIT},
    {"__cxa_at_quick_exit", EXIT},
    {"fopencookie", CALLBACK},
    {"timer_create", TIMER},
};
#define LASTING_COUNT (sizeof lasting / sizeof *lasting)

const struct unload_risk *unload_find_risk(const char *symbol) {
    for (size_t i = 0; i < LASTING_COUNT; i++) {
        if (strcmp(lasting[i].symbol, symbol) == 0) {
            return &lasting[i];
        }
    }
    return NULL;
}

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
    char texts[LASTING_COUNT][160];
    struct names names;
    names_init(&names);
    for (size_t i = 0; i < LASTING_COUNT; i++) {
        if (find_import(image, lasting[i].symbol)) {
            (void)snprintf(texts[i], sizeof texts[i], "imports %s", lasting[i].symbol);
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
