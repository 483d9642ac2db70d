/* Memory that nobody should use any more, and who does: noted, and let go on. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sched/fault_impl.h"

#define QUIET_MOST 64u

/* Static, as signal handlers read it at any time. */
static struct {
    pthread_mutex_t lock; /* of who begins and forgets */
    struct quiet_span {
        _Atomic uint32_t owner; /* 0: free; written last, and first */
        _Atomic uintptr_t start, end;
        _Atomic int protection; /* as it was */
        _Atomic uintptr_t used_at;
    } spans[QUIET_MOST];
} quiet = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int protect(uintptr_t start, uintptr_t end, int protection) {
    return mprotect((void *)start, end - start, protection);
}

/* Signal-safe. */
static void restore(uint32_t owner) {
    for (size_t i = 0; i < QUIET_MOST; i++) {
        struct quiet_span *span = &quiet.spans[i];
        if (atomic_load(&span->owner) == owner) {
            (void)protect(atomic_load(&span->start), atomic_load(&span->end),
                          atomic_load(&span->protection));
        }
    }
}

bool quiet_catch(uintptr_t address) {
    for (size_t i = 0; i < QUIET_MOST; i++) {
        struct quiet_span *span = &quiet.spans[i];
        uint32_t owner = atomic_load(&span->owner);
        if (owner && address >= atomic_load(&span->start) && address < atomic_load(&span->end)) {
            atomic_store(&span->used_at, address);
            restore(owner);
            return true;
        }
    }
    return false;
}

static struct quiet_span *find_free_locked(void) {
    for (size_t i = 0; i < QUIET_MOST; i++) {
        if (atomic_load(&quiet.spans[i].owner) == 0) {
            return &quiet.spans[i];
        }
    }
    return NULL;
}

static int begin_locked(uint32_t owner, const struct fault_quiet *memory) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct quiet_span *span = find_free_locked();
    if (!span) {
        return -1;
    }
    uintptr_t start = memory->start / page * page;
    uintptr_t end = (memory->end + page - 1) / page * page;
    atomic_store(&span->start, start);
    atomic_store(&span->end, end);
    atomic_store(&span->protection, PROT_READ | (memory->is_code ? PROT_EXEC : 0));
    atomic_store(&span->used_at, 0);
    atomic_store(&span->owner, owner); /* before the first fault */
    return protect(start, end, PROT_NONE);
}

int fault_quiet_begin(uint32_t owner, const struct fault_quiet *memory, size_t count) {
    int status = fault_is_contained() ? 0 : -1;
    pthread_mutex_lock(&quiet.lock);
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = begin_locked(owner, &memory[i]);
    }
    pthread_mutex_unlock(&quiet.lock);
    if (status < 0) {
        restore(owner);
        fault_quiet_forget(owner);
    }
    return status;
}

uintptr_t fault_quiet_end(uint32_t owner) {
    uintptr_t used_at = 0;
    restore(owner);
    for (size_t i = 0; i < QUIET_MOST; i++) {
        struct quiet_span *span = &quiet.spans[i];
        if (atomic_load(&span->owner) == owner && atomic_load(&span->used_at)) {
            used_at = atomic_load(&span->used_at);
        }
    }
    return used_at;
}

void fault_quiet_forget(uint32_t owner) {
    pthread_mutex_lock(&quiet.lock);
    for (size_t i = 0; i < QUIET_MOST; i++) {
        if (atomic_load(&quiet.spans[i].owner) == owner) {
            atomic_store(&quiet.spans[i].owner, 0);
        }
    }
    pthread_mutex_unlock(&quiet.lock);
}
