/* "Did you mean": the candidate nearest to a word; see str_nearest in str.h. */
#include <string.h>

#include "base/str.h"

#define NEAREST_LONGEST 63

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Edit distance where swapping two neighbours is one edit, as it is one slip of the fingers.
 * Words are at most NEAREST_LONGEST long. */
static unsigned distance(const char *a, const char *b) {
    unsigned rows[3][NEAREST_LONGEST + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    size_t b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++) {
        last[j] = (unsigned)j;
    }
    for (size_t i = 1; a[i - 1]; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned cost = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
        unsigned *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_size];
}

const char *str_nearest(const char *word, const char *const *candidates) {
    size_t size = strlen(word);
    if (size == 0 || size > NEAREST_LONGEST) {
        return NULL;
    }
    const char *best = NULL;
    /* A third of the word may be wrong: more, and the suggestion puzzles instead of helping. */
    unsigned best_distance = (unsigned)(size + 2) / 3 + 1;
    for (size_t i = 0; candidates[i]; i++) {
        if (strlen(candidates[i]) > NEAREST_LONGEST) {
            continue;
        }
        unsigned d = distance(word, candidates[i]);
        if (d < best_distance && d < size) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}
