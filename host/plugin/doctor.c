/* Looks a plugin file over; see doctor.h. */
#include "plugin/doctor.h"

#include <stdarg.h>
#include <string.h>

#include <troupe/plugin.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plugin/unload.h"

const char *doctor_kind_text(enum doctor_kind kind) {
    static const char *const texts[] = {
#define DOCTOR_KIND_TEXT(name, text) [DOCTOR_##name] = text,
        DOCTOR_KINDS(DOCTOR_KIND_TEXT)
#undef DOCTOR_KIND_TEXT
    };
    return texts[kind];
}

/* A finding's unchanging parts. */
struct ailment {
    enum doctor_kind kind;
    const char *id;
    const char *why, *cure;
};

__attribute__((format(printf, 3, 4))) static void
add(struct doctor *doctor, const struct ailment *ailment, const char *format, ...) {
    struct doctor_finding *items =
        mem_resize(doctor->items, (doctor->count + 1) * sizeof *doctor->items);
    struct str what;
    va_list args;
    str_init(&what);
    va_start(args, format);
    str_addv(&what, format, args);
    va_end(args);
    doctor->items = items ? items : doctor->items;
    char *text = str_take(&what);
    if (!items || !text) {
        mem_free(text);
        doctor->failed = true;
        return;
    }
    items[doctor->count++] =
        (struct doctor_finding){ailment->kind, ailment->id, text, ailment->why, ailment->cure};
    doctor->counts[ailment->kind]++;
}

/* --- unloading --- */

static void look_at_imports(const struct image *image, struct doctor *doctor) {
    for (char **import = image->imports; *import; import++) {
        const struct unload_risk *risk = unload_find_risk(*import);
        if (risk) {
            struct ailment ailment = {DOCTOR_UNLOAD, "import", risk->why, risk->cure};
            add(doctor, &ailment, "imports %s", *import);
        }
    }
}

static void look_at_symbols(const struct image *image, struct doctor *doctor) {
    static const struct ailment unique = {
        DOCTOR_UNLOAD, "unique",
        "The dynamic linker keeps such a file for good, and the next version goes on with the "
        "variables of this one.",
        "Compile with -fno-gnu-unique, or with -fvisibility=hidden."};
    static const struct ailment nodelete = {DOCTOR_UNLOAD, "nodelete",
                                            "The dynamic linker keeps such a file for good.",
                                            "Link without -z nodelete."};
    if (image->has_unique_symbols) {
        add(doctor, &unique, "has symbols that are unique in the process");
    }
    if (image->is_nodelete) {
        add(doctor, &nodelete, "was linked with -z nodelete");
    }
}

/* --- reloading --- */

static bool has_row(const struct note_actor *actor, uint32_t kind) {
    for (size_t i = 0; i < actor->row_count; i++) {
        if (actor->rows[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool saves(const struct note_actor *actor) {
    return has_row(actor, TROUPE_ROW_save) && has_row(actor, TROUPE_ROW_load);
}

static void look_at_state(const struct note_actor *actor, struct doctor *doctor) {
    static const struct ailment fixed = {
        DOCTOR_RELOAD, "state",
        "The state of its actors can't be carried over, so a reload is refused.",
        "Give it P(save, NAME, VERSION) and P(load, NAME); or P(option, NAME, plain_state), when "
        "its state holds no pointers into the plugin and keeps its layout."};
    if (!saves(actor) && !actor->plain_state) {
        add(doctor, &fixed, "actor type '%s' has not both save and load, nor plain_state",
            actor->id);
    }
}

/* --- advice --- */

static void look_at_way_back(const struct note_actor *actor, struct doctor *doctor) {
    static const struct ailment one_way = {
        DOCTOR_ADVICE, "one-way",
        "When its actors have gone over to another state version, a reload can't take them back "
        "with what they did since.",
        "Give it P(option, NAME, writes_older), and write the version that save_version says."};
    if (saves(actor) && !actor->writes_older && actor->state_min < actor->state_version) {
        add(doctor, &one_way,
            "actor type '%s' reads states of versions %u to %u, but writes only %u", actor->id,
            actor->state_min, actor->state_version, actor->state_version);
    }
}

/* Libraries that no deployment replaces while it runs. */
static bool is_of_system(const char *library) {
    static const char *const known[] = {
        "libc.so.",  "libm.so.",     "libpthread.so.", "libdl.so.",     "librt.so.",
        "ld-linux",  "libgcc_s.so.", "libstdc++.so.",  "libresolv.so.", "libatomic.so.1",
        "libc.musl", "libasan.so.",  "libubsan.so.",   "libtsan.so.",   "liblsan.so."};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncmp(library, known[i], strlen(known[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_libraries(const struct image *image, struct doctor *doctor) {
    static const struct ailment soname = {
        DOCTOR_ADVICE, "soname",
        "Who asks the dynamic linker for that name gets the version that was loaded first.",
        "Link without -soname: a plugin is found by its path."};
    static const struct ailment needed = {
        DOCTOR_ADVICE, "needed",
        "It is loaded once: when its file changes, reloads of the plugin go on with the old one.",
        "Link it statically into the plugin, if it changes with it."};
    if (image->soname) {
        add(doctor, &soname, "has the SONAME %s", image->soname);
    }
    for (char **library = image->needed; *library; library++) {
        if (!is_of_system(*library)) {
            add(doctor, &needed, "needs %s", *library);
        }
    }
}

static void look_at_linking(const struct image *image, struct doctor *doctor) {
    static const struct ailment relro = {
        DOCTOR_ADVICE, "relro",
        "Its tables of functions stay writable, so that a stray write may redirect its calls.",
        "Link with -Wl,-z,relro,-z,now."};
    static const struct ailment stripped = {
        DOCTOR_ADVICE, "stripped", "Backtraces of its faults have no names of functions and lines.",
        "Compile with -g, and do not strip it."};
    static const struct ailment build_id = {
        DOCTOR_ADVICE, "build-id",
        "Generations, crash reports and debug files can't be told apart by it.",
        "Link with -Wl,--build-id."};
    static const struct ailment thread_locals = {
        DOCTOR_ADVICE, "thread-local",
        "An actor may run on another thread at each turn, and finds other values there.",
        "Keep what belongs to an actor in its state."};
    if (!image->has_relro || !image->binds_now) {
        add(doctor, &relro, "was linked without %s",
            image->has_relro   ? "-z now"
            : image->binds_now ? "-z relro"
                               : "-z relro and -z now");
    }
    if (image->is_stripped) {
        add(doctor, &stripped, "is stripped");
    }
    if (!image->build_id[0]) {
        add(doctor, &build_id, "has no build-id");
    }
    if (image->has_thread_locals) {
        add(doctor, &thread_locals, "has thread-local variables");
    }
}

static void look_at_exit(const struct image *image, struct doctor *doctor) {
    static const struct ailment exit = {
        DOCTOR_ADVICE, "atexit",
        "Its function runs while the file is being unmapped, or when the process ends.",
        "Use P(cleanup, NAME) for an actor, fini of TROUPE_PLUGIN_HOOKS for the plugin."};
    for (char **import = image->imports; *import; import++) {
        if (strcmp(*import, "__cxa_atexit") == 0 || strcmp(*import, "atexit") == 0) {
            add(doctor, &exit, "imports %s", *import);
        }
    }
}

void doctor_look(const struct image *image, struct doctor *ret) {
    *ret = (struct doctor){0};
    look_at_imports(image, ret);
    look_at_symbols(image, ret);
    for (size_t i = 0; i < image->note->actor_count; i++) {
        look_at_state(&image->note->actors[i], ret);
    }
    for (size_t i = 0; i < image->note->actor_count; i++) {
        look_at_way_back(&image->note->actors[i], ret);
    }
    look_at_libraries(image, ret);
    look_at_exit(image, ret);
    look_at_linking(image, ret);
}

void doctor_fini(struct doctor *doctor) {
    for (size_t i = 0; i < doctor->count; i++) {
        mem_free(doctor->items[i].what);
    }
    mem_free(doctor->items);
}
