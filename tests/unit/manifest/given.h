/* For tests of manifests: texts instead of files, variables instead of the environment. */
#pragma once

#include "lib/test.h"

#include <string.h>

#include "base/str.h"
#include "manifest/manifest.h"

/* What one load gave; given_done() frees it. */
struct given {
    struct manifest *manifest;
    struct diags diags;
    struct err err;
    int status;
    struct str printed; /* the findings */
};

struct given_variable {
    const char *name;
    const char *value;
};

static inline const char *given_env(void *context, const char *name) {
    for (const struct given_variable *v = context; v && v->name; v++) {
        if (strcmp(v->name, name) == 0) {
            return v->value;
        }
    }
    return NULL;
}

/* `texts` ends with a NULL path; the first `files` of them stand on the command line. */
static inline struct given given_load(const struct manifest_text *texts, size_t files,
                                      struct given_variable *variables) {
    struct given given = {0};
    struct manifest_options options = {.env = given_env, .env_context = variables};
    struct manifest_text sized[16];
    const char *paths[16];
    size_t count = 0;
    for (; texts[count].path; count++) {
        assert_true(count < 16);
        sized[count] = texts[count];
        sized[count].size = sized[count].size ? sized[count].size : strlen(texts[count].data);
        paths[count] = texts[count].path;
    }
    options.texts = sized;
    options.text_count = count;
    diags_init(&given.diags);
    given.status = manifest_load(paths, files, &options, &given.manifest, &given.diags, &given.err);
    diags_print(&given.diags, false, &given.printed);
    return given;
}

static inline struct given given_text(const char *text) {
    return given_load((const struct manifest_text[]){{"m.yaml", text, 0}, {0}}, 1, NULL);
}

/* Loads and expects no finding. */
static inline struct given given_good(const char *text) {
    struct given given = given_text(text);
    assert_string_equal(str_text(&given.printed), "");
    assert_int_equal(given.status, 0);
    return given;
}

static inline void given_done(struct given *given) {
    str_fini(&given->printed);
    diags_fini(&given->diags);
    manifest_destroy(given->manifest);
}

#define HEAD "troupe: 1\nproc: demo\n"
#define TAIL "actors:\n  tail: { type: file.Tail }\n"
