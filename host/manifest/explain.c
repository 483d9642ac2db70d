/* Every effective value with its source, as text and as JSON. */
#include "manifest/explain.h"

#include <inttypes.h>
#include <string.h>

#include "manifest/impl.h"
#include "manifest/json.h"

void explain_add(struct explainer *x, const char *path, const char *key, const char *value,
                 struct mark mark, const struct node *scalar) {
    struct str full;
    str_init(&full);
    str_addf(&full, "%s%s%s", path ? path : "", path && key ? "." : "", key ? key : "");
    struct explain_value item = {str_text(&full), value, mark, scalar ? scalar->raw : NULL};
    x->add(x, &item);
    x->added++;
    x->out->failed = x->out->failed || full.failed;
    str_fini(&full);
}

static const struct node *find_layer(const struct field *fields, const struct field *field,
                                     const struct node *layer) {
    if (layer && layer->kind == NODE_SCALAR) { /* a word for a block stands for its first key */
        return field == fields ? layer : NULL;
    }
    return node_value(layer, field->key);
}

static struct layers find_layers(const struct field *fields, const struct field *field,
                                 struct layers layers) {
    struct layers found = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        const struct node *node = find_layer(fields, field, layers.maps[i]);
        if (node) {
            found.maps[count++] = node;
        }
    }
    return found;
}

static void add_value(struct str *out, const struct field *field, const void *at) {
    switch (field->kind) {
    case FIELD_U32:
        str_addf(out, "%" PRIu32, *(const uint32_t *)at);
        break;
    case FIELD_U64:
        str_addf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case FIELD_FLOAT:
        str_addf(out, "%g", *(const double *)at);
        break;
    case FIELD_DURATION:
        scalar_add_duration(out, *(const uint64_t *)at);
        break;
    case FIELD_SIZE:
        scalar_add_size(out, *(const uint64_t *)at);
        break;
    case FIELD_WORD:
        str_add(out, field->words[*(const int *)at]);
        break;
    default:
        str_add(out, *(const char *const *)at ? *(const char *const *)at : "");
        break;
    }
}

static bool is_zero(const struct field *field, const void *at) {
    switch (field->kind) {
    case FIELD_U32:
        return *(const uint32_t *)at == 0;
    case FIELD_U64:
    case FIELD_DURATION:
    case FIELD_SIZE:
        return *(const uint64_t *)at == 0;
    default:
        return false;
    }
}

static void explain_scalar(struct explainer *x, const struct field *field, const char *path,
                           const void *at, const struct node *node) {
    struct str value;
    str_init(&value);
    if (field->zero && is_zero(field, at)) {
        str_add(&value, field->zero);
    } else {
        add_value(&value, field, at);
    }
    struct mark mark = node ? node->mark : (struct mark){0};
    explain_add(x, path, field->key, str_text(&value), mark, node);
    str_fini(&value);
}

void explain_fields(struct explainer *x, const struct field *fields, const char *path,
                    const void *target, struct layers layers) {
    for (const struct field *field = fields; field->key; field++) {
        const void *at = (const char *)target + field->offset;
        struct layers inner = find_layers(fields, field, layers);
        if (field->kind != FIELD_MAP && field->kind != FIELD_CUSTOM) {
            explain_scalar(x, field, path, at, inner.maps[0]);
            continue;
        }
        struct str full;
        str_init(&full);
        str_addf(&full, "%s%s%s", path ? path : "", path ? "." : "", field->key);
        if (field->kind == FIELD_MAP) {
            explain_fields(x, field->fields, str_text(&full), at, inner);
        } else if (field->explain) {
            field->explain(x, field, str_text(&full), at, inner);
        }
        str_fini(&full);
    }
}

static void add_text(struct explainer *x, const struct explain_value *v) {
    str_addf(x->out, "%s = %s    # ", v->key, v->value);
    if (v->mark.line == 0) {
        str_add(x->out, "default\n");
        return;
    }
    str_addf(x->out, "%s:%" PRIu32 ":%" PRIu32, v->mark.file, v->mark.line, v->mark.column);
    if (v->from) {
        str_addf(x->out, ", %s", v->from);
    }
    str_add_char(x->out, '\n');
}

static void add_json(struct explainer *x, const struct explain_value *v) {
    str_add(x->out, x->added ? ",\n {\"key\":" : "\n {\"key\":");
    json_add_text(x->out, v->key);
    str_add(x->out, ",\"value\":");
    json_add_text(x->out, v->value);
    if (v->mark.line) {
        str_add(x->out, ",\"file\":");
        json_add_text(x->out, v->mark.file);
        str_addf(x->out, ",\"line\":%" PRIu32 ",\"column\":%" PRIu32, v->mark.line, v->mark.column);
    }
    if (v->mark.line && v->from) {
        str_add(x->out, ",\"from\":");
        json_add_text(x->out, v->from);
    }
    str_add_char(x->out, '}');
}

void manifest_explain(const struct manifest *manifest, struct str *out) {
    struct explainer x = {.manifest = manifest, .add = add_text, .out = out};
    explain_fields(&x, document_fields, NULL, manifest, (struct layers){{manifest->impl->root}});
}

void manifest_explain_json(const struct manifest *manifest, struct str *out) {
    struct explainer x = {.manifest = manifest, .add = add_json, .out = out};
    str_add_char(out, '[');
    explain_fields(&x, document_fields, NULL, manifest, (struct layers){{manifest->impl->root}});
    str_add(out, "\n]\n");
}

static void tell(struct explainer *x, const struct explain_value *v) {
    x->each(x->context, v->key, v->value, v->mark);
}

int manifest_values(const struct manifest *manifest, manifest_each *each, void *context,
                    struct err *err) {
    struct str failed;
    str_init(&failed);
    struct explainer x = {
        .manifest = manifest, .add = tell, .out = &failed, .each = each, .context = context};
    explain_fields(&x, document_fields, NULL, manifest, (struct layers){{manifest->impl->root}});
    return failed.failed ? err_set(err, ERR_NOMEM, "the values of '%s'", manifest->proc) : 0;
}
