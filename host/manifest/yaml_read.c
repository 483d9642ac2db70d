/* YAML text → tree of nodes, by libyaml's events. */
#include "manifest/yaml_read.h"

#include <string.h>
#include <yaml.h>

#include "base/str.h"
#include "manifest/shield.h"

#define DEPTH_LIMIT 64

struct reading {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    bool broken; /* no further event comes */
    struct arena *arena;
    const struct source *source;
    struct diags *diags;
    unsigned depth;
};

static struct node *read_node(struct reading *rd);

static struct mark mark_of(const struct reading *rd, yaml_mark_t at) {
    return (struct mark){rd->source->path, (uint32_t)at.line + 1, (uint32_t)at.column + 1};
}

static struct mark here(const struct reading *rd) {
    return mark_of(rd, rd->event.start_mark);
}

static bool is_tab_at(const struct reading *rd, yaml_mark_t at) {
    return *source_at(rd->source, (uint32_t)at.line + 1, (uint32_t)at.column + 1) == '\t';
}

static void report_syntax(struct reading *rd) {
    const yaml_parser_t *parser = &rd->parser;
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    if (is_tab_at(rd, parser->problem_mark)) {
        diags_add(rd->diags, DIAG_ERROR, mark_of(rd, parser->problem_mark),
                  "a tab cannot indent or separate here; use spaces");
    } else if (parser->context) {
        diags_add(rd->diags, DIAG_ERROR, mark_of(rd, parser->problem_mark),
                  "not valid YAML: %s, %s that began at line %zu, column %zu", problem,
                  parser->context, parser->context_mark.line + 1, parser->context_mark.column + 1);
    } else {
        diags_add(rd->diags, DIAG_ERROR, mark_of(rd, parser->problem_mark), "not valid YAML: %s",
                  problem);
    }
}

static void report_broken(struct reading *rd) {
    rd->broken = true;
    if (rd->parser.error == YAML_MEMORY_ERROR) {
        rd->arena->failed = true;
    } else if (rd->parser.error != YAML_NO_ERROR) {
        report_syntax(rd);
    }
}

/* Moves to the next event; -1 when there is none. */
static int advance(struct reading *rd) {
    if (rd->has_event) {
        yaml_event_delete(&rd->event);
        rd->has_event = false;
    }
    if (rd->broken) {
        return -1;
    }
    if (!yaml_parser_parse(&rd->parser, &rd->event)) {
        report_broken(rd);
        return -1;
    }
    rd->has_event = true;
    return 0;
}

static void refuse_anchor_and_tag(struct reading *rd, const yaml_char_t *anchor,
                                  const yaml_char_t *tag) {
    if (anchor) {
        diags_add(rd->diags, DIAG_ERROR, here(rd),
                  "anchors are not supported ('&%s'); use 'defaults' or 'include'",
                  (const char *)anchor);
    }
    if (tag) {
        diags_add(rd->diags, DIAG_ERROR, here(rd),
                  "tags are not supported ('%s'); each key knows the kind of its value",
                  (const char *)tag);
    }
}

static bool is_null_text(const char *text) {
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static struct node *read_scalar(struct reading *rd) {
    const char *value = (const char *)rd->event.data.scalar.value;
    size_t size = rd->event.data.scalar.length;
    refuse_anchor_and_tag(rd, rd->event.data.scalar.anchor, rd->event.data.scalar.tag);
    struct node *node = node_create(rd->arena, NODE_SCALAR, here(rd));
    char *text = arena_text_n(rd->arena, value, size);
    if (!node || !text) {
        return NULL;
    }
    node->quoted = rd->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (memchr(value, 0, size)) {
        diags_add(rd->diags, DIAG_ERROR, node->mark, "a text cannot hold a NUL character");
        node->kind = NODE_BAD;
    } else if (!node->quoted && is_null_text(text)) {
        node->kind = NODE_NULL;
    }
    shield_remove(text);
    node->text = text;
    return node;
}

static struct node *read_alias(struct reading *rd) {
    diags_add(rd->diags, DIAG_ERROR, here(rd),
              "aliases are not supported ('*%s'); use 'defaults' or 'include'",
              (const char *)rd->event.data.alias.anchor);
    return node_create(rd->arena, NODE_BAD, here(rd));
}

static struct node *read_list(struct reading *rd) {
    refuse_anchor_and_tag(rd, rd->event.data.sequence_start.anchor,
                          rd->event.data.sequence_start.tag);
    struct node *list = node_create(rd->arena, NODE_LIST, here(rd));
    while (list && advance(rd) == 0 && rd->event.type != YAML_SEQUENCE_END_EVENT) {
        struct node *item = read_node(rd);
        if (!item || node_add(rd->arena, list, NULL, item->mark, item) < 0) {
            return NULL;
        }
    }
    return rd->broken ? NULL : list;
}

static void add_pair(struct reading *rd, struct node *map, const struct node *key,
                     struct node *value) {
    const struct entry *first = node_find(map, key->text);
    if (strcmp(key->text, "<<") == 0 && !key->quoted) {
        diags_add(rd->diags, DIAG_ERROR, key->mark,
                  "merge keys ('<<') are not supported; use 'defaults' or 'include'");
    } else if (first) {
        diags_add(rd->diags, DIAG_ERROR, key->mark, "key '%s' is given twice; first at %s:%u:%u",
                  key->text, first->mark.file, first->mark.line, first->mark.column);
    } else if (node_add(rd->arena, map, key->text, key->mark, value) < 0) {
        rd->broken = true;
    }
}

static struct node *read_map(struct reading *rd) {
    refuse_anchor_and_tag(rd, rd->event.data.mapping_start.anchor,
                          rd->event.data.mapping_start.tag);
    struct node *map = node_create(rd->arena, NODE_MAP, here(rd));
    while (map && advance(rd) == 0 && rd->event.type != YAML_MAPPING_END_EVENT) {
        struct node *key = read_node(rd);
        struct node *value = key && advance(rd) == 0 ? read_node(rd) : NULL;
        if (!value) {
            return NULL;
        }
        if (key->kind == NODE_SCALAR || key->kind == NODE_NULL) {
            add_pair(rd, map, key, value);
        } else if (key->kind != NODE_BAD) {
            diags_add(rd->diags, DIAG_ERROR, key->mark, "a key must be a text, not %s",
                      node_kind_text(key));
        }
    }
    return rd->broken ? NULL : map;
}

/* Reads the node that begins with the current event; NULL when reading cannot go on. */
static struct node *read_node(struct reading *rd) {
    if (rd->depth >= DEPTH_LIMIT) {
        diags_add(rd->diags, DIAG_ERROR, here(rd), "more than %d levels of nesting", DEPTH_LIMIT);
        rd->broken = true;
        return NULL;
    }
    rd->depth++;
    struct node *node = NULL;
    switch (rd->event.type) {
    case YAML_SCALAR_EVENT:
        node = read_scalar(rd);
        break;
    case YAML_SEQUENCE_START_EVENT:
        node = read_list(rd);
        break;
    case YAML_MAPPING_START_EVENT:
        node = read_map(rd);
        break;
    default:
        node = read_alias(rd);
        break;
    }
    rd->depth--;
    return node;
}

/* Behind the first document. */
static void refuse_further_documents(struct reading *rd) {
    if (advance(rd) == 0 && advance(rd) == 0 && rd->event.type == YAML_DOCUMENT_START_EVENT) {
        diags_add(rd->diags, DIAG_ERROR, here(rd),
                  "a manifest file holds one document; a second one begins here");
    }
}

static struct node *read_stream(struct reading *rd) {
    if (advance(rd) < 0 || advance(rd) < 0) { /* stream start, document start */
        return NULL;
    }
    if (rd->event.type == YAML_STREAM_END_EVENT) {
        return node_create(rd->arena, NODE_NULL, (struct mark){rd->source->path, 1, 1});
    }
    struct node *root = advance(rd) == 0 ? read_node(rd) : NULL;
    if (root) {
        refuse_further_documents(rd);
    }
    return rd->broken ? NULL : root;
}

struct node *yaml_read(struct arena *arena, const struct source *source, struct diags *diags) {
    struct str text;
    str_init(&text);
    struct reading rd = {.arena = arena, .source = source, .diags = diags};
    struct node *root = NULL;
    if (shield_add(source, &text, diags) < 0) {
        arena->failed = arena->failed || text.failed;
    } else if (!yaml_parser_initialize(&rd.parser)) {
        arena->failed = true;
    } else {
        yaml_parser_set_encoding(&rd.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&rd.parser, (const unsigned char *)str_text(&text), text.size);
        root = read_stream(&rd);
        if (rd.has_event) {
            yaml_event_delete(&rd.event);
        }
        yaml_parser_delete(&rd.parser);
    }
    str_fini(&text);
    return root;
}
