/* A plan as JSON, for `check --format json`: plugins, types with their ports, actors, wires. */
#include "plan/plan.h"

#include "base/str.h"
#include "manifest/json.h"

static void add_member(struct str *out, const char *name, const char *text) {
    str_addf(out, "\"%s\":", name);
    json_add_text(out, text);
}

static void add_plugins(const struct plan *plan, struct str *out) {
    for (size_t i = 0; i < plan->plugin_count; i++) {
        const struct catalog_file *file = plan->plugins[i].file;
        str_add(out, i ? ",{" : "{");
        add_member(out, "name", file->image->note->name);
        str_add_char(out, ',');
        add_member(out, "version", file->image->note->version);
        str_add_char(out, ',');
        add_member(out, "path", file->path);
        str_add_char(out, ',');
        add_member(out, "sha256", image_sha256(file->image));
        str_add_char(out, '}');
    }
}

static void add_port(const struct plan_type *type, size_t row, struct str *out) {
    const struct note_row *note = &type->note->rows[row];
    str_add_char(out, '{');
    add_member(out, "name", note->name);
    str_add_char(out, ',');
    add_member(out, "kind", note_row_kind_text(note->kind));
    if (type->row_types[row]) {
        str_add_char(out, ',');
        add_member(out, "type", type->row_types[row]->abi.id.data);
    }
    if (type->row_replies[row]) {
        str_add_char(out, ',');
        add_member(out, "reply", type->row_replies[row]->abi.id.data);
    }
    if (type->row_sources[row] != PLAN_NONE) {
        str_add_char(out, ',');
        add_member(out, "as", type->note->rows[type->row_sources[row]].name);
    }
    str_add_char(out, '}');
}

static void add_types(const struct plan *plan, struct str *out) {
    for (size_t i = 0; i < plan->type_count; i++) {
        const struct plan_type *type = &plan->types[i];
        bool first = true;
        str_add(out, i ? ",{" : "{");
        add_member(out, "id", type->note->id);
        str_addf(out, ",\"plugin\":%u,\"ports\":[", type->plugin);
        for (size_t row = 0; row < type->note->row_count; row++) {
            const struct note_row *note = &type->note->rows[row];
            if (note_row_is_handler(note) || note_row_is_output(note)) {
                str_add(out, first ? "" : ",");
                add_port(type, row, out);
                first = false;
            }
        }
        str_add(out, "]}");
    }
}

static void add_actor(const struct plan *plan, const struct plan_actor *actor, struct str *out) {
    str_add_char(out, '{');
    add_member(out, "path", actor->path);
    str_addf(out, ",\"pid\":%u,\"type\":", actor->pid);
    json_add_text(out, actor->is_group ? "troupe.Group" : plan->types[actor->type].note->id);
    if (actor->parent != PLAN_NONE) {
        str_add_char(out, ',');
        add_member(out, "parent", plan->actors[actor->parent].path);
    }
    str_addf(out, ",\"own_thread\":%s,\"wired_inputs\":%u,\"component\":%u,\"cycle\":",
             actor->own_thread ? "true" : "false", actor->wired_inputs, actor->component);
    if (actor->in_cycle) {
        str_addf(out, "%u", actor->cycle);
    } else {
        str_add(out, "null");
    }
    str_add(out, ",\"after\":[");
    for (size_t i = 0; i < actor->after_count; i++) {
        str_add(out, i ? "," : "");
        json_add_text(out, plan->actors[actor->after[i]].path);
    }
    str_add(out, "]}");
}

static void add_port_ref(const struct plan *plan, uint32_t actor, uint32_t row, struct str *out) {
    struct str text;
    str_init(&text);
    str_addf(&text, "%s.%s", plan->actors[actor].path,
             plan->types[plan->actors[actor].type].note->rows[row].name);
    json_add_text(out, str_text(&text));
    out->failed |= text.failed;
    str_fini(&text);
}

static const char *route_text(enum route_mode route) {
    static const char *const texts[] = {"direct", "round_robin", "hash", "broadcast"};
    return texts[route];
}

static void add_wire(const struct plan *plan, const struct plan_wire *wire, struct str *out) {
    str_add(out, "{\"from\":");
    add_port_ref(plan, wire->from, wire->from_row, out);
    str_add(out, ",\"to\":[");
    for (size_t i = 0; i < wire->to_count; i++) {
        str_add(out, i ? "," : "");
        add_port_ref(plan, wire->to[i], wire->to_row, out);
    }
    str_add(out, "],");
    add_member(out, "type", wire->type->abi.id.data);
    str_add_char(out, ',');
    add_member(out, "route", route_text(wire->route));
    if (wire->key_name) {
        str_add_char(out, ',');
        add_member(out, "key", wire->key_name);
    }
    str_add_char(out, '}');
}

void plan_json(const struct plan *plan, struct str *out) {
    str_add_char(out, '{');
    add_member(out, "proc", plan->proc);
    str_add(out, ",\"plugins\":[");
    add_plugins(plan, out);
    str_add(out, "],\"types\":[");
    add_types(plan, out);
    str_add(out, "],\"actors\":[");
    for (size_t i = 0; i < plan->actor_count; i++) {
        str_add(out, i ? "," : "");
        add_actor(plan, &plan->actors[i], out);
    }
    str_add(out, "],\"wires\":[");
    for (size_t i = 0; i < plan->wire_count; i++) {
        str_add(out, i ? "," : "");
        add_wire(plan, &plan->wires[i], out);
    }
    str_add(out, "],\"init_order\":[");
    for (size_t i = 0; i < plan->actor_count; i++) {
        str_add(out, i ? "," : "");
        json_add_text(out, plan->actors[plan->init_order[i]].path);
    }
    str_add(out, "]}");
}
