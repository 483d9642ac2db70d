/* Which addresses are plugin code: written under a lock, read in signal handlers without one. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "sched/fault_impl.h"

#define NAME_WORDS 16u
#define FILE_WORDS (FAULT_FILE_SIZE / sizeof(uint64_t))

/* Never freed while handlers are installed, but used again. Odd `version`: being written. */
struct range {
    _Atomic uint32_t version;
    _Atomic uintptr_t start, end, base; /* start 0: free */
    _Atomic uint64_t name[NAME_WORDS];
    _Atomic uint64_t file[FILE_WORDS];
    struct range *next;
};

static struct {
    pthread_mutex_t lock;
    _Atomic(struct range *) first;
} codes = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* seq_cst throughout: nothing of a range is read or written around its version, and speed is no
 * matter here */
static void write_words_to(_Atomic uint64_t *words, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * sizeof word, sizeof word);
        atomic_store(&words[i], word);
    }
}

static void read_words(const _Atomic uint64_t *words, char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t word = atomic_load(&words[i]);
        memcpy(bytes + i * sizeof word, &word, sizeof word);
    }
}

static void write_range(struct range *range, const struct fault_code *code) {
    char name[NAME_WORDS * sizeof(uint64_t)] = {0};
    char file[FAULT_FILE_SIZE] = {0};
    strncpy(name, code->name, sizeof name - 1);
    if (code->file && strlen(code->file) < sizeof file) {
        strncpy(file, code->file, sizeof file - 1);
    }
    atomic_fetch_add(&range->version, 1);
    write_words_to(range->name, name, NAME_WORDS);
    write_words_to(range->file, file, FILE_WORDS);
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

/* What is asked for of the range that holds an address; `name` and `file` may be NULL. */
struct found {
    uintptr_t base;
    char *name, *file;
};

/* Whether the range, unchanged while it is read, holds the address. */
static bool read_range(struct range *range, uintptr_t address, struct found *ret) {
    uint32_t version = atomic_load(&range->version);
    if (version % 2 || address < atomic_load(&range->start) ||
        address >= atomic_load(&range->end)) {
        return false;
    }
    ret->base = atomic_load(&range->base);
    if (ret->name) {
        read_words(range->name, ret->name, NAME_WORDS);
    }
    if (ret->file) {
        read_words(range->file, ret->file, FILE_WORDS);
    }
    return atomic_load(&range->version) == version;
}

static bool find(uintptr_t address, struct found *ret) {
    struct range *range = atomic_load(&codes.first);
    while (range && !read_range(range, address, ret)) {
        range = range->next;
    }
    return range != NULL;
}

static void copy_text(const char *text, char *ret, size_t size) {
    if (ret && size > 0) {
        size_t length = strnlen(text, size - 1);
        memcpy(ret, text, length);
        ret[length] = '\0';
    }
}

bool fault_find_code(uintptr_t address, uintptr_t *ret_base, char *ret_name, size_t size) {
    char name[NAME_WORDS * sizeof(uint64_t)];
    struct found found = {.name = ret_name ? name : NULL};
    if (!find(address, &found)) {
        return false;
    }
    *ret_base = found.base;
    copy_text(name, ret_name, size);
    return true;
}

bool fault_find_file(uintptr_t address, char *ret, size_t size) {
    char file[FAULT_FILE_SIZE];
    struct found found = {.file = file};
    if (!find(address, &found)) {
        return false;
    }
    copy_text(file, ret, size);
    return true;
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
