/* Variables in scalars, substituted after parsing, so that no value can add structure. */
#include "manifest/env.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NAME_LIMIT 255

struct substitution {
    struct arena *arena;
    const struct source *source;
    const struct manifest_options *options;
    struct diags *diags;
    struct node *node;
    struct str out;
};

const char *env_find(const struct manifest_options *options, const char *name) {
    return options && options->env ? options->env(options->env_context, name) : getenv(name);
}

static bool is_name(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return size > 0 && size <= NAME_LIMIT;
}

/* Where `variable`, the beginning of one as in "${NAME", stands in the file. Escapes and folded lines
 * make the place in the value a poor guide, so it is looked for behind the scalar's beginning. */
static struct mark place_of(const struct substitution *sub, const char *variable, size_t size) {
    struct mark mark = sub->node->mark;
    const char *begin = source_at(sub->source, mark.line, mark.column);
    for (const char *at = begin; (at = strstr(at, "${")); at += 2) {
        if (strncmp(at, variable, size) == 0 && (at == begin || at[-1] != '$')) {
            return source_mark(sub->source, (size_t)(at - sub->source->text));
        }
    }
    return mark;
}

static int insert(struct substitution *sub, const char *variable, const char *end) {
    const char *name = variable + 2;
    const char *colon = memchr(name, ':', (size_t)(end - name));
    size_t size = (size_t)((colon ? colon : end) - name);
    struct mark place = place_of(sub, variable, size + 2);
    if (!is_name(name, size) || (colon && colon[1] != '-')) {
        diags_add(sub->diags, DIAG_ERROR, place,
                  "'%.*s' is no variable; write ${NAME}, ${NAME:-default}, or $${ for a literal ${",
                  (int)(end + 1 - variable), variable);
        return -1;
    }
    char copy[NAME_LIMIT + 1] = {0};
    memcpy(copy, name, size);
    const char *value = env_find(sub->options, copy);
    if (value && (*value || !colon)) {
        sub->node->from_outside |= sub->out.size == 0;
        str_add(&sub->out, value);
    } else if (!colon) {
        diags_add(sub->diags, DIAG_ERROR, place,
                  "the variable '%s' is not set; set it or write ${%s:-default}", copy, copy);
        return -1;
    } else if (strstr(colon, "${") && strstr(colon, "${") < end) {
        diags_add(sub->diags, DIAG_ERROR, place, "the default of '%s' cannot hold another variable",
                  copy);
        return -1;
    } else {
        str_add_n(&sub->out, colon + 2, (size_t)(end - colon - 2));
    }
    return 0;
}

static int expand(struct substitution *sub, const char *text) {
    while (*text) {
        size_t plain = strcspn(text, "$");
        str_add_n(&sub->out, text, plain);
        text += plain;
        if (strncmp(text, "$${", 3) == 0) {
            str_add(&sub->out, "${");
            text += 3;
        } else if (strncmp(text, "${", 2) == 0) {
            const char *end = strchr(text, '}');
            if (!end) {
                diags_add(sub->diags, DIAG_ERROR, place_of(sub, text, 2),
                          "'${' without '}'; write $${ for a literal ${");
                return -1;
            }
            if (insert(sub, text, end) < 0) {
                return -1;
            }
            text = end + 1;
        } else if (*text) {
            str_add_char(&sub->out, *text++);
        }
    }
    return 0;
}

/* The file is checked to be UTF-8; a value from outside is not. */
static bool is_utf8(const char *text, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t step = utf8_step(text + i, size - i);
        if (step == 1 && (unsigned char)text[i] >= 0x80) {
            return false;
        }
        i += step;
    }
    return true;
}

static void substitute(struct substitution *sub) {
    struct node *node = sub->node;
    str_init(&sub->out);
    if (expand(sub, node->text) < 0) {
        node->kind = NODE_BAD;
    } else if (sub->out.failed) {
        sub->arena->failed = true;
    } else if (!is_utf8(str_text(&sub->out), sub->out.size)) {
        diags_add(sub->diags, DIAG_ERROR, node->mark, "'%s' gives a text that is not UTF-8",
                  node->text);
        node->kind = NODE_BAD;
    } else {
        node->raw = node->text;
        node->text = arena_text_n(sub->arena, str_text(&sub->out), sub->out.size);
        if (!node->text) {
            node->text = node->raw;
        }
    }
    str_fini(&sub->out);
}

void env_apply(struct arena *arena, const struct source *source,
               const struct manifest_options *options, struct node *node, struct diags *diags) {
    if (node->kind == NODE_SCALAR && strstr(node->text, "${")) {
        struct substitution sub = {arena, source, options, diags, node, {0}};
        substitute(&sub);
    }
    for (size_t i = 0; i < node->count; i++) {
        env_apply(arena, source, options, node->entries[i].value, diags);
    }
}
