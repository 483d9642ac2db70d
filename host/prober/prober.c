/* Loads a plugin file, tries it on states, lets it go; says step by step where it is. */
#include "prober/prober.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/image_file.h"
#include "plugin/saved.h"

struct trial {
    struct sheet *sheet;
    struct sheet_reader reader;
    struct library *library;
    struct troupe_host host;
    struct trial_turn turn;
    uint32_t state; /* number of the next, through all types */
};

/* A type's part of the sheet. */
struct trial_type {
    const struct library_type *type;
    uint32_t version_back;
    bool stays;
};

static void begin(struct trial *t, enum sheet_step step) {
    atomic_store(&t->sheet->step, step);
}

/* What it was at failed. */
static int refuse(struct trial *t, const char *text) {
    (void)snprintf(t->sheet->text, sizeof t->sheet->text, "%s", text);
    atomic_store(&t->sheet->failed_at, atomic_load(&t->sheet->step));
    begin(t, SHEET_REFUSED);
    return -1;
}

static int judge(struct trial *t, int32_t status) {
    if (status >= 0 && !t->turn.failed) {
        return 0;
    }
    return refuse(t, t->turn.failed ? t->turn.text : troupe_status_text(status));
}

/* --- one state --- */

static int run_load(struct trial *t, const struct library_type *type, void *state,
                    struct troupe_loader *loader) {
    atomic_store(&t->sheet->state, t->state);
    begin(t, SHEET_LOAD);
    return judge(t, type->load->run(&t->turn.turn, state, loader));
}

static int run_save(struct trial *t, const struct trial_type *of, void *state) {
    struct troupe_saver saver = {.version = of->version_back};
    str_init(&saver.bytes);
    begin(t, SHEET_SAVE);
    int32_t status = of->type->save->run(&t->turn.turn, state, &saver);
    status = status >= 0 && saver.bytes.failed ? TROUPE_NO_MEMORY : status;
    str_fini(&saver.bytes);
    return judge(t, status);
}

/* Its config, where it has one: -1: it is of another shape than the file's. */
static int read_config(struct trial *t, const struct library_type *type, char *state,
                       struct heap *texts) {
    if (sheet_number(&t->reader) == 0) {
        return 0;
    }
    if (!type->config) {
        return -1;
    }
    uint64_t offset = type->config->value;
    return sheet_read_config(&t->reader, type->note->config, state + offset,
                             type->state_size - offset, texts);
}

static int try_state(struct trial *t, const struct trial_type *of, struct heap *texts) {
    uint64_t name_size;
    const char *name = sheet_bytes(&t->reader, &name_size);
    uint64_t uid = sheet_number(&t->reader);
    struct troupe_loader loader = {.goes_on = true};
    loader.version = (uint32_t)sheet_number(&t->reader);
    loader.data = sheet_bytes(&t->reader, &loader.size);
    char *state = mem_aligned(sizeof(max_align_t), of->type->state_size);
    trial_begin(&t->turn, uid, troupe_str_n(name, name_size));
    int status = 0;
    if (!state || read_config(t, of->type, state, texts) < 0) {
        status = refuse(t, "a state could not be read");
    } else if (!of->stays && of->type->load) {
        status = run_load(t, of->type, state, &loader);
        if (status == 0 && of->version_back && of->type->save) {
            status = run_save(t, of, state);
        }
    }
    mem_free(state);
    t->state++;
    return status;
}

/* --- all --- */

static int try_states(struct trial *t, const struct trial_type *of) {
    int status = 0;
    for (uint64_t count = sheet_number(&t->reader); status == 0 && count > 0; count--) {
        struct heap texts;
        heap_init(&texts, 0);
        status = try_state(t, of, &texts);
        heap_fini(&texts);
    }
    return status;
}

static int try_type(struct trial *t) {
    char id[256];
    uint64_t size;
    const char *bytes = sheet_bytes(&t->reader, &size);
    (void)snprintf(id, sizeof id, "%.*s", (int)size, bytes);
    struct trial_type of = {.type = library_find_type(t->library, id)};
    of.version_back = (uint32_t)sheet_number(&t->reader);
    uint64_t state_size = sheet_number(&t->reader);
    uint64_t config_offset = sheet_number(&t->reader);
    if (!of.type || t->reader.failed) {
        return refuse(t, "an actor type of the sheet is not in the file");
    }
    of.stays = state_size == of.type->state_size &&
               config_offset == (of.type->config ? of.type->config->value : 0);
    return try_states(t, &of);
}

static int try_all(struct trial *t) {
    int status = 0;
    for (uint64_t count = sheet_number(&t->reader); status == 0 && count > 0; count--) {
        status = try_type(t);
    }
    return status == 0 && t->reader.failed ? refuse(t, "the sheet is malformed") : status;
}

static int stage(struct trial *t, const char *path, const char *original, struct err *err) {
    uint8_t *bytes;
    size_t size;
    struct image *image;
    if (image_file_read(path, &bytes, &size, err) < 0) {
        return -1;
    }
    int status = image_parse(original, bytes, size, &image, err);
    mem_free(bytes);
    if (status < 0) {
        return -1;
    }
    if (library_stage_there(image, path, &t->library, err) < 0) {
        image_destroy(image);
        return -1;
    }
    return 0;
}

/* Without the file's name in front, which who reads it puts there. */
static int refuse_file(struct trial *t, const char *original, const struct err *err) {
    char front[sizeof err->text];
    int size = snprintf(front, sizeof front, "plugin file '%s': ", original);
    bool is_there = strncmp(err->text, front, strlen(front)) == 0;
    return refuse(t, err->text + (is_there ? size : 0));
}

static int load(struct trial *t, const char *path, const char *original) {
    struct err err = {0};
    begin(t, SHEET_MAP);
    if (stage(t, path, original, &err) < 0 || library_map(t->library, &err) < 0) {
        return refuse_file(t, original, &err);
    }
    begin(t, SHEET_INIT);
    if (library_init(t->library, &t->host, &err) < 0) {
        return refuse_file(t, original, &err);
    }
    return 0;
}

void prober_run(struct sheet *sheet, const uint8_t *data, const char *path, const char *original) {
    struct trial t = {.sheet = sheet, .reader = {.at = data, .end = data + sheet->size}};
    trial_host(&t.host);
    trial_init(&t.turn, &t.host);
    int status = load(&t, path, original);
    status = status < 0 ? status : try_all(&t);
    trial_fini(&t.turn);
    if (status == 0) {
        begin(&t, SHEET_FINI);
        library_unref(t.library);
        begin(&t, SHEET_PASSED);
    }
}
