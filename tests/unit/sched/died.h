/* For tests of post-mortems: folders for them, processes that die, what they left. */
#pragma once

#include <dirent.h>
#include <jansson.h>

#include "lib/temp.h"
#include "unit/sched/faulty.h"

struct world {
    char *temp, *folder, *other;
};

static inline int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->temp = test_temp_create();
    w->folder = test_path(w->temp, "dead");
    w->other = test_path(w->temp, "other");
    *state = w;
    return 0;
}

static inline int teardown(void **state) {
    struct world *w = *state;
    free(w->folder);
    free(w->other);
    test_temp_remove(w->temp);
    free(w);
    return 0;
}

/* --- what is found afterwards --- */

/* The names in a folder, hidden ones too, one a line; freed by the caller. */
static inline char *list(const char *folder) {
    char *text = calloc(1, 4096);
    DIR *dir = opendir(folder);
    assert_non_null(text);
    assert_non_null(dir);
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            size_t length = strlen(text);
            (void)snprintf(text + length, 4096 - length, "%s\n", entry->d_name);
        }
    }
    (void)closedir(dir);
    return text;
}

static inline void assert_empty(const char *folder) {
    char *names = list(folder);
    assert_string_equal(names, "");
    free(names);
}

static inline bool is_name(const char *name) {
    static const char pattern[] = "process-00000000T000000Z-";
    for (size_t i = 0; pattern[i]; i++) {
        bool is_digit = name[i] >= '0' && name[i] <= '9';
        if (pattern[i] == '0' ? !is_digit : name[i] != pattern[i]) {
            return false;
        }
    }
    const char *rest = name + sizeof pattern - 1;
    size_t digits = strspn(rest, "0123456789");
    return digits > 0 && strcmp(rest + digits, ".json\n") == 0;
}

/* The one file in the folder, as JSON and as text; freed by the caller. */
static inline json_t *load_one(const char *folder, char **ret_text) {
    char *names = list(folder);
    if (!is_name(names)) {
        fail_msg("not the name of one post-mortem: '%s'", names);
    }
    names[strlen(names) - 1] = '\0';
    char *path = test_path(folder, names);
    char *text = test_read_file(path, NULL);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        fail_msg("no JSON: line %d: %s\n%s", error.line, error.text, text);
    }
    print_message("%s\n%s", names, text);
    free(path);
    free(names);
    if (ret_text) {
        *ret_text = text;
    } else {
        free(text);
    }
    return json;
}

static inline const char *text_of(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "(none)";
}

static inline void *open_in(const char *folder) {
    struct fault_post_mortem *post = NULL;
    struct err err = {0};
    if (fault_post_mortem_open(folder, "main", "1.2.3", &post, &err) < 0) {
        dprintf(2, "%s\n", err.text);
        _exit(2);
    }
    return post;
}

/* Of a child: it died of the signal, and left its one post-mortem, whose values are these. */
static inline json_t *check(const struct world *w, int status, int signal, const char *text,
                            const char *why) {
    print_message("%s", text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal);
    assert_non_null(strstr(text, "troupe: post-mortem: "));
    json_t *json = load_one(w->folder, NULL);
    assert_string_equal(text_of(json, "kind"), "process");
    assert_string_equal(text_of(json, "version"), "1.2.3");
    assert_string_equal(text_of(json, "proc"), "main");
    assert_string_equal(text_of(json, "why"), why);
    assert_int_equal(json_integer_value(json_object_get(json, "format")), 1);
    return json;
}

static char *volatile bad __attribute__((unused)) = (char *)0x20;

/* Nobody's turn, on a thread that never calls plugins. */
static inline void body_outside(const void *arg) {
    const struct world *w = arg;
    (void)open_in(w->folder);
    *bad = 1;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
