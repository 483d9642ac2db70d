/* File descriptors that a plugin has given to the host without having them watched (TM-3). */
#include <fcntl.h>
#include <unistd.h>

#include "actor/host_impl.h"
#include "base/alloc.h"

static int32_t *find(struct owned_fds *fds, int32_t fd) {
    for (uint32_t i = 0; i < fds->count; i++) {
        if (fds->items[i] == fd) {
            return &fds->items[i];
        }
    }
    return NULL;
}

static int grow(struct owned_fds *fds) {
    uint32_t room = fds->room ? 2 * fds->room : 4;
    int32_t *items = mem_resize(fds->items, room * sizeof *items);
    if (!items) {
        return -1;
    }
    fds->items = items;
    fds->room = room;
    return 0;
}

int32_t host_own_fd(struct troupe_turn *turn, int32_t fd) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    struct inst_memory *own = inst_memory(r->inst);
    if (fcntl(fd, F_GETFD) < 0) {
        return TROUPE_INVALID;
    }
    if (!own) {
        return TROUPE_NO_MEMORY;
    }
    if (find(&own->fds, fd)) {
        return TROUPE_OK;
    }
    if (own->fds.count == own->fds.room && grow(&own->fds) < 0) {
        return TROUPE_NO_MEMORY;
    }
    own->fds.items[own->fds.count++] = fd;
    return TROUPE_OK;
}

bool inst_disown_fd(struct inst *in, int32_t fd) {
    struct owned_fds *fds = inst_has_memory(in) ? &inst_has_memory(in)->fds : NULL;
    int32_t *item = fds ? find(fds, fd) : NULL;
    if (item) {
        *item = fds->items[--fds->count];
    }
    return item != NULL;
}

int32_t host_close_fd(struct troupe_turn *turn, int32_t fd) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    if (!inst_disown_fd(r->inst, fd)) {
        return TROUPE_INVALID;
    }
    (void)close(fd);
    return TROUPE_OK;
}

void owned_fds_end(struct owned_fds *fds) {
    for (uint32_t i = 0; i < fds->count; i++) {
        (void)close(fds->items[i]);
    }
    mem_free(fds->items);
    *fds = (struct owned_fds){NULL, 0, 0};
}
