/* Fills the struct of TROUPE_CONFIG from settings and defaults, reporting whatever does not fit. */
#include "plan/config.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/config_value.h"

struct building {
    struct config *config;
    const struct config_setting *settings;
    size_t count;
    size_t *given; /* per key: the setting that gives it, SIZE_MAX for none */
    const char *folder;
    config_report *report;
    const char *hint; /* for the finding that is being reported; lent */
    void *context;
    struct err *err;
    size_t findings;
};

static void *member_of(const struct config *config, size_t key) {
    return (char *)config->body + config->offsets[key];
}

struct troupe_str config_text(const struct config *config, size_t key) {
    return *(const struct troupe_str *)member_of(config, key);
}

__attribute__((format(printf, 3, 4))) static void finding(struct building *b, size_t setting,
                                                          const char *format, ...) {
    struct err text;
    va_list args;
    va_start(args, format);
    (void)err_setv(&text, ERR_INVALID, format, args);
    va_end(args);
    if (b->findings == 0) {
        (void)err_set(b->err, ERR_INVALID, "%s", text.text);
    }
    b->findings++;
    if (b->report) {
        b->report(b->context, setting, text.text, b->hint);
    }
}

static int no_memory(struct building *b) {
    return err_set(b->err, ERR_NOMEM, "no memory for config '%s'", b->config->note->c_name);
}

static size_t find_key(const struct note_config *note, struct troupe_str name) {
    for (size_t i = 0; i < note->key_count; i++) {
        if (troupe_str_eq(troupe_str(note->keys[i].name), name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static int report_unknown(struct building *b, size_t setting) {
    const struct note_config *note = b->config->note;
    struct troupe_str key = b->settings[setting].key;
    char *word = mem_text_n(key.data ? key.data : "", key.size);
    const char **names = mem_array(note->key_count + 1, sizeof *names);
    struct str known;
    str_init(&known);
    for (size_t i = 0; names && i < note->key_count; i++) {
        names[i] = note->keys[i].name;
        str_addf(&known, "%s'%s'", i ? ", " : "", names[i]);
    }
    int status = word && names && !known.failed ? 0 : no_memory(b);
    const char *near = status == 0 ? str_nearest(word, names) : NULL;
    if (status == 0 && near) {
        b->hint = near;
        finding(b, setting, "unknown config key '%s'; did you mean '%s'?", word, near);
        b->hint = NULL;
    } else if (status == 0) {
        finding(b, setting, "unknown config key '%s'; the keys are %s", word, str_text(&known));
    }
    str_fini(&known);
    mem_free(names);
    mem_free(word);
    return status;
}

static int match_settings(struct building *b) {
    const struct note_config *note = b->config->note;
    for (size_t i = 0; i < note->key_count; i++) {
        b->given[i] = SIZE_MAX;
    }
    for (size_t i = 0; i < b->count; i++) {
        size_t key = find_key(note, b->settings[i].key);
        if (key == SIZE_MAX) {
            if (report_unknown(b, i) < 0) {
                return -1;
            }
        } else if (b->given[key] != SIZE_MAX) {
            finding(b, i, "config key '%s' is given twice", note->keys[key].name);
        } else {
            b->given[key] = i;
        }
    }
    return 0;
}

static struct troupe_str *own_array(struct config *config, size_t count) {
    struct troupe_str *items = mem_array(count ? count : 1, sizeof *items);
    struct troupe_str **lists =
        items ? mem_resize(config->lists, (config->list_count + 1) * sizeof *lists) : NULL;
    if (!lists) {
        mem_free(items);
        return NULL;
    }
    config->lists = lists;
    config->lists[config->list_count++] = items;
    return items;
}

/* Takes `text`, also on failure. */
static int own_text(struct config *config, char *text, uint64_t size, struct troupe_str *ret) {
    char **texts =
        text ? mem_resize(config->texts, (config->text_count + 1) * sizeof *texts) : NULL;
    if (!texts) {
        mem_free(text);
        return -1;
    }
    config->texts = texts;
    config->texts[config->text_count++] = text;
    *ret = troupe_str_n(text, size);
    return 0;
}

static int fill_text(struct building *b, struct troupe_str value, struct troupe_str *ret) {
    char *text = mem_text_n(value.data ? value.data : "", value.size);
    return own_text(b->config, text, value.size, ret) < 0 ? no_memory(b) : 0;
}

static int fill_path(struct building *b, const char *folder, struct troupe_str value,
                     struct troupe_str *ret) {
    bool stays = value.size == 0 || value.data[0] == '/' || troupe_str_eq(value, troupe_str("-"));
    if (stays || !folder || !*folder) {
        return fill_text(b, value, ret);
    }
    struct str path;
    str_init(&path);
    str_add(&path, folder);
    if (folder[strlen(folder) - 1] != '/') {
        str_add_char(&path, '/');
    }
    str_add_n(&path, value.data, value.size);
    uint64_t size = path.size;
    char *text = str_take(&path);
    str_fini(&path);
    return own_text(b->config, text, size, ret) < 0 ? no_memory(b) : 0;
}

static int fill_items(struct building *b, const struct troupe_str *values, size_t count,
                      struct troupe_strs *ret) {
    struct troupe_str *items = own_array(b->config, count);
    if (!items) {
        return no_memory(b);
    }
    for (size_t i = 0; i < count; i++) {
        if (fill_text(b, values[i], &items[i]) < 0) {
            return -1;
        }
    }
    *ret = (struct troupe_strs){items, count};
    return 0;
}

/* The items of a list's default: "a, b" as `a` and `b`. */
static int fill_default_list(struct building *b, const char *text, struct troupe_strs *ret) {
    size_t count = *text ? 1 : 0;
    for (const char *c = text; *c; c++) {
        count += *c == ',';
    }
    struct troupe_str *items = own_array(b->config, count);
    if (!items) {
        return no_memory(b);
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = strcspn(text, ",");
        size_t lead = strspn(text, " ");
        size_t end = size;
        lead = lead < size ? lead : size;
        while (end > lead && text[end - 1] == ' ') {
            end--;
        }
        if (fill_text(b, troupe_str_n(text + lead, end - lead), &items[i]) < 0) {
            return -1;
        }
        text += size + 1;
    }
    *ret = (struct troupe_strs){items, count};
    return 0;
}

static int fill_number(struct building *b, const struct note_key *key, size_t setting,
                       struct troupe_str value, void *member) {
    char *text = mem_text_n(value.data ? value.data : "", value.size);
    if (!text) {
        return no_memory(b);
    }
    struct err why = {.code = ERR_NONE};
    if (strlen(text) != value.size) {
        finding(b, setting, "config key '%s' holds a zero byte", key->name);
    } else if (config_parse(key, text, member, &why) < 0 && why.code != ERR_NOMEM) {
        finding(b, setting, "%s%s", setting == SIZE_MAX ? "the plugin's default is wrong: " : "",
                why.text);
    }
    mem_free(text);
    return why.code == ERR_NOMEM ? no_memory(b) : 0;
}

static int fill_scalar(struct building *b, const struct note_key *key, size_t setting,
                       struct troupe_str value, void *member) {
    const char *folder = b->folder;
    if (setting != SIZE_MAX && b->settings[setting].folder) {
        folder = b->settings[setting].folder;
    }
    switch (key->kind) {
    case NOTE_OPTION_STR:
    case NOTE_OPTION_FIELD:
        return fill_text(b, value, member);
    case NOTE_OPTION_PATH:
        return fill_path(b, folder, value, member);
    default:
        return fill_number(b, key, setting, value, member);
    }
}

static int fill_given(struct building *b, const struct note_key *key, size_t setting,
                      void *member) {
    const struct config_setting *s = &b->settings[setting];
    bool wants_list = key->kind == NOTE_OPTION_LIST;
    if (!s->is_list && s->count == 0) {
        finding(b, setting, "config key '%s' has no value", key->name);
    } else if (wants_list && !s->is_list) {
        finding(b, setting, "config key '%s' takes a list; write [%.*s]", key->name,
                TROUPE_STR_ARG(s->values[0]));
    } else if (!wants_list && s->is_list) {
        finding(b, setting, "config key '%s' takes one value, not a list", key->name);
    } else if (wants_list) {
        return fill_items(b, s->values, s->count, member);
    } else {
        return fill_scalar(b, key, setting, s->values[0], member);
    }
    return 0;
}

static int fill_default(struct building *b, const struct note_key *key, void *member) {
    if (key->required) {
        finding(b, SIZE_MAX, "config key '%s' is missing: %s", key->name, key->help);
        return 0;
    }
    if (key->kind == NOTE_OPTION_LIST) {
        return fill_default_list(b, key->value, member);
    }
    const char *value = key->value;
    if (key->kind == NOTE_OPTION_BOOL && (strcmp(value, "0") == 0 || strcmp(value, "1") == 0)) {
        /* In C `true` is a macro, expanded before the default became text. */
        value = *value == '1' ? "true" : "false";
    }
    return fill_scalar(b, key, SIZE_MAX, troupe_str(value), member);
}

static int fill(struct building *b) {
    const struct note_config *note = b->config->note;
    for (size_t i = 0; i < note->key_count; i++) {
        const struct note_key *key = &note->keys[i];
        void *member = member_of(b->config, i);
        int status = b->given[i] == SIZE_MAX ? fill_default(b, key, member)
                                             : fill_given(b, key, b->given[i], member);
        if (status < 0) {
            return -1;
        }
    }
    return b->findings ? -1 : 0;
}

static struct config *config_create(const struct note_config *note) {
    struct config *config = mem_alloc(sizeof *config);
    if (!config) {
        return NULL;
    }
    uint64_t align;
    atomic_init(&config->refs, 1);
    config->note = note;
    config->offsets = mem_array(note->key_count + 1, sizeof *config->offsets);
    if (config->offsets) {
        note_config_layout(note, config->offsets, &config->size, &align);
        config->body = mem_alloc(config->size ? config->size : 1);
    }
    if (!config->body) {
        config_unref(config);
        return NULL;
    }
    return config;
}

int config_build(const struct note_config *note, const struct config_setting *settings,
                 size_t count, const char *folder, config_report *report, void *context,
                 struct config **ret, struct err *err) {
    struct config *config = config_create(note);
    size_t *given = mem_array(note->key_count + 1, sizeof *given);
    struct building b = {.config = config,
                         .settings = settings,
                         .count = count,
                         .given = given,
                         .folder = folder,
                         .report = report,
                         .context = context,
                         .err = err};
    int status;
    if (!config || !given) {
        status = err_set(err, ERR_NOMEM, "no memory for config '%s'", note->c_name);
    } else {
        status = match_settings(&b) < 0 ? -1 : fill(&b);
    }
    mem_free(given);
    if (status < 0) {
        config_unref(config);
        return -1;
    }
    *ret = config;
    return 0;
}

struct config *config_ref(struct config *config) {
    (void)atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config) {
    /* acq_rel: whoever frees has seen what the other holders did with it. */
    if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < config->text_count; i++) {
        mem_free(config->texts[i]);
    }
    for (size_t i = 0; i < config->list_count; i++) {
        mem_free(config->lists[i]);
    }
    mem_free(config->texts);
    mem_free(config->lists);
    mem_free(config->offsets);
    mem_free(config->body);
    mem_free(config);
}
