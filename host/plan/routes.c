/* What each link carries and how: message types of both ends, calls, routes to pools, keys. */
#include "base/str.h"
#include "message/type_schema.h"
#include "plan/build.h"

static const struct note_row *row_of(const struct build *b, uint32_t unit, uint32_t row) {
    return &build_type_of(b, unit)->note->rows[row];
}

static const char *id_of(const struct msg_type *type) {
    return type->abi.id.data;
}

static void check_call(struct build *b, struct link *link) {
    const struct plan_type *asker = build_type_of(b, link->from);
    const struct plan_type *answerer = build_type_of(b, link->to);
    const struct msg_type *asked = asker->row_types[link->from_row];
    const struct msg_type *taken = answerer->row_types[link->to_row];
    const struct msg_type *wanted = asker->row_replies[link->from_row];
    const struct msg_type *given = answerer->row_replies[link->to_row];
    if (!asked || !taken || !wanted || !given || (asked == taken && wanted == given)) {
        return;
    }
    diags_add(b->diags, DIAG_ERROR, link->spec->mark,
              "'%s' asks '%s' and wants '%s', but '%s' takes '%s' and answers '%s'",
              link->spec->from.text, id_of(asked), id_of(wanted), link->spec->to.text, id_of(taken),
              id_of(given));
}

static void check_types(struct build *b, const struct link *link) {
    const struct port *from = &b->units[link->from].ports[link->from_row];
    const struct msg_type *wanted = build_type_of(b, link->to)->row_types[link->to_row];
    struct err why;
    if (from->state == PORT_ONE && wanted && type_check_compatible(from->type, wanted, &why) < 0) {
        diags_add(b->diags, DIAG_ERROR, link->spec->mark,
                  "'%s' sends '%s', which '%s' cannot take: %s", link->spec->from.text,
                  id_of(from->type), link->spec->to.text, why.text);
    }
}

static void check_rows(struct build *b, struct link *link) {
    bool asks = row_of(b, link->from, link->from_row)->kind == TROUPE_ROW_ask;
    bool answers = row_of(b, link->to, link->to_row)->kind == TROUPE_ROW_call;
    const struct manifest_wire *spec = link->spec;
    if (asks && !answers) {
        diags_add(b->diags, DIAG_ERROR, spec->mark,
                  "'%s' asks for answers and '%s' gives none: wire it to a call port",
                  spec->from.text, spec->to.text);
    } else if (answers && !asks) {
        diags_add(b->diags, DIAG_ERROR, spec->mark,
                  "'%s' answers calls and '%s' makes none: wire an ask port to it", spec->to.text,
                  spec->from.text);
    } else if (asks) {
        check_call(b, link);
    } else {
        check_types(b, link);
    }
}

/* A call has one answer: one wire, and one replica of a pool. */
static void check_one_answer(struct build *b, const struct link *link) {
    if (row_of(b, link->from, link->from_row)->kind != TROUPE_ROW_ask) {
        return;
    }
    uint32_t at = b->units[link->from].ports[link->from_row].first_out;
    const struct manifest_wire *first = b->links[at].spec;
    if (first != link->spec) {
        diags_add(b->diags, DIAG_ERROR, link->spec->mark,
                  "'%s' asks for one answer and is wired to '%s' already, at %s:%u:%u",
                  link->spec->from.text, first->to.text, first->mark.file, first->mark.line,
                  first->mark.column);
    }
    if (link->spec->has_route && link->spec->route == ROUTE_BROADCAST) {
        diags_add(b->diags, DIAG_ERROR, link->spec->route_mark,
                  "'%s' asks for one answer; route it round_robin or hash, not broadcast",
                  link->spec->from.text);
    }
}

/* Whether there is a key to check. */
static bool check_route(struct build *b, const struct link *link) {
    const struct manifest_wire *spec = link->spec;
    const struct unit *to = &b->units[link->to];
    if (spec->has_route && !to->spec->replicas) {
        diags_add(b->diags, DIAG_ERROR, spec->route_mark,
                  "'%s' is not a pool, so there is nothing to route; drop 'route', or give it "
                  "'replicas'",
                  to->path);
        return false;
    }
    if (!spec->has_route && to->spec->replicas) {
        diags_add(b->diags, DIAG_ERROR, spec->mark,
                  "'%s' is a pool; say how to route to it: "
                  "{ from: %s, to: %s, route: round_robin }, hash or broadcast",
                  to->path, spec->from.text, spec->to.text);
        return false;
    }
    return spec->has_route && spec->route == ROUTE_HASH && spec->key.text;
}

/* Field names end where the schema goes on, so they are copied to be compared. */
static const char *nearest_field(struct build *b, const char *word, const struct msg_type *type) {
    size_t count = type->abi.field_count;
    const char **names = arena_array(&b->scratch, count + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        struct troupe_str name = type->abi.fields[i].name;
        names[i] = arena_text_n(&b->scratch, name.data, name.size);
        if (!names[i]) {
            return NULL;
        }
    }
    return names ? build_nearest(b, word, names, count) : NULL;
}

int build_report_field(struct build *b, struct mark mark, const char *prefix, const char *field,
                       const struct msg_type *type, const struct link *link) {
    struct str text;
    str_init(&text);
    str_addf(&text, "%s'%s' has no field '%s'", prefix, id_of(type), field);
    if (link) {
        str_addf(&text, ", and '%s' sends it", link->spec->from.text);
    }
    const char *near = nearest_field(b, field, type);
    if (near) {
        str_addf(&text, "; did you mean '%s'?", near);
    } else {
        str_addf(&text, "; its fields are '%s'", type->abi.schema.data);
    }
    diags_add(b->diags, DIAG_ERROR, mark, "%s", str_text(&text));
    if (near) {
        diags_hint(b->diags, near);
    }
    int status = text.failed || b->scratch.failed ? build_no_memory(b) : 0;
    str_fini(&text);
    return status;
}

static bool can_be_key(uint32_t kind) {
    return kind != TROUPE_KIND_list && kind != TROUPE_KIND_f32 && kind != TROUPE_KIND_f64;
}

static int check_key(struct build *b, struct link *link) {
    const struct port *from = &b->units[link->from].ports[link->from_row];
    const struct manifest_ref *key = &link->spec->key;
    if (from->state != PORT_ONE) {
        return 0;
    }
    link->key = type_find_field(&from->type->abi, troupe_str(key->text));
    if (!link->key) {
        return build_report_field(b, key->mark, "", key->text, from->type, link);
    }
    if (!can_be_key(link->key->kind)) {
        diags_add(b->diags, DIAG_ERROR, key->mark,
                  "field '%s' of '%s' is of kind %s and cannot be a key: that takes text, bytes, a "
                  "whole number, a bool, a time or a reference",
                  key->text, id_of(from->type), schema_kind_text(link->key->kind));
    }
    return 0;
}

int build_routes(struct build *b) {
    for (size_t i = 0; i < b->link_count; i++) {
        struct link *link = &b->links[i];
        check_rows(b, link);
        check_one_answer(b, link);
        if (check_route(b, link) && check_key(b, link) < 0) {
            return -1;
        }
    }
    return 0;
}
