/* Files and what they include: each once, no cycles, no key set twice. */
#include "manifest/include.h"

#include <string.h>

#include "base/str.h"
#include "manifest/env.h"
#include "manifest/merge.h"
#include "manifest/yaml_read.h"

struct visited { /* files of one include_load, the latest first */
    struct visited *next;
    const struct visited *by; /* who includes it; NULL: the command line */
    const struct source *source;
    bool is_open;
};

struct loading {
    struct include *in;
    struct visited *files;
};

static struct node *load_file(struct loading *ld, const char *path, const struct node *named,
                              const struct visited *by);

static void report_cycle(struct loading *ld, const struct source *again, const struct node *named,
                         const struct visited *by) {
    struct str chain;
    str_init(&chain);
    str_addf(&chain, "'%s'", again->path);
    for (bool is_begin = false; by && !is_begin; by = by->by) {
        str_addf(&chain, ", included by '%s'", by->source->path);
        is_begin = strcmp(by->source->identity, again->identity) == 0;
    }
    diags_add(ld->in->diags, DIAG_ERROR, named->mark, "files include each other: %s",
              str_text(&chain));
    str_fini(&chain);
}

static struct visited *find_visited(struct loading *ld, const struct source *source) {
    for (struct visited *v = ld->files; v; v = v->next) {
        if (strcmp(v->source->identity, source->identity) == 0) {
            return v;
        }
    }
    return NULL;
}

static void check_format(struct include *in, const struct node *root) {
    const struct entry *format = node_find(root, "troupe");
    if (!format) {
        diags_add(in->diags, DIAG_ERROR, root->mark,
                  "each manifest file says its format first: 'troupe: 1' is missing");
    } else if (format->value->kind != NODE_BAD &&
               (format->value->kind != NODE_SCALAR || strcmp(format->value->text, "1") != 0)) {
        diags_add(in->diags, DIAG_ERROR, format->value->mark,
                  "the format '%s' is not known here; this version reads 'troupe: 1'",
                  format->value->kind == NODE_SCALAR ? format->value->text
                                                     : node_kind_text(format->value));
    }
}

static int include_one(struct loading *ld, struct node *result, const struct node *item,
                       const struct visited *by) {
    if (item->kind != NODE_SCALAR) {
        if (item->kind != NODE_BAD) {
            diags_add(ld->in->diags, DIAG_ERROR, item->mark, "'include' lists file names, not %s",
                      node_kind_text(item));
        }
        return 0;
    }
    char *path = path_beside(ld->in->arena, by->source->path, item->text);
    struct node *included = path ? load_file(ld, path, item, by) : NULL;
    if (!included) {
        return -1;
    }
    merge_trees(ld->in->arena, result, included, MERGE_INCLUDE, ld->in->diags);
    return 0;
}

static int include_all(struct loading *ld, struct node *result, const struct node *list,
                       const struct visited *by) {
    if (list && list->kind != NODE_LIST) {
        if (list->kind != NODE_BAD) {
            diags_add(ld->in->diags, DIAG_ERROR, list->mark,
                      "'include' needs a list of files, such as [common.yaml], not %s",
                      node_kind_text(list));
        }
        return 0;
    }
    for (size_t i = 0; list && i < list->count; i++) {
        if (include_one(ld, result, list->entries[i].value, by) < 0) {
            return -1;
        }
    }
    return 0;
}

static struct node *parse(struct loading *ld, const struct source *source) {
    struct include *in = ld->in;
    struct node *root = yaml_read(in->arena, source, in->diags);
    if (!root) {
        in->incomplete = true;
        return NULL;
    }
    if (root->kind != NODE_MAP) {
        diags_add(in->diags, DIAG_ERROR, root->mark,
                  "a manifest is a map that begins with 'troupe: 1'; this file holds %s",
                  node_kind_text(root));
        in->incomplete = true;
        return NULL;
    }
    env_apply(in->arena, source, in->options, root, in->diags);
    check_format(in, root);
    return root;
}

static struct source *read_source(struct loading *ld, const char *path, const struct node *named) {
    struct include *in = ld->in;
    struct source *source = NULL;
    struct err err = {0};
    if (source_read(in->sources, path, in->options, &source, &err) < 0) {
        in->incomplete = true;
        in->arena->failed = in->arena->failed || err.code == ERR_NOMEM;
        struct mark mark = named ? named->mark : (struct mark){0};
        diags_add(in->diags, DIAG_ERROR, mark, "%s", err.text);
    }
    return source;
}

/* An empty map when there is nothing to take from the file; NULL without memory. */
static struct node *load_file(struct loading *ld, const char *path, const struct node *named,
                              const struct visited *by) {
    struct arena *arena = ld->in->arena;
    struct node *result = node_create(arena, NODE_MAP, (struct mark){0});
    struct source *source = read_source(ld, path, named);
    if (!source || !result) {
        return result;
    }
    result->mark = (struct mark){source->path, 1, 1};
    struct visited *before = find_visited(ld, source);
    if (before) {
        if (before->is_open) {
            report_cycle(ld, source, named, by);
        }
        return result;
    }
    struct visited *visited = arena_alloc(arena, sizeof *visited);
    if (!visited) {
        return NULL;
    }
    *visited = (struct visited){ld->files, by, source, true};
    ld->files = visited;
    struct node *own = parse(ld, source);
    if (own) {
        (void)node_remove(arena, own, "troupe");
        const struct node *list = node_remove(arena, own, "include");
        if (include_all(ld, result, list, visited) < 0) {
            return NULL;
        }
        merge_trees(arena, result, own, MERGE_INCLUDE, ld->in->diags);
    }
    visited->is_open = false;
    return result;
}

struct node *include_load(struct include *in, const char *path) {
    struct loading ld = {in, NULL};
    return load_file(&ld, path, NULL, NULL);
}
