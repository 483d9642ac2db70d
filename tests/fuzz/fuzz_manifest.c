/* Any bytes as a manifest: a document, or findings that can be printed; never both, never neither. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

/* Some variables are set, whatever they are called. */
static const char *env(void *context, const char *name) {
    (void)context;
    return strlen(name) % 2 ? "value" : NULL;
}

static void print_findings(const struct diags *diags) {
    struct str text;
    str_init(&text);
    diags_print(diags, true, &text);
    diags_json(diags, &text);
    expect(text.size > 0 && !text.failed);
    str_fini(&text);
}

static void explain(const struct manifest *manifest) {
    struct str text;
    str_init(&text);
    manifest_explain(manifest, &text);
    manifest_explain_json(manifest, &text);
    expect(text.size > 0 && !text.failed);
    str_fini(&text);
}

/* The input is both files of the command line and, by any name it gives, what they include. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *paths[] = {"m.yaml", "n.yaml"};
    struct manifest_text texts[] = {
        {"m.yaml", (const char *)data, size},
        {"n.yaml", (const char *)data, size},
        {"common.yaml", "troupe: 1\nworkers: 2\nwires: [a.b -> c.d]\n", 42},
    };
    texts[2].size = strlen(texts[2].data);
    struct manifest_options options = {.env = env, .texts = texts, .text_count = 3};
    struct manifest *manifest = NULL;
    struct diags diags;
    struct err err = {0};
    diags_init(&diags);
    int status = manifest_load(paths, 2, &options, &manifest, &diags, &err);
    expect(manifest != NULL && (status == 0) == (diags.errors == 0));
    print_findings(&diags);
    if (status == 0) {
        expect(manifest->proc && manifest->actor_count > 0);
        explain(manifest);
    } else {
        expect(err.code == ERR_INVALID && err.text[0]);
    }
    diags_fini(&diags);
    manifest_destroy(manifest);
    return 0;
}
