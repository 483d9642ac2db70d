/* Copying a plugin's tables, growing or shrinking them to the host's size; see tables.h. */
#include "plugin/tables.h"

#include <string.h>

#include "base/alloc.h"

#define STATE_MOST ((uint64_t)1 << 30)

/* The end of a field: the least size of a table that has it. */
#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

/* Copies the smaller of both sizes into `to`, which is zeroed first. A table without the fields up
 * to `least` is of no use. */
static int take_table(const struct dl *dl, const void *from, void *to, size_t room, size_t least,
                      const char *what, struct err *err) {
    uint32_t size;
    if ((uintptr_t)from % sizeof(void *) != 0 || !dl_holds(dl, from, sizeof size)) {
        return err_set(err, ERR_ABI, "its table of %s lies outside of the file", what);
    }
    memcpy(&size, from, sizeof size);
    if (size < least || !dl_holds(dl, from, size)) {
        return err_set(err, ERR_ABI, "its table of %s says that it has %u bytes; %zu are the least",
                       what, size, least);
    }
    memset(to, 0, room);
    memcpy(to, from, size < room ? size : room);
    return 0;
}

/* A text of the plugin that must be the note's. */
static int check_text(const struct dl *dl, const char *text, const char *expected, const char *what,
                      struct err *err) {
    text = dl_text(dl, text);
    if (!text) {
        return err_set(err, ERR_ABI, "its %s is not a text of the plugin", what);
    }
    if (strcmp(text, expected) != 0) {
        return err_set(err, ERR_ABI, "its %s is '%.200s' in the table, '%s' in the note", what,
                       text, expected);
    }
    return 0;
}

static int check_number(uint64_t number, uint64_t expected, const char *what, struct err *err) {
    if (number == expected) {
        return 0;
    }
    return err_set(err, ERR_ABI, "its %s is %llu in the table, %llu in the note", what,
                   (unsigned long long)number, (unsigned long long)expected);
}

int tables_read_plugin(const struct dl *dl, const void *symbol, struct troupe_plugin *ret,
                       struct err *err) {
    struct troupe_plugin table;
    if (take_table(dl, symbol, &table, sizeof table, END_OF(struct troupe_plugin, actors),
                   "the plugin", err) < 0) {
        return -1;
    }
    if ((table.init && !dl_holds_code(dl, (uintptr_t)table.init)) ||
        (table.fini && !dl_holds_code(dl, (uintptr_t)table.fini))) {
        return err_set(err, ERR_ABI, "its init or its fini is not a function of the plugin");
    }
    if ((uintptr_t)table.actors % sizeof(void *) != 0 ||
        !dl_holds(dl, table.actors, table.actor_count * sizeof(void *))) {
        return err_set(err, ERR_ABI, "its list of actors lies outside of the file");
    }
    *ret = table;
    return 0;
}

static bool needs_run(uint32_t kind) {
    switch (kind) {
    case TROUPE_ROW_out:
    case TROUPE_ROW_as:
    case TROUPE_ROW_to:
    case TROUPE_ROW_config:
    case TROUPE_ROW_option:
        return false;
    default:
        return true;
    }
}

/* The config lies inside the state, where the host will write it. */
static int check_config(const struct library_type *type, const struct troupe_row *row,
                        struct err *err) {
    uint64_t size;
    uint64_t align;
    note_config_layout(type->note->config, NULL, &size, &align);
    if (row->value % align != 0 || row->value > type->state_size ||
        size > type->state_size - row->value) {
        return err_set(err, ERR_ABI, "its %llu bytes at %llu do not fit into a state of %llu",
                       (unsigned long long)size, (unsigned long long)row->value,
                       (unsigned long long)type->state_size);
    }
    return 0;
}

static int check_row(const struct dl *dl, const struct library_type *type,
                     const struct note_row *note, const struct troupe_row *row, struct err *err) {
    if (row->kind != note->kind) {
        return err_set(err, ERR_ABI, "its kind is '%s' in the table, '%s' in the note",
                       note_row_kind_text(row->kind), note_row_kind_text(note->kind));
    }
    if (check_text(dl, row->name, note->name, "name", err) < 0 ||
        check_text(dl, row->type, note->type, "type", err) < 0 ||
        check_text(dl, row->reply, note->reply, "reply", err) < 0) {
        return -1;
    }
    if (needs_run(row->kind) && !dl_holds_code(dl, (uintptr_t)row->run)) {
        return err_set(err, ERR_ABI, "it has no function of the plugin to run");
    }
    return row->kind == TROUPE_ROW_config ? check_config(type, row, err) : 0;
}

/* Copies row `at`, with the note's texts in place of the plugin's. */
static int read_row(const struct dl *dl, struct library_type *type,
                    const struct troupe_actor *actor, uint32_t at, struct troupe_row *to,
                    struct err *err) {
    const struct note_row *note = &type->note->rows[at];
    const char *from = (const char *)actor->rows + (size_t)at * actor->row_stride;
    if (take_table(dl, from, to, sizeof *to, END_OF(struct troupe_row, value), "a row", err) < 0 ||
        check_row(dl, type, note, to, err) < 0) {
        return err_wrap(err, "row '%s'", note->name);
    }
    if (to->size > actor->row_stride) {
        return err_set(err, ERR_ABI, "row '%s': it has %u bytes, but rows are %u bytes apart",
                       note->name, to->size, actor->row_stride);
    }
    to->size = sizeof *to;
    to->name = note->name;
    to->type = note->type;
    to->reply = note->reply;
    return 0;
}

static void pick_hook(struct library_type *type, const struct troupe_row *row) {
    switch (row->kind) {
    case TROUPE_ROW_init:
        type->init = row;
        break;
    case TROUPE_ROW_cleanup:
        type->cleanup = row;
        break;
    case TROUPE_ROW_save:
        type->save = row;
        break;
    case TROUPE_ROW_load:
        type->load = row;
        break;
    case TROUPE_ROW_returned:
        type->returned = row;
        break;
    case TROUPE_ROW_config:
        type->config = row;
        break;
    default:
        break;
    }
}

static int read_rows(const struct dl *dl, struct library_type *type,
                     const struct troupe_actor *actor, struct err *err) {
    struct troupe_row *rows = mem_array(actor->row_count + 1u, sizeof *rows);
    if (!rows) {
        return err_set(err, ERR_NOMEM, "no memory for its %u rows", actor->row_count);
    }
    type->rows = rows;
    for (uint32_t i = 0; i < actor->row_count; i++) {
        if (read_row(dl, type, actor, i, &rows[i], err) < 0) {
            return -1;
        }
        pick_hook(type, &rows[i]);
    }
    type->row_count = actor->row_count;
    return 0;
}

static int check_actor(const struct dl *dl, const struct note_actor *note,
                       const struct troupe_actor *actor, struct err *err) {
    if (actor->state_size == 0 || actor->state_size > STATE_MOST) {
        return err_set(err, ERR_ABI, "its state has %llu bytes; 1 to %llu are possible",
                       (unsigned long long)actor->state_size, (unsigned long long)STATE_MOST);
    }
    if (check_number(actor->state_version, note->state_version, "state version", err) < 0 ||
        check_number(actor->state_min, note->state_min, "oldest state version", err) < 0 ||
        check_number(actor->row_count, note->row_count, "number of rows", err) < 0) {
        return -1;
    }
    if (actor->row_stride % sizeof(void *) != 0 ||
        actor->row_stride < END_OF(struct troupe_row, value) ||
        (actor->row_count &&
         !dl_holds(dl, actor->rows, (uint64_t)actor->row_count * actor->row_stride))) {
        return err_set(err, ERR_ABI, "its rows, %u bytes apart, lie outside of the file",
                       actor->row_stride);
    }
    return 0;
}

/* The type that stands for the actor `id`; NULL with an error when the note knows none. */
static struct library_type *find_type(struct library *library, const char *id, struct err *err) {
    for (size_t i = 0; i < library->note->actor_count; i++) {
        if (strcmp(library->note->actors[i].id, id) == 0) {
            return &library->types[i];
        }
    }
    err_set(err, ERR_ABI, "the tables list an actor \"%.200s\" that the note does not declare", id);
    return NULL;
}

static int read_type(const struct dl *dl, const struct troupe_actor *from, struct library *library,
                     struct err *err) {
    struct troupe_actor actor;
    if (take_table(dl, from, &actor, sizeof actor, END_OF(struct troupe_actor, rows), "an actor",
                   err) < 0) {
        return -1;
    }
    const char *id = dl_text(dl, actor.id);
    if (!id) {
        return err_set(err, ERR_ABI, "an actor's id is not a text of the plugin");
    }
    struct library_type *type = find_type(library, id, err);
    if (!type) {
        return -1;
    }
    if (type->rows) {
        return err_set(err, ERR_ABI, "the tables list the actor \"%s\" twice", type->note->id);
    }
    type->state_size = actor.state_size;
    type->state_version = actor.state_version;
    type->state_min = actor.state_min;
    if (check_actor(dl, type->note, &actor, err) < 0 || read_rows(dl, type, &actor, err) < 0) {
        return err_wrap(err, "actor \"%s\"", type->note->id);
    }
    return 0;
}

int tables_read_types(const struct dl *dl, const struct troupe_plugin *plugin,
                      struct library *library, struct err *err) {
    const struct note_plugin *note = library->note;
    if (check_text(dl, plugin->name, note->name, "name", err) < 0 ||
        check_text(dl, plugin->version, note->version, "version", err) < 0 ||
        check_number(plugin->abi_major, note->abi_major, "ABI major", err) < 0 ||
        check_number(plugin->abi_minor, note->abi_minor, "ABI minor", err) < 0) {
        return -1;
    }
    library->types = mem_array(note->actor_count, sizeof *library->types);
    if (!library->types) {
        return err_set(err, ERR_NOMEM, "no memory for its actor types");
    }
    library->type_count = note->actor_count;
    for (size_t i = 0; i < note->actor_count; i++) {
        library->types[i].note = &note->actors[i];
        library->types[i].library = library;
    }
    for (uint32_t i = 0; i < plugin->actor_count; i++) {
        if (read_type(dl, plugin->actors[i], library, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < library->type_count; i++) {
        if (!library->types[i].rows) {
            return err_set(err, ERR_ABI,
                           "the note declares an actor \"%s\" that the tables do not list; is it "
                           "missing from TROUPE_PLUGIN?",
                           note->actors[i].id);
        }
    }
    return 0;
}

void tables_free_types(struct library *library) {
    for (size_t i = 0; i < library->type_count; i++) {
        struct troupe_row *rows = (struct troupe_row *)(uintptr_t)library->types[i].rows;
        if (rows) { /* an audit of code at the same place would find them */
            explicit_bzero(rows, library->types[i].row_count * sizeof *rows);
        }
        mem_free(rows);
    }
    mem_free(library->types);
    library->types = NULL;
    library->type_count = 0;
}
