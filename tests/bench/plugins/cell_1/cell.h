/* bench.Cell: an actor with so much state, which all goes along when it goes over to another version; it passes on
 * what it gets. CELL_VERSION says which version this is. */
#include <troupe/troupe.h>

#define BENCH_STAMP(F) F(u64, key) F(u64, sent_ns)
TROUPE_MESSAGE(bench_stamp, "bench.stamp/1", BENCH_STAMP);

#define CELL_CONFIG(C) C(size, bytes, "1KiB", "of state")
TROUPE_CONFIG(cell_config, CELL_CONFIG);

struct cell {
    struct cell_config config;
    unsigned char *bytes;
    uint64_t version;
};

#define CELL(P)                                                                                    \
    P(config, cell, cell_config)                                                                   \
    P(in, cell, stamp, bench_stamp)                                                                \
    P(out, cell, stamped, bench_stamp)                                                             \
    P(init, cell)                                                                                  \
    P(save, cell, 1, 1)                                                                            \
    P(load, cell)
TROUPE_ACTOR(cell, "bench.Cell", CELL);

static int cell_init(struct troupe_turn *t, struct cell *self) {
    self->version = CELL_VERSION;
    self->bytes = t->host->alloc(t, (uint64_t)self->config.bytes);
    return self->bytes ? TROUPE_OK : TROUPE_NO_MEMORY;
}

static int cell_on_stamp(struct troupe_turn *t, struct cell *self,
                         const struct bench_stamp *stamp) {
    self->bytes[stamp->sent_ns % (uint64_t)self->config.bytes]++;
    return cell_send_stamped(t, stamp);
}

static int cell_save(struct troupe_turn *t, const struct cell *self, struct troupe_saver *saver) {
    return t->host->save_write(saver, self->bytes, (uint64_t)self->config.bytes);
}

static int cell_load(struct troupe_turn *t, struct cell *self, struct troupe_loader *loader) {
    int status = cell_init(t, self);
    return status < 0 ? status
                      : t->host->load_read(loader, self->bytes, (uint64_t)self->config.bytes);
}
