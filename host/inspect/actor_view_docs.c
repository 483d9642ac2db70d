/* What readers are told of the attributes, made of their table. */
#include "inspect/actor_view.h"
#include "record/json_out.h"
#include "record/proc_view.h"

/* --- JSON Schema --- */

static bool is_list_of_texts(enum attribute_id id) {
    return id == ATTRIBUTE_CHILDREN || id == ATTRIBUTE_FAILURE_BACKTRACE;
}

static void add_type(struct json_out *json, enum attribute_id id) {
    static const char *const types[ATTRIBUTE_KIND_COUNT] = {
        [ATTRIBUTE_TEXT] = "\"string\"",  [ATTRIBUTE_NUMBER] = "\"integer\"",
        [ATTRIBUTE_BOOL] = "\"boolean\"", [ATTRIBUTE_TIME] = "\"string\"",
        [ATTRIBUTE_LIST] = "\"array\"",   [ATTRIBUTE_OBJECT] = "\"object\""};
    enum attribute_kind kind = attribute_get(id)->kind;
    json_key(json, "type");
    str_add(json->out, id == ATTRIBUTE_FAILURE_MESSAGE ? "[\"object\", \"null\"]" : types[kind]);
    if (kind == ATTRIBUTE_NUMBER) {
        json_number(json, "minimum", 0);
    } else if (kind == ATTRIBUTE_TIME) {
        json_text(json, "format", "date-time");
    } else if (kind == ATTRIBUTE_LIST) {
        json_key(json, "items");
        str_addf(json->out, "{\"type\": \"%s\"}", is_list_of_texts(id) ? "string" : "object");
    }
}

static void add_properties(struct str *out) {
    struct json_out all = json_open(out, '{', "\n    ");
    json_key(&all, "format");
    str_add(out, "{\"const\": 1}");
    json_key(&all, "kind");
    str_add(out, "{\"enum\": [\"actor\", \"entity\"]}");
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        json_key(&all, attribute_get((enum attribute_id)i)->name);
        struct json_out one = json_open(out, '{', " ");
        add_type(&one, (enum attribute_id)i);
        json_text(&one, "description", attribute_get((enum attribute_id)i)->description);
        json_close(&one, '}');
    }
    json_close(&all, '}');
}

/* What both views have, also when all that is left of an actor is a brief. */
static void add_required(struct str *out) {
    struct json_out list = json_open(out, '[', " ");
    json_text(&list, NULL, "format");
    json_text(&list, NULL, "kind");
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        enum attribute_id id = (enum attribute_id)i;
        if (attribute_is_of_entity(id) && attribute_is_of_brief(id)) {
            json_text(&list, NULL, attribute_get(id)->name);
        }
    }
    json_close(&list, ']');
}

void actor_view_schema(struct str *out) {
    struct json_out schema = json_open(out, '{', "\n  ");
    json_text(&schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_text(&schema, "title", "An actor of a Troupe proc, as it was seen or as it ended");
    json_text(&schema, "type", "object");
    json_key(&schema, "required");
    add_required(out);
    json_key(&schema, "properties");
    add_properties(out);
    json_close(&schema, '}');
    str_add_char(out, '\n');
}

/* --- the manual page --- */

static const char *when_text(enum attribute_when when) {
    switch (when) {
    case ATTRIBUTE_SOME:
        return ", where there is something to say";
    case ATTRIBUTE_ENDED:
        return ", of one that has ended";
    case ATTRIBUTE_FAILED:
        return ", of one that has failed";
    default:
        return "";
    }
}

static void add_roff(struct str *out, const char *text) {
    for (; *text; text++) {
        str_add(out, *text == '-' ? "\\-" : *text == '\\' ? "\\e" : (char[]){*text, '\0'});
    }
}

static void add_total(struct str *out, const char *name, const char *description) {
    str_addf(out, ".TP\n.B %s\n", name);
    add_roff(out, description);
    str_add(out, ".\n");
}

void actor_view_manual(struct str *out) {
    str_add(out,
            ".\\\" Made of the table in host/record/attribute.h: see the test of it.\n"
            ".TH TROUPE\\-ATTRIBUTES 7 2026-11-30 \"Troupe\" \"Miscellaneous\"\n"
            ".SH NAME\n"
            "troupe\\-attributes \\- what is known of an actor\n"
            ".SH DESCRIPTION\n"
            "An actor that is looked at, and one that has ended, is told by these attributes.\n"
            "Their names are never changed, and never get another meaning; more may be added,\n"
            "so a reader passes over what it does not know.\n"
            ".PP\n"
            "The view\n.B actor\nhas all of them, the view\n.B entity\n"
            "those marked with an asterisk.\n"
            "Times are RFC 3339 in UTC.\n"
            "When the snapshot of an actor that has ended had to make way for others, only who it\n"
            "was, when it ended and why is known.\n"
            ".SH ATTRIBUTES\n");
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        enum attribute_id id = (enum attribute_id)i;
        const struct attribute *attribute = attribute_get(id);
        str_addf(out, ".TP\n.BR %s \" (%s%s)%s\"\n", attribute->name,
                 attribute_kind_text(attribute->kind), when_text(attribute->when),
                 attribute_is_of_entity(id) ? " *" : "");
        add_roff(out, attribute->description);
        str_add(out, ".\n");
    }
    str_add(out, ".SH A PROC AS A WHOLE\n"
                 "Numbers since it began, but for those that say how many there are:\n");
#define ADD_TOTAL(name, description) add_total(out, #name, description);
    PROC_NUMBERS(ADD_TOTAL)
    PROC_PARTS(ADD_TOTAL)
#undef ADD_TOTAL
    str_add(out, ".SH SEE ALSO\n.BR troupe (1),\n.BR troupe\\-manifest (5)\n");
}
