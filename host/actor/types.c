/* The actor types of a proc, generation by generation. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

static void pick_hooks(struct inst_type *type) {
    type->init = type->cleanup = type->save = type->load = type->returned = INST_NO_ROW;
    type->reconfigure = INST_NO_ROW;
    for (uint16_t i = 0; i < type->row_count; i++) {
        switch (type->rows[i].kind) {
        case TROUPE_ROW_init:
            type->init = i;
            break;
        case TROUPE_ROW_cleanup:
            type->cleanup = i;
            break;
        case TROUPE_ROW_save:
            type->save = i;
            break;
        case TROUPE_ROW_load:
            type->load = i;
            break;
        case TROUPE_ROW_returned:
            type->returned = i;
            break;
        case TROUPE_ROW_reconfigure:
            type->reconfigure = i;
            break;
        case TROUPE_ROW_out:
        case TROUPE_ROW_as:
        case TROUPE_ROW_ask:
            type->has_outputs = true;
            break;
        default:
            break;
        }
    }
}

/* --- numbers --- */

static uint16_t find_number(const struct type_line *line, uint16_t name_id) {
    uint16_t at = 0;
    while (at < line->count && line->names[at] != name_id) {
        at++;
    }
    return at;
}

/* Y-1; -1: no memory, or no numbers left. */
static int number_row(struct proc *proc, struct type_line *line, const char *name,
                      uint16_t *ret_number) {
    uint16_t name_id = proc_port_name(proc, name);
    uint16_t at = name_id ? find_number(line, name_id) : INST_NO_ROW;
    if (at == INST_NO_ROW) {
        return -1;
    }
    if (at == line->count) {
        uint16_t *names = mem_resize(line->names, ((size_t)at + 1) * sizeof *names);
        if (!names) {
            return -1;
        }
        line->names = names;
        line->names[line->count++] = name_id;
    }
    *ret_number = at;
    return 0;
}

/* The plugin's rows by their numbers; NULL: no memory. */
static uint16_t *number_rows(struct proc *proc, struct type_line *line,
                             const struct library_type *source) {
    uint16_t *numbers = mem_array(source->row_count ? source->row_count : 1, sizeof *numbers);
    for (uint32_t i = 0; numbers && i < source->row_count; i++) {
        if (number_row(proc, line, source->note->rows[i].name, &numbers[i]) < 0) {
            mem_free(numbers);
            return NULL;
        }
    }
    return numbers;
}

static bool is_plain(const uint16_t *numbers, uint32_t count) {
    uint32_t at = 0;
    while (at < count && numbers[at] == at) {
        at++;
    }
    return at == count;
}

/* --- rows --- */

static unsigned accepts(uint32_t kind) {
    return kind == TROUPE_ROW_call                           ? 1u << MSG_REQUEST
           : kind == TROUPE_ROW_in || kind == TROUPE_ROW_any ? 1u << MSG_DATA
                                                             : 0;
}

/* What is the same for each message is found once. */
static void prepare_row(struct inst_row *row, uint16_t at, const struct msg_type *reply) {
    row->doing = doing_for(INST_PROCESSING) | DOING_RUNS | DOING_ROW(at);
    if (row->kind == TROUPE_ROW_in) {
        row->usual = msg_plain_head(row->type->index, at);
        row->named = msg_named_head(row->type->index, row->name_id);
    } else if (row->kind == TROUPE_ROW_to && type_is_plain(row->type)) {
        row->usual = msg_named_head(row->type->index, 0);
    } else if (row->kind == TROUPE_ROW_call || row->kind == TROUPE_ROW_ask) {
        row->reply = reply;
    }
}

static void fill_row(struct inst_type *type, const struct plan_type *plan_type, uint16_t at) {
    const struct troupe_row *from = &type->source->rows[at];
    struct inst_row *row = &type->rows[inst_type_number(type, at)];
    uint32_t source = plan_type->row_sources[at];
    row->kind = from->kind;
    row->type = plan_type->row_types[at];
    row->source = source == PLAN_NONE ? 0 : inst_type_number(type, source);
    row->run = from->run;
    row->accepts = (uint16_t)accepts(from->kind);
    prepare_row(row, inst_type_number(type, at), plan_type->row_replies[at]);
}

static void fill_rows(struct proc *proc, struct inst_type *type,
                      const struct plan_type *plan_type) {
    for (uint16_t i = 0; i < type->row_count; i++) {
        type->rows[i].name_id = type->line->names[i];
        type->rows[i].name = proc_port_name_text(proc, type->line->names[i]);
    }
    for (uint16_t i = 0; i < type->own_rows; i++) {
        fill_row(type, plan_type, i);
    }
}

static void index_handlers(struct inst_type *type) {
    for (uint16_t i = type->row_count; i-- > 0;) {
        struct inst_row *row = &type->rows[i];
        if (row->accepts) {
            uint16_t *first = &type->handlers[row->name_id % INST_HANDLER_HASHES];
            row->next_handler = *first;
            *first = (uint16_t)(i + 1);
        }
    }
}

/* --- lines --- */

static struct type_line *find_line(struct proc *proc, const char *id) {
    pthread_mutex_lock(&proc->lock);
    struct type_line *line = map_find(&proc->type_lines, id);
    pthread_mutex_unlock(&proc->lock);
    return line;
}

static struct type_line *make_line(struct proc *proc, const char *id) {
    struct type_line *line = mem_alloc(sizeof *line);
    char *text = line ? mem_text(id) : NULL;
    pthread_mutex_lock(&proc->lock);
    bool is_kept = text && map_set(&proc->type_lines, text, line) == 0;
    pthread_mutex_unlock(&proc->lock);
    if (!is_kept) {
        mem_free(text);
        mem_free(line);
        return NULL;
    }
    line->id = text;
    swap_init(&line->swap);
    return line;
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Into the list of all, which owns it; -1: no memory. */
static int keep(struct proc *proc, struct inst_type *type) {
    pthread_mutex_lock(&proc->lock);
    struct inst_type **all =
        mem_resize(proc->inst_types, (proc->type_count + 1) * sizeof *proc->inst_types);
    if (all) {
        proc->inst_types = all;
        all[proc->type_count++] = type;
    }
    pthread_mutex_unlock(&proc->lock);
    return all ? 0 : -1;
}

/* One block, so that it can be given up to lookers as one. */
static struct inst_type *allocate(const struct type_line *line, const struct library_type *source,
                                  const uint16_t *numbers) {
    const char *plugin = file_name(source->library->image->path);
    size_t rows = line->count * sizeof(struct inst_row);
    size_t own = source->row_count * sizeof *numbers;
    size_t text = strlen(plugin) + 1;
    struct inst_type *type = mem_alloc(sizeof *type + rows + own + text);
    if (type) {
        type->rows = (struct inst_row *)(void *)(type + 1);
        uint16_t *kept = (uint16_t *)(void *)(type->rows + line->count);
        bool plain = is_plain(numbers, source->row_count);
        memcpy(kept, numbers, own);
        type->numbers = plain ? NULL : kept;
        type->plain_rows = plain ? (uint16_t)source->row_count : 0;
        type->plugin = memcpy((char *)kept + own, plugin, text);
        type->row_count = line->count;
        type->own_rows = (uint16_t)source->row_count;
    }
    return type;
}

static void describe(struct inst_type *type, struct type_line *line,
                     const struct library_type *source) {
    type->id = line->id;
    type->line = line;
    type->library = source->library;
    type->source = source;
    type->generation = source->library->generation;
    type->own_thread = source->note->own_thread;
    type->plain_state = source->note->plain_state;
    type->writes_older = source->note->writes_older;
    type->state_size = source->state_size;
    type->config = source->note->config;
    type->config_offset = source->config ? source->config->value : 0;
    type->state_version = source->state_version;
    type->state_min = source->state_min;
}

static struct inst_type *make(struct proc *proc, const struct plan_type *plan_type,
                              const struct library_type *source) {
    struct type_line *line = find_line(proc, source->note->id);
    line = line ? line : make_line(proc, source->note->id);
    uint16_t *numbers = line ? number_rows(proc, line, source) : NULL;
    struct inst_type *type = numbers ? allocate(line, source, numbers) : NULL;
    mem_free(numbers);
    if (!type || keep(proc, type) < 0) {
        mem_free(type);
        return NULL;
    }
    describe(type, line, source);
    fill_rows(proc, type, plan_type);
    pick_hooks(type);
    index_handlers(type);
    return type;
}

int proc_add_type(struct proc *proc, const struct plan_type *plan_type,
                  const struct library_type *source, const struct inst_type **ret,
                  struct err *err) {
    struct inst_type *type = make(proc, plan_type, source);
    if (!type) {
        return err_set(err, ERR_NOMEM, "actor type '%s'", source->note->id);
    }
    if (!type_current(type->line)) {
        type_make_current(type->line, type);
    }
    *ret = type;
    return 0;
}

int proc_link_type(struct proc *proc, const struct inst_type *made, struct err *err) {
    struct inst_type *type = (struct inst_type *)(uintptr_t)made; /* not in use yet */
    for (uint16_t i = 0; i < type->own_rows; i++) {
        struct inst_row *row = &type->rows[inst_type_number(type, i)];
        if (row->kind != TROUPE_ROW_child || row->child) {
            continue;
        }
        const char *id = type->source->rows[i].type;
        row->child = find_line(proc, id);
        if (!row->child) {
            return err_set(err, ERR_NOT_FOUND, "actor type '%s' spawns '%s', which no plugin has",
                           type->id, id);
        }
    }
    return 0;
}

int proc_link_types(struct proc *proc, struct err *err) {
    for (uint32_t t = 0; t < proc->type_count; t++) {
        if (proc_link_type(proc, proc->inst_types[t], err) < 0) {
            return -1;
        }
    }
    return 0;
}

const struct inst_type *proc_find_type(struct proc *proc, const char *id) {
    const struct type_line *line = find_line(proc, id);
    return line ? type_current(line) : NULL;
}

void type_make_current(struct type_line *line, const struct inst_type *type) {
    /* release: who spawns one sees the whole type */
    atomic_store_explicit(&line->current, type, memory_order_release);
}

/* Nothing points into its code any more, not even freed memory: an audit would find it (RL-5). */
static void forget_code(struct inst_type *type) {
    for (uint16_t row = 0; row < type->row_count; row++) {
        explicit_bzero(&type->rows[row].run, sizeof type->rows[row].run);
    }
}

void type_retire(struct proc *proc, const struct inst_type *retired) {
    struct inst_type *type = (struct inst_type *)(uintptr_t)retired;
    pthread_mutex_lock(&proc->lock);
    uint32_t at = 0;
    while (proc->inst_types[at] != type) {
        at++;
        assert(at < proc->type_count);
    }
    proc->inst_types[at] = proc->inst_types[--proc->type_count];
    pthread_mutex_unlock(&proc->lock);
    forget_code(type);
    looks_give_up(proc, &type->block);
}

static const struct inst_type *find_of(struct proc *proc, const struct library *library,
                                       uint32_t *at) {
    const struct inst_type *found = NULL;
    pthread_mutex_lock(&proc->lock);
    for (; *at < proc->type_count && !found; ++*at) {
        found = proc->inst_types[*at]->library == library ? proc->inst_types[*at] : NULL;
    }
    pthread_mutex_unlock(&proc->lock);
    return found;
}

bool types_retire_of(struct proc *proc, const struct library *library) {
    const struct inst_type *type;
    for (uint32_t at = 0; (type = find_of(proc, library, &at));) {
        if (swap_refers(proc, type)) {
            return false;
        }
    }
    for (uint32_t at = 0; (type = find_of(proc, library, &at)); at = 0) {
        type_retire(proc, type);
    }
    return true;
}

void types_free(struct proc *proc) {
    for (uint32_t t = 0; t < proc->type_count; t++) {
        forget_code(proc->inst_types[t]);
        mem_free(proc->inst_types[t]);
    }
    mem_free(proc->inst_types);
    proc->inst_types = NULL;
    proc->type_count = 0;
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&proc->type_lines, &at));) {
        struct type_line *line = entry->value;
        swap_fini(&line->swap);
        mem_free(line->names);
        mem_free(line->id);
        mem_free(line);
    }
}
