/* What a proc is made of: manifests, and what was said by hand, written as manifests. */
#include <string.h>
#include <unistd.h>

#include "app/embed_impl.h"
#include "base/alloc.h"

static int no_memory(struct err *err) {
    return err_set(err, ERR_NOMEM, "out of memory");
}

static int keep_text(char ***texts, size_t *count, const char *text, struct err *err) {
    char **all = mem_resize((void *)*texts, (*count + 1) * sizeof *all);
    char *copy = all ? mem_text(text) : NULL;
    if (all) {
        *texts = all;
    }
    if (!copy) {
        return no_memory(err);
    }
    all[(*count)++] = copy;
    return 0;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        mem_free(texts[i]);
    }
    mem_free((void *)texts);
}

void recipe_init(struct recipe *recipe) {
    *recipe = (struct recipe){.last = &recipe->first};
}

void recipe_fini(struct recipe *recipe) {
    while (recipe->first) {
        struct recipe_item *item = recipe->first;
        recipe->first = item->next;
        mem_free(item->path);
        mem_free(item->text);
        mem_free(item);
    }
    free_texts(recipe->plugins, recipe->plugin_count);
    free_texts(recipe->types, recipe->type_count);
    recipe_init(recipe);
}

static int add(struct recipe *recipe, const char *path, const char *text, size_t size,
               struct err *err) {
    struct recipe_item *item = mem_alloc(sizeof *item);
    if (!item) {
        return no_memory(err);
    }
    item->path = mem_text(path);
    item->text = text ? mem_text_n(text, size) : NULL;
    item->size = size;
    if (!item->path || (text && !item->text)) {
        mem_free(item->path);
        mem_free(item->text);
        mem_free(item);
        return no_memory(err);
    }
    *recipe->last = item;
    recipe->last = &item->next;
    recipe->item_count++;
    return 0;
}

int recipe_add_file(struct recipe *recipe, const char *path, struct err *err) {
    return add(recipe, path, NULL, 0, err);
}

/* Two texts of one name are two manifests. */
static bool is_taken(const struct recipe *recipe, const char *name) {
    const struct recipe_item *item = recipe->first;
    while (item && strcmp(item->path, name) != 0) {
        item = item->next;
    }
    return item != NULL;
}

int recipe_add_text(struct recipe *recipe, const char *name, const char *text, size_t size,
                    struct err *err) {
    struct str unique;
    str_init(&unique);
    str_add(&unique, name);
    for (unsigned i = 2; is_taken(recipe, str_text(&unique)) && !unique.failed; i++) {
        str_fini(&unique);
        str_addf(&unique, "%s (%u)", name, i);
    }
    int status = unique.failed ? no_memory(err) : add(recipe, str_text(&unique), text, size, err);
    str_fini(&unique);
    return status;
}

int recipe_add_plugins(struct recipe *recipe, const char *path, struct err *err) {
    if (access(path, F_OK) < 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no plugin file or folder '%s'", path);
    }
    return keep_text(&recipe->plugins, &recipe->plugin_count, path, err);
}

int recipe_add_type(struct recipe *recipe, const char *type, struct err *err) {
    return keep_text(&recipe->types, &recipe->type_count, type, err);
}

/* A scalar that means exactly this text. */
static void add_quoted(struct str *out, const char *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    str_add(out, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\') {
            str_addf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            str_addf(out, "\\x%c%c", digits[c >> 4], digits[c & 15]);
        } else if (c == '$' && i + 1 < size && data[i + 1] == '{') {
            str_add(out, "$$"); /* no variable of the environment */
        } else {
            str_add_n(out, data + i, 1);
        }
    }
    str_add(out, "\"");
}

static void add_text(struct str *out, const char *text) {
    add_quoted(out, text, strlen(text));
}

static int add_made(struct recipe *recipe, struct str *text, const char *name, struct err *err) {
    int status = text->failed ? no_memory(err)
                              : recipe_add_text(recipe, name, str_text(text), text->size, err);
    str_fini(text);
    return status;
}

static void add_wire(struct str *out, const char *from, const char *output,
                     const struct troupe_root_wire *wire) {
    struct str end;
    str_init(&end);
    str_addf(&end, "%s%s%s", from, output ? "." : "", output ? output : "");
    str_add(out, "  - { from: ");
    add_quoted(out, str_text(&end), end.size);
    out->failed |= end.failed;
    str_fini(&end);
    str_add(out, ", to: ");
    add_text(out, wire->to);
    if (wire->route) {
        str_add(out, ", route: ");
        add_text(out, wire->route);
    }
    if (wire->key) {
        str_add(out, ", key: ");
        add_text(out, wire->key);
    }
    str_add(out, " }\n");
}

void recipe_write_root(const struct troupe_root *root, const char *proc, struct str *text) {
    str_add(text, "troupe: 1\n");
    if (proc) {
        str_add(text, "proc: ");
        add_text(text, proc);
        str_add(text, "\n");
    }
    str_add(text, "actors:\n  ");
    add_text(text, root->name);
    str_add(text, ":\n    type: ");
    add_text(text, root->type);
    if (root->capacity) {
        str_addf(text, "\n    mailbox: { capacity: %u }", root->capacity);
    }
    for (uint64_t i = 0; i < root->setting_count; i++) {
        const struct troupe_setting *setting = &root->settings[i];
        str_add(text, i == 0 ? "\n    config:\n      " : "\n      ");
        add_quoted(text, setting->key.data, setting->key.size);
        str_add(text, ": ");
        add_quoted(text, setting->value.data, setting->value.size);
    }
    str_add(text, root->wire_count > 0 ? "\nwires:\n" : "\n");
    for (uint64_t i = 0; i < root->wire_count; i++) {
        add_wire(text, root->name, root->wires[i].output, &root->wires[i]);
    }
}

int recipe_add_root(struct recipe *recipe, const struct troupe_root *root, struct err *err) {
    struct str text;
    str_init(&text);
    recipe_write_root(root, NULL, &text);
    return add_made(recipe, &text, ROOT_TEXT_NAME, err);
}

int recipe_add_wire(struct recipe *recipe, const char *from, const char *to, struct err *err) {
    const struct troupe_root_wire wire = {.to = to};
    struct str text;
    str_init(&text);
    str_add(&text, "troupe: 1\nwires:\n");
    add_wire(&text, from, NULL, &wire);
    return add_made(recipe, &text, "(wire)", err);
}

static void add_count(struct str *out, const char *map, const char *key, uint32_t count) {
    if (count) {
        str_addf(out, "%s: { %s: %u }\n", map, key, count);
    }
}

int recipe_add_options(struct recipe *recipe, const struct troupe_options *options,
                       struct err *err) {
    struct str text;
    str_init(&text);
    str_add(&text, "troupe: 1\n");
    size_t nothing = text.size;
    if (!(options->flags & TROUPE_ACTORS)) {
        str_add(&text, "actors: {}\n"); /* must be there, and may be empty */
    }
    if (options->id) {
        str_add(&text, "proc: ");
        add_text(&text, options->id);
        str_add(&text, "\n");
    }
    if (options->workers) {
        str_addf(&text, "workers: %u\n", options->workers);
    }
    if (options->mailbox_capacity) {
        str_addf(&text, "defaults: { mailbox: { capacity: %u } }\n", options->mailbox_capacity);
    }
    if (options->stop_timeout) {
        str_add(&text, "stop: { timeout: ");
        scalar_add_duration(&text, options->stop_timeout);
        str_add(&text, " }\n");
    }
    if (options->shadow) {
        str_addf(&text, "reload: { shadow: { messages: %llu } }\n",
                 (unsigned long long)options->shadow);
    }
    add_count(&text, "dead_letters", "keep", options->dead_letters_keep);
    if (options->snapshots_keep || options->snapshots_directory) {
        str_add(&text, "snapshots: {");
        if (options->snapshots_keep) {
            str_addf(&text, " keep: %u%s", options->snapshots_keep,
                     options->snapshots_directory ? "," : "");
        }
        if (options->snapshots_directory) {
            str_add(&text, " directory: ");
            add_text(&text, options->snapshots_directory);
        }
        str_add(&text, " }\n");
    }
    if (text.size == nothing) {
        str_fini(&text);
        return 0;
    }
    return add_made(recipe, &text, "(options)", err);
}

int32_t recipe_fail(const struct checked *checked, struct troupe_error *error) {
    struct diags errors = {.sources = checked->diags.sources};
    errors.items = mem_array(checked->diags.count + 1, sizeof *errors.items);
    for (size_t i = 0; errors.items && i < checked->diags.count; i++) {
        if (checked->diags.items[i].severity == DIAG_ERROR) {
            errors.items[errors.count++] = checked->diags.items[i];
        }
    }
    int32_t status = embed_fail_as(error, &checked->err);
    if (checked->err.code == ERR_INVALID && errors.count > 0) {
        struct str text;
        str_init(&text);
        diags_print(&errors, false, &text);
        embed_fail(error, status, "%s", str_text(&text));
        str_fini(&text);
    }
    mem_free(errors.items);
    return status;
}

int32_t recipe_read(const struct recipe *recipe, const struct troupe_options *options,
                    struct type_table *types, struct checked *checked, struct troupe_error *error) {
    const char **paths = mem_array(recipe->item_count + 1, sizeof *paths);
    struct manifest_text *texts = mem_array(recipe->item_count + 1, sizeof *texts);
    struct checked_sources sources = {.paths = paths,
                                      .texts = texts,
                                      .plugins = (const char *const *)recipe->plugins,
                                      .plugin_count = recipe->plugin_count,
                                      .types = types,
                                      .actor_types = (const char *const *)recipe->types,
                                      .actor_type_count = recipe->type_count,
                                      .may_be_empty = !(options->flags & TROUPE_ACTORS)};
    int32_t status = TROUPE_OK;
    if (!paths || !texts) {
        status = embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    } else {
        for (const struct recipe_item *item = recipe->first; item; item = item->next) {
            paths[sources.count++] = item->path;
            if (item->text) {
                texts[sources.text_count++] =
                    (struct manifest_text){item->path, item->text, item->size};
            }
        }
        if (checked_load(checked, &sources) < 0) {
            status = recipe_fail(checked, error);
        }
    }
    mem_free(paths);
    mem_free(texts);
    return status;
}
