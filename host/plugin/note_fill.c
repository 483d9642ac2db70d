/* From the entries of a note to its tables: each line checked by itself. */
#include "plugin/note_build.h"

#include <string.h>

#include <troupe/message.h>
#include <troupe/plugin.h>

#include "base/alloc.h"
#include "plugin/note_text.h"

#define ITEMS_MAX 1024u

static int no_memory(struct err *err) {
    return err_set(err, ERR_NOMEM, "no memory for a note");
}

/* Copies a word; -1 without memory. */
static int keep(char **to, const char *text, struct err *err) {
    *to = mem_text(text);
    return *to ? 0 : no_memory(err);
}

static int expect_words(const struct note_line *line, size_t low, size_t high, struct err *err) {
    if (line->count >= low && line->count <= high) {
        return 0;
    }
    return err_set(err, ERR_INVALID, "a line '%s' has %zu words where %zu are expected",
                   line->words[0].text, line->count, line->count < low ? low : high);
}

static int expect_name(const struct note_word *word, struct err *err) {
    if (note_word_is_name(word)) {
        return 0;
    }
    return err_set(err, ERR_INVALID, "'%s' is not a name: letters, digits and '_', at most %d",
                   word->text, NOTE_NAME_MAX);
}

/* What stands between two texts: the next line of an entry, whose first line was taken already. */
static int next_item(char **at, size_t count, struct note_line *line, struct err *err) {
    int more = note_next_line(at, line, err);
    if (more > 0 && count == ITEMS_MAX) {
        return err_set(err, ERR_INVALID, "there are more than %u lines", ITEMS_MAX);
    }
    return more;
}

/* Room for as many items as the entry has lines behind the first. */
static void *items_for(const char *text, size_t size) {
    size_t lines = 0;
    for (; *text; text++) {
        lines += *text == '\n';
    }
    return mem_array(lines < ITEMS_MAX ? lines + 1 : ITEMS_MAX, size);
}

static uint32_t field_kind(const char *text) {
#define FIELD_KIND(number, name, c_type)                                                           \
    if (strcmp(text, #name) == 0) {                                                                \
        return number;                                                                             \
    }
    TROUPE_KINDS(FIELD_KIND)
#undef FIELD_KIND
    return 0;
}

/* field KIND NAME [RECORD] */
static int fill_field(struct note_field *field, const struct note_line *line, struct err *err) {
    const struct note_word *words = line->words;
    if (strcmp(words[0].text, "field") != 0) {
        return err_set(err, ERR_INVALID, "a line begins with '%s' where 'field' is expected",
                       words[0].text);
    }
    if (expect_words(line, 3, 4, err) < 0 || expect_name(&words[2], err) < 0) {
        return -1;
    }
    field->kind = field_kind(words[1].text);
    if (field->kind == 0) {
        return err_set(err, ERR_INVALID, "field '%s': unknown kind '%s'", words[2].text,
                       words[1].text);
    }
    if ((line->count == 4) != (field->kind == TROUPE_KIND_list)) {
        return err_set(err, ERR_INVALID, "field '%s': a list, and nothing else, names a record",
                       words[2].text);
    }
    if (line->count == 4 && keep(&field->record, words[3].text, err) < 0) {
        return -1;
    }
    return keep(&field->name, words[2].text, err);
}

/* "name/revision" */
static bool is_message_id(const struct note_word *word) {
    char *slash = strrchr(word->text, '/');
    if (!slash || !word->is_quoted || !note_is_dotted(word->text, slash, 1, 8)) {
        return false;
    }
    struct note_word revision = {.text = slash + 1, .is_quoted = false};
    uint32_t number;
    return strspn(slash + 1, "0123456789") == strlen(slash + 1) &&
           note_word_number(&revision, &number) && number > 0;
}

/* message C_NAME "ID", or record C_NAME; then its fields. */
static int fill_message(struct note_message *message, bool is_record, char *text, struct err *err) {
    struct note_line line;
    char *at = text;
    message->fields = items_for(text, sizeof *message->fields);
    if (!message->fields) {
        return no_memory(err);
    }
    if (note_next_line(&at, &line, err) < 0 ||
        expect_words(&line, is_record ? 2 : 3, is_record ? 2 : 3, err) < 0 ||
        expect_name(&line.words[1], err) < 0 ||
        keep(&message->c_name, line.words[1].text, err) < 0) {
        return -1;
    }
    if (!is_record && !is_message_id(&line.words[2])) {
        return err_set(err, ERR_INVALID, "its id \"%s\" is not of the form \"plugin.name/1\"",
                       line.words[2].text);
    }
    if (!is_record && keep(&message->id, line.words[2].text, err) < 0) {
        return -1;
    }
    int more;
    while ((more = next_item(&at, message->field_count, &line, err)) > 0) {
        if (fill_field(&message->fields[message->field_count++], &line, err) < 0) {
            return -1;
        }
    }
    if (more == 0 && message->field_count == 0) {
        return err_set(err, ERR_INVALID, "it has no fields");
    }
    return more;
}

static int option_kind(const char *text) {
    for (int i = 0; i < NOTE_OPTION_KIND_COUNT; i++) {
        if (strcmp(text, note_option_kind_text((enum note_option_kind)i)) == 0) {
            return i;
        }
    }
    return -1;
}

/* stdbool.h makes numbers of `false` and `true` before the macros of the SDK see them. */
static const char *default_text(enum note_option_kind kind, const struct note_word *word) {
    if (kind == NOTE_OPTION_BOOL && strcmp(word->text, "0") == 0) {
        return "false";
    }
    return kind == NOTE_OPTION_BOOL && strcmp(word->text, "1") == 0 ? "true" : word->text;
}

/* key KIND NAME DEFAULT, "HELP", "EXTRA" */
static int fill_key(struct note_key *key, const struct note_line *line, struct err *err) {
    const struct note_word *words = line->words;
    if (strcmp(words[0].text, "key") != 0) {
        return err_set(err, ERR_INVALID, "a line begins with '%s' where 'key' is expected",
                       words[0].text);
    }
    if (expect_words(line, 6, 6, err) < 0 || expect_name(&words[2], err) < 0) {
        return -1;
    }
    int kind = option_kind(words[1].text);
    if (kind < 0) {
        return err_set(err, ERR_INVALID, "key '%s': unknown kind '%s'", words[2].text,
                       words[1].text);
    }
    if (!words[4].is_quoted || !words[5].is_quoted) {
        return err_set(err, ERR_INVALID, "key '%s': its help and what follows must be quoted",
                       words[2].text);
    }
    key->kind = (enum note_option_kind)kind;
    key->required = !words[3].is_quoted && strcmp(words[3].text, "required") == 0;
    if (!key->required && keep(&key->value, default_text(key->kind, &words[3]), err) < 0) {
        return -1;
    }
    if (keep(&key->name, words[2].text, err) < 0 || keep(&key->help, words[4].text, err) < 0) {
        return -1;
    }
    return keep(&key->extra, words[5].text, err);
}

/* config C_NAME, then its keys. */
static int fill_config(struct note_config *config, char *text, struct err *err) {
    struct note_line line;
    char *at = text;
    config->keys = items_for(text, sizeof *config->keys);
    if (!config->keys) {
        return no_memory(err);
    }
    if (note_next_line(&at, &line, err) < 0 || expect_words(&line, 2, 2, err) < 0 ||
        expect_name(&line.words[1], err) < 0 ||
        keep(&config->c_name, line.words[1].text, err) < 0) {
        return -1;
    }
    int more;
    while ((more = next_item(&at, config->key_count, &line, err)) > 0) {
        if (fill_key(&config->keys[config->key_count++], &line, err) < 0) {
            return -1;
        }
    }
    if (more == 0 && config->key_count == 0) {
        return err_set(err, ERR_INVALID, "it has no keys");
    }
    return more;
}

/* How a line of each kind of row is written. */
struct form {
    unsigned words;          /* behind the kind */
    bool has_name;           /* the first of them is the row's name; else the kind is */
    signed char type, reply; /* which word goes there; 0: none */
};
static const struct form forms[TROUPE_ROW_END_] = {
    [TROUPE_ROW_in] = {2, true, 2, 0},        [TROUPE_ROW_any] = {1, true, 0, 0},
    [TROUPE_ROW_call] = {3, true, 2, 3},      [TROUPE_ROW_out] = {2, true, 2, 0},
    [TROUPE_ROW_as] = {2, true, 2, 0},        [TROUPE_ROW_ask] = {3, true, 2, 3},
    [TROUPE_ROW_to] = {2, true, 2, 0},        [TROUPE_ROW_timer] = {1, true, 0, 0},
    [TROUPE_ROW_watch] = {1, true, 0, 0},     [TROUPE_ROW_child] = {2, true, 2, 0},
    [TROUPE_ROW_init] = {0, false, 0, 0},     [TROUPE_ROW_cleanup] = {0, false, 0, 0},
    [TROUPE_ROW_save] = {2, false, 0, 0},     [TROUPE_ROW_load] = {0, false, 0, 0},
    [TROUPE_ROW_returned] = {0, false, 0, 0}, [TROUPE_ROW_config] = {1, false, 1, 0},
    [TROUPE_ROW_option] = {1, true, 0, 0},    [TROUPE_ROW_reconfigure] = {1, false, 1, 0},
};

static uint32_t row_kind(const char *text) {
    for (uint32_t kind = 1; kind < TROUPE_ROW_END_; kind++) {
        if (strcmp(text, note_row_kind_text(kind)) == 0) {
            return kind;
        }
    }
    return 0;
}

static int fill_option(struct note_actor *actor, const char *name, struct err *err) {
    if (strcmp(name, "own_thread") == 0) {
        actor->own_thread = true;
    } else if (strcmp(name, "plain_state") == 0) {
        actor->plain_state = true;
    } else if (strcmp(name, "touches_world") == 0) {
        actor->touches_world = true;
    } else if (strcmp(name, "writes_older") == 0) {
        actor->writes_older = true;
    } else {
        return err_set(err, ERR_INVALID, "unknown option '%s'", name);
    }
    return 0;
}

/* save VERSION MIN */
static int fill_versions(struct note_actor *actor, const struct note_line *line, struct err *err) {
    const struct note_word *words = line->words;
    uint32_t version;
    uint32_t least;
    if (!note_word_number(&words[1], &version) || !note_word_number(&words[2], &least)) {
        return err_set(err, ERR_INVALID, "state versions '%s' and '%s' must be plain numbers",
                       words[1].text, words[2].text);
    }
    if (least == 0 || least > version) {
        return err_set(err, ERR_INVALID,
                       "it writes state version %u and reads from %u, which must be 1 to %u",
                       version, least, version);
    }
    actor->state_version = version;
    actor->state_min = least;
    return 0;
}

static bool is_child_type(const struct note_word *word) {
    const char *end = word->text + strlen(word->text);
    return word->is_quoted && note_is_dotted(word->text, end, 2, 3);
}

/* The words behind the kind are names, but for a child's type and a state's versions. */
static int check_row_words(uint32_t kind, const struct note_line *line, struct err *err) {
    for (size_t i = 1; i < line->count && kind != TROUPE_ROW_save; i++) {
        const struct note_word *word = &line->words[i];
        if (kind == TROUPE_ROW_child && i == 2) {
            if (!is_child_type(word)) {
                return err_set(err, ERR_INVALID,
                               "child '%s': \"%s\" is not a type of the form \"plugin.Type\"",
                               line->words[1].text, word->text);
            }
        } else if (expect_name(word, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fill_row(struct note_actor *actor, const struct note_line *line, struct err *err) {
    const struct note_word *words = line->words;
    uint32_t kind = row_kind(words[0].text);
    if (kind == 0) {
        return err_set(err, ERR_INVALID, "unknown kind of row '%s'", words[0].text);
    }
    const struct form *form = &forms[kind];
    if (expect_words(line, form->words + 1, form->words + 1, err) < 0 ||
        check_row_words(kind, line, err) < 0) {
        return -1;
    }
    if (kind == TROUPE_ROW_option && fill_option(actor, words[1].text, err) < 0) {
        return -1;
    }
    if (kind == TROUPE_ROW_save && fill_versions(actor, line, err) < 0) {
        return -1;
    }
    struct note_row *row = &actor->rows[actor->row_count++];
    row->kind = kind;
    if (keep(&row->name, words[form->has_name].text, err) < 0 ||
        keep(&row->type, form->type ? words[form->type].text : "", err) < 0) {
        return -1;
    }
    return keep(&row->reply, form->reply ? words[form->reply].text : "", err);
}

/* actor C_NAME "ID", then its rows. */
static int fill_actor(struct note_actor *actor, char *text, struct err *err) {
    struct note_line line;
    char *at = text;
    actor->rows = items_for(text, sizeof *actor->rows);
    if (!actor->rows) {
        return no_memory(err);
    }
    if (note_next_line(&at, &line, err) < 0 || expect_words(&line, 3, 3, err) < 0 ||
        expect_name(&line.words[1], err) < 0 || keep(&actor->c_name, line.words[1].text, err) < 0) {
        return -1;
    }
    if (!is_child_type(&line.words[2])) {
        return err_set(err, ERR_INVALID,
                       "its id \"%s\" is not of the form \"plugin.Type\" or \"vendor.plugin.Type\"",
                       line.words[2].text);
    }
    if (strncmp(line.words[2].text, "troupe.", 7) == 0) {
        return err_set(err, ERR_INVALID,
                       "its id \"%s\" begins with \"troupe.\", which is the host's",
                       line.words[2].text);
    }
    if (keep(&actor->id, line.words[2].text, err) < 0) {
        return -1;
    }
    int more;
    while ((more = next_item(&at, actor->row_count, &line, err)) > 0) {
        if (fill_row(actor, &line, err) < 0) {
            return -1;
        }
    }
    return more;
}

/* plugin "NAME", "VERSION", MAJOR MINOR */
static int fill_plugin(struct note_plugin *note, char *text, struct err *err) {
    struct note_line line;
    if (note_next_line(&text, &line, err) < 0 || expect_words(&line, 5, 5, err) < 0) {
        return -1;
    }
    const struct note_word *words = line.words;
    if (!note_word_number(&words[3], &note->abi_major) ||
        !note_word_number(&words[4], &note->abi_minor)) {
        return err_set(err, ERR_INVALID, "'%s' and '%s' are not an ABI's major and minor",
                       words[3].text, words[4].text);
    }
    if (note->abi_major != TROUPE_ABI_MAJOR) {
        return err_set(err, ERR_ABI, "it was built for plugin ABI %u.%u; this host knows %u.%u",
                       note->abi_major, note->abi_minor, TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
    }
    if (!words[1].is_quoted || !words[2].is_quoted || words[1].text[0] == '\0') {
        return err_set(err, ERR_INVALID, "its name and its version must be quoted, and not empty");
    }
    return keep(&note->name, words[1].text, err) < 0 ? -1
                                                     : keep(&note->version, words[2].text, err);
}

static const char *const entry_words[] = {
    [TROUPE_NOTE_PLUGIN] = "plugin",   [TROUPE_NOTE_RECORD] = "record",
    [TROUPE_NOTE_MESSAGE] = "message", [TROUPE_NOTE_CONFIG] = "config",
    [TROUPE_NOTE_ACTOR] = "actor",
};

static int fill_text(struct note_plugin *note, uint32_t type, char *text, struct err *err) {
    const char *word = entry_words[type];
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0 || text[length] != ' ') {
        return err_set(err, ERR_INVALID, "it does not begin with '%s'", word);
    }
    switch (type) {
    case TROUPE_NOTE_PLUGIN:
        return fill_plugin(note, text, err);
    case TROUPE_NOTE_RECORD:
    case TROUPE_NOTE_MESSAGE:
        return fill_message(&note->messages[note->message_count++], type == TROUPE_NOTE_RECORD,
                            text, err);
    case TROUPE_NOTE_CONFIG:
        return fill_config(&note->configs[note->config_count++], text, err);
    default:
        return fill_actor(&note->actors[note->actor_count++], text, err);
    }
}

static int fill_entry(struct note_plugin *note, const struct note_entry *entry, struct err *err) {
    char *text = mem_text_n(entry->text, entry->size);
    if (!text) {
        return no_memory(err);
    }
    int status = fill_text(note, entry->type, text, err);
    mem_free(text);
    if (status < 0) {
        size_t first_line = 0;
        while (first_line < entry->size && entry->text[first_line] != '\n') {
            first_line++;
        }
        err_wrap(err, "note entry '%.*s'", (int)(first_line < 200 ? first_line : 200), entry->text);
    }
    return status;
}

static size_t count_type(const struct note_entries *entries, uint32_t type) {
    size_t count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        count += entries->items[i].type == type;
    }
    return count;
}

static int fill_type(struct note_plugin *note, const struct note_entries *entries, uint32_t type,
                     struct err *err) {
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].type == type && fill_entry(note, &entries->items[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int note_fill(struct note_plugin *note, const struct note_entries *entries, struct err *err) {
    if (count_type(entries, TROUPE_NOTE_PLUGIN) == 0) {
        return err_set(err, ERR_INVALID, "the note has no plugin entry; is TROUPE_PLUGIN missing?");
    }
    /* First: with another major the other entries may be of another form. */
    if (fill_type(note, entries, TROUPE_NOTE_PLUGIN, err) < 0) {
        return -1;
    }
    size_t records = count_type(entries, TROUPE_NOTE_RECORD);
    size_t messages = count_type(entries, TROUPE_NOTE_MESSAGE);
    note->messages = mem_array(records + messages + 1, sizeof *note->messages);
    note->configs = mem_array(count_type(entries, TROUPE_NOTE_CONFIG) + 1, sizeof *note->configs);
    note->actors = mem_array(count_type(entries, TROUPE_NOTE_ACTOR) + 1, sizeof *note->actors);
    if (!note->messages || !note->configs || !note->actors) {
        return no_memory(err);
    }
    for (uint32_t type = TROUPE_NOTE_RECORD; type <= TROUPE_NOTE_ACTOR; type++) {
        if (fill_type(note, entries, type, err) < 0) {
            return -1;
        }
    }
    return 0;
}
