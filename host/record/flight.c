/* The flight recorder ring.
 *
 * A cell is eight words:
 *   0  its place in the ring's history, times two, plus 2; plus 1 when an entry begins in it;
 *      0 while it is being written
 *   of the first cell of an entry:
 *   1  at_ns    2  kind, level, flags, number of cells, size of the text    3  count, and time of the last
 *   4-7  text; further cells hold text in 1-7.
 * What is still counted, RAN only, has 0 as its count there: it stands in the line that each turn needs (`counts`), at
 * the place that word 2 names. It is brought into the cell before that place counts anything else: who finds 0 in the
 * cell once more behind the count has got the right one.
 * Words are written in this order: 0, then the others with release, then word 0 with release. Who reads
 * a new word with acquire also sees that word 0 has changed, and drops the cell. */
#include "record/flight.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "record/cut.h"

#define WORD 8u
#define HEAD_TEXT (4 * WORD)
#define MORE_TEXT (7 * WORD)
#define CELLS_MAX 4u
_Static_assert(HEAD_TEXT + (CELLS_MAX - 1) * MORE_TEXT == FLIGHT_TEXT_MAX, "text fills the cells");

#define FLAG_DISCARDED 1u
#define FLAG_CUT 2u
#define FLAGS_AT 16

/* Word 2 as a struct. */
struct about {
    uint8_t kind, level, flags, cells;
    uint16_t size;
    uint16_t at; /* RAN: where it is counted */
};
_Static_assert(sizeof(struct about) == WORD, "one word");

_Static_assert(offsetof(struct flight, lately_ns) % 64 == 0 &&
                   offsetof(struct flight, written) - offsetof(struct flight, lately_ns) == 64,
               "what each turn needs is one line");
/* With the 16 bytes that an allocator puts before it: so that these lines of many recorders made one after another lie
 * in all the sets of a cache, not in each fourth only. */
_Static_assert((sizeof(struct flight) + 16) % 128 == 64, "it takes an odd number of lines");

static uint64_t pack(struct about about) {
    return about.kind | (uint64_t)about.level << 8 | (uint64_t)about.flags << FLAGS_AT |
           (uint64_t)about.cells << 24 | (uint64_t)about.size << 32 | (uint64_t)about.at << 48;
}

static struct about unpack(uint64_t word) {
    return (struct about){.kind = (uint8_t)word,
                          .level = (uint8_t)(word >> 8),
                          .flags = (uint8_t)(word >> FLAGS_AT),
                          .cells = (uint8_t)(word >> 24),
                          .size = (uint16_t)(word >> 32),
                          .at = (uint16_t)(word >> 48)};
}

static uint64_t place_word(uint64_t place, bool is_head) {
    return place * 2 + 2 + is_head;
}

struct flight *flight_create(void) {
    return mem_aligned(64, sizeof(struct flight));
}

void flight_destroy(struct flight *flight) {
    mem_free(flight);
}

static _Atomic uint64_t *count_word(struct flight *flight, uint32_t at) {
    return &flight->cells[flight->runs.cell[at]].words[3];
}

/* What runs from now on is noted anew. */
static void end_runs(struct flight *flight) {
    for (uint32_t at = 0; at < flight->run_count; at++) {
        _Atomic uint64_t *word = count_word(flight, at);
        uint64_t lasted = atomic_load_explicit(word, memory_order_relaxed);
        uint32_t count = atomic_load_explicit(&flight->counts[at], memory_order_relaxed);
        /* release: as in write_cell */
        atomic_store_explicit(word, lasted | count, memory_order_release);
    }
    flight->run_count = 0;
    memset(flight->lately, 0, sizeof flight->lately);
}

void flight_reset(struct flight *flight) {
    end_runs(flight);
    /* release: pairs with the acquire in flight_read */
    atomic_store_explicit(&flight->first,
                          atomic_load_explicit(&flight->written, memory_order_relaxed),
                          memory_order_release);
}

/* ------------------------------------------------------- writing */

static void write_cell(struct flight *flight, uint64_t place, bool is_head,
                       const uint64_t words[WORD - 1]) {
    struct flight_cell *cell = &flight->cells[place % FLIGHT_CELLS];
    atomic_store_explicit(&cell->words[0], 0, memory_order_relaxed);
    for (unsigned i = 1; i < WORD; i++) {
        /* release: pairs with the acquire in read_cell, which then finds word 0 changed */
        atomic_store_explicit(&cell->words[i], words[i - 1], memory_order_release);
    }
    /* release: pairs with the acquire in read_cell, which then finds all of the words */
    atomic_store_explicit(&cell->words[0], place_word(place, is_head), memory_order_release);
}

/* Returns the place of its first cell. */
static uint64_t write_entry(struct flight *flight, uint64_t now_ns, struct about about,
                            uint32_t count, const char *text, size_t size) {
    size_t fits = cut_size(text, size, FLIGHT_TEXT_MAX);
    about.flags = (uint8_t)(about.flags | (fits < size ? FLAG_CUT : 0));
    about.size = (uint16_t)fits;
    about.cells =
        (uint8_t)(fits <= HEAD_TEXT ? 1 : 1 + (fits - HEAD_TEXT + MORE_TEXT - 1) / MORE_TEXT);
    uint64_t words[CELLS_MAX * (WORD - 1)] = {now_ns, pack(about), count};
    char *room = (char *)(words + 3);
    if (fits > 0) {
        memcpy(room, text, fits);
    }
    uint64_t place = atomic_load_explicit(&flight->written, memory_order_relaxed);
    for (unsigned i = 0; i < about.cells; i++) {
        write_cell(flight, place + i, i == 0, words + i * (WORD - 1));
    }
    /* release: pairs with the acquire in flight_read */
    atomic_store_explicit(&flight->written, place + about.cells, memory_order_release);
    return place;
}

void flight_log(struct flight *flight, uint64_t now_ns, enum log_level level, const char *text,
                size_t size) {
    end_runs(flight);
    struct about about = {.kind = FLIGHT_LOG, .level = (uint8_t)level};
    (void)write_entry(flight, now_ns, about, 0, text, size);
}

void flight_note(struct flight *flight, uint64_t now_ns, enum flight_kind kind, uint32_t number,
                 const char *text) {
    end_runs(flight);
    struct about about = {.kind = (uint8_t)kind};
    (void)write_entry(flight, now_ns, about, number, text ? text : "", text ? strlen(text) : 0);
}

/* A store to a single word of an entry that stays: readers see it before or after. release: as in write_cell. */
void flight_discard(struct flight *flight, uint64_t mark) {
    uint64_t end = atomic_load_explicit(&flight->written, memory_order_relaxed);
    uint64_t at = end > FLIGHT_CELLS ? end - FLIGHT_CELLS : 0;
    for (at = at > mark ? at : mark; at < end; at++) {
        struct flight_cell *cell = &flight->cells[at % FLIGHT_CELLS];
        uint64_t word = atomic_load_explicit(&cell->words[2], memory_order_relaxed);
        bool is_head = atomic_load_explicit(&cell->words[0], memory_order_relaxed) & 1;
        if (is_head && unpack(word).kind == FLIGHT_LOG) {
            atomic_store_explicit(&cell->words[2], word | (uint64_t)FLAG_DISCARDED << FLAGS_AT,
                                  memory_order_release);
        }
    }
}

/* Which of the runs it counts to; run_count: to a new one. The last stands for all that are too many. */
static uint32_t find_run(const struct flight *flight, uint16_t row) {
    uint32_t at = 0;
    while (at < flight->run_count && (flight->runs.row[at] != row || at == FLIGHT_ROWS)) {
        at++;
    }
    return at > FLIGHT_ROWS ? FLIGHT_ROWS : at;
}

static void begin_run(struct flight *flight, uint64_t now_ns, const char *name) {
    uint32_t at = flight->run_count;
    const char *text = at == FLIGHT_ROWS ? "" : name;
    struct about about = {.kind = FLIGHT_RAN, .at = (uint16_t)at};
    /* release: who sees this sees that what was counted here before is in its cell; see read_count */
    atomic_store_explicit(&flight->counts[at], 1, memory_order_release);
    uint64_t cell = write_entry(flight, now_ns, about, 0, text, strlen(text));
    flight->runs.at_ns[at] = now_ns;
    flight->runs.cell[at] = (uint8_t)(cell % FLIGHT_CELLS);
    flight->run_count++;
}

static void count_run(struct flight *flight, uint64_t now_ns, uint32_t at) {
    uint32_t count = atomic_load_explicit(&flight->counts[at], memory_order_relaxed);
    uint64_t since = flight->runs.at_ns[at];
    uint64_t lasted = now_ns > since ? (now_ns - since) >> 20 : 0; /* in units of about 1 ms */
    lasted = lasted > UINT32_MAX ? UINT32_MAX : lasted;
    /* release, both: as in write_cell; who sees the count sees when */
    atomic_store_explicit(count_word(flight, at), lasted << 32, memory_order_release);
    atomic_store_explicit(&flight->counts[at], count + (count < UINT32_MAX), memory_order_release);
}

__attribute__((noinline)) void flight_ran_anew(struct flight *flight, uint64_t now_ns, uint16_t row,
                                               const char *name) {
    uint32_t at = find_run(flight, row);
    if (at == flight->run_count) {
        begin_run(flight, now_ns, name);
    } else {
        count_run(flight, now_ns, at);
    }
    flight->runs.row[at] = row;
    if (flight->lately_ns != now_ns) {
        memset(flight->lately, 0, sizeof flight->lately);
        flight->lately_ns = now_ns;
    }
    /* one that is half full comes here each time: to find its end costs what counting costs otherwise, and so
     * often nothing runs in one moment */
    bool is_full = atomic_load_explicit(&flight->counts[at], memory_order_relaxed) & 1u << 31;
    unsigned slot = (row + 1u) % FLIGHT_LATELY;
    flight->lately[slot] = (uint16_t)(is_full ? 0 : row + 1);
    flight->lately_at[slot] = (uint8_t)at;
}

/* ------------------------------------------------------- reading */

/* False: it is another entry's by now, or being written. */
static bool read_cell(struct flight *flight, uint64_t place, bool is_head, uint64_t ret[WORD - 1]) {
    struct flight_cell *cell = &flight->cells[place % FLIGHT_CELLS];
    uint64_t wanted = place_word(place, is_head);
    /* acquire: pairs with the release of word 0 in write_cell */
    if (atomic_load_explicit(&cell->words[0], memory_order_acquire) != wanted) {
        return false;
    }
    for (unsigned i = 1; i < WORD; i++) {
        /* acquire: pairs with the release of these words in write_cell */
        ret[i - 1] = atomic_load_explicit(&cell->words[i], memory_order_acquire);
    }
    return atomic_load_explicit(&cell->words[0], memory_order_relaxed) == wanted;
}

/* Of an entry that is counted still the count, into word 3; false: as read_cell. */
static bool read_count(struct flight *flight, uint64_t place, struct about about, uint64_t *word) {
    if (about.kind != FLIGHT_RAN || (uint32_t)*word != 0) {
        return true;
    }
    struct flight_cell *cell = &flight->cells[place % FLIGHT_CELLS];
    /* acquire: pairs with begin_run; who got what is counted there by now finds the cell's own below */
    uint32_t count =
        atomic_load_explicit(&flight->counts[about.at % FLIGHT_PLACES], memory_order_acquire);
    *word = atomic_load_explicit(&cell->words[3], memory_order_acquire); /* as in read_cell */
    *word |= (uint32_t)*word == 0 ? count : 0;
    return atomic_load_explicit(&cell->words[0], memory_order_relaxed) == place_word(place, true);
}

static bool read_entry(struct flight *flight, uint64_t place, struct flight_entry *ret,
                       unsigned *ret_cells) {
    uint64_t words[CELLS_MAX * (WORD - 1)];
    if (!read_cell(flight, place, true, words)) {
        return false;
    }
    struct about about = unpack(words[1]);
    for (unsigned i = 1; i < about.cells; i++) {
        if (!read_cell(flight, place + i, false, words + i * (WORD - 1))) {
            return false;
        }
    }
    if (!read_count(flight, place, about, &words[2])) {
        return false;
    }
    ret->place = place; /* one by one: the text is not to be zeroed each time */
    ret->at_ns = words[0];
    ret->last_ns = words[0] + ((words[2] >> 32) << 20);
    ret->kind = about.kind;
    ret->level = about.level;
    ret->count = (uint32_t)words[2];
    ret->discarded = about.flags & FLAG_DISCARDED;
    ret->cut = about.flags & FLAG_CUT;
    ret->size = about.size;
    memcpy(ret->text, words + 3, about.size);
    ret->text[about.size] = '\0';
    *ret_cells = about.cells;
    return true;
}

/* Where what is there begins, and where it ends. */
static uint64_t span(const struct flight *flight, uint64_t *ret_end) {
    /* acquire: pairs with the releases of write_entry and flight_reset */
    uint64_t first = atomic_load_explicit(&flight->first, memory_order_acquire);
    uint64_t end = atomic_load_explicit(&flight->written, memory_order_acquire);
    uint64_t at = end > FLIGHT_CELLS ? end - FLIGHT_CELLS : 0;
    *ret_end = end;
    return at > first ? at : first;
}

uint32_t flight_cells(const struct flight *flight) {
    uint64_t end;
    uint64_t at = span(flight, &end);
    return at < end ? (uint32_t)(end - at) : 0;
}

void flight_read(struct flight *flight,
                 void (*each)(void *context, const struct flight_entry *entry), void *context) {
    uint64_t end;
    uint64_t at = span(flight, &end);
    struct flight_entry entry;
    while (at < end) {
        unsigned cells = 1;
        if (read_entry(flight, at, &entry, &cells)) {
            each(context, &entry);
        }
        at += cells;
    }
}

const char *flight_kind_text(enum flight_kind kind) {
    static const char *const texts[] = {
#define FLIGHT_TEXT(name, text) text,
        FLIGHT_KINDS(FLIGHT_TEXT)
#undef FLIGHT_TEXT
    };
    return (unsigned)kind < FLIGHT_KIND_COUNT ? texts[kind] : "unknown";
}

static void run_text(const struct flight_entry *entry, char *ret, size_t size) {
    const char *quote = entry->size ? "'" : "";
    const char *name = entry->size ? entry->text : "other handlers";
    if (entry->count == 1) {
        (void)snprintf(ret, size, "ran %s%s%s", quote, name, quote);
    } else {
        (void)snprintf(ret, size, "ran %s%s%s %u times", quote, name, quote, entry->count);
    }
}

void flight_text(const struct flight_entry *entry, char *ret, size_t size) {
    const char *more = entry->cut ? "..." : "";
    if (entry->kind == FLIGHT_RAN) {
        run_text(entry, ret, size);
    } else if (entry->kind == FLIGHT_LOG) {
        (void)snprintf(ret, size, "%s: %s%s%s", log_level_text(entry->level), entry->text, more,
                       entry->discarded ? " (in a turn that was discarded)" : "");
    } else if (entry->count) {
        bool is_life = entry->kind == FLIGHT_RESTARTED || entry->kind == FLIGHT_STARTED;
        const char *as = is_life                          ? " as incarnation"
                         : entry->kind == FLIGHT_RELOADED ? " to generation"
                                                          : "";
        (void)snprintf(ret, size, "%s%s %u%s%s%s", flight_kind_text(entry->kind), as, entry->count,
                       entry->size ? ": " : "", entry->text, more);
    } else {
        (void)snprintf(ret, size, "%s%s%s%s", flight_kind_text(entry->kind),
                       entry->size ? ": " : "", entry->text, more);
    }
}
