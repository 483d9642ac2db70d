/* Which addresses are plugin code: written under a lock, read in signal handlers without one. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "sched/fault_impl.h"

#define NAME_WORDS 16u

/* Never freed while handlers are installed, but used again. Odd `version`: being written. */
struct range {
    _Atomic uint32_t version;
    _Atomic uintptr_t start, end, base; /* start 0: free */
    _Atomic uint64_t name[NAME_WORDS];
    struct range *next;
};

static struct {
    pthread_mutex_t lock;
    _Atomic(struct range *) first;
} codes = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* seq_cst throughout: nothing of a range is read or written around its version, and speed is no
 * matter here */
static void write_range(struct range *range, const struct fault_code *code) {
    char name[NAME_WORDS * sizeof(uint64_t)] = {0};
    strncpy(name, code->name, sizeof name - 1);
    atomic_fetch_add(&range->version, 1);
    for (unsigned i = 0; i < NAME_WORDS; i++) {
        uint64_t word;
        memcpy(&word, name + i * sizeof word, sizeof word);
        atomic_store(&range->name[i], word);
    }
    atomic_store(&range->base, code->base);
    atomic_store(&range->end, code->end);
    atomic_store(&range->start, code->start);
    atomic_fetch_add(&range->version, 1);
}

static struct range *find_start_locked(uintptr_t start) {
    struct range *range = atomic_load(&codes.first);
    while (range && atomic_load(&range->start) != start) {
        range = range->next;
    }
    return range;
}

int fault_add_code(const struct fault_code *code, struct err *err) {
    int status = 0;
    pthread_mutex_lock(&codes.lock);
    struct range *range = find_start_locked(0);
    if (range) {
        write_range(range, code);
    } else if ((range = mem_alloc(sizeof *range))) {
        write_range(range, code);
        range->next = atomic_load(&codes.first);
        atomic_store(&codes.first, range);
    } else {
        status = err_set(err, ERR_NOMEM, "code of plugin '%s'", code->name);
    }
    pthread_mutex_unlock(&codes.lock);
    return status;
}

void fault_remove_code(uintptr_t start) {
    pthread_mutex_lock(&codes.lock);
    struct range *range = start ? find_start_locked(start) : NULL;
    if (range) {
        write_range(range, &(struct fault_code){.name = ""});
    }
    pthread_mutex_unlock(&codes.lock);
}

/* Whether the range, unchanged while it is read, holds the address. */
static bool read_range(struct range *range, uintptr_t address, uintptr_t *ret_base, char *name) {
    uint32_t version = atomic_load(&range->version);
    if (version % 2 || address < atomic_load(&range->start) ||
        address >= atomic_load(&range->end)) {
        return false;
    }
    uintptr_t base = atomic_load(&range->base);
    for (unsigned i = 0; name && i < NAME_WORDS; i++) {
        uint64_t word = atomic_load(&range->name[i]);
        memcpy(name + i * sizeof word, &word, sizeof word);
    }
    if (atomic_load(&range->version) != version) {
        return false;
    }
    *ret_base = base;
    return true;
}

bool fault_find_code(uintptr_t address, uintptr_t *ret_base, char *ret_name, size_t size) {
    char name[NAME_WORDS * sizeof(uint64_t)];
    struct range *range = atomic_load(&codes.first);
    for (; range; range = range->next) {
        if (read_range(range, address, ret_base, ret_name ? name : NULL)) {
            if (ret_name && size > 0) {
                size_t length = strnlen(name, size - 1);
                memcpy(ret_name, name, length);
                ret_name[length] = '\0';
            }
            return true;
        }
    }
    return false;
}

void code_free_all(void) {
    pthread_mutex_lock(&codes.lock);
    struct range *range = atomic_exchange(&codes.first, NULL);
    while (range) {
        struct range *next = range->next;
        mem_free(range);
        range = next;
    }
    pthread_mutex_unlock(&codes.lock);
}
