// The shapes for the C++ Actor Framework: one shape once, in a fresh process, figures as bench_shapes
// prints them. Written for CAF 0.17, which Debian 12 has.
//
// usage: bench_caf SHAPE [WORKERS [COUNT]]; by its default scheduler (stealing), or with
// TROUPE_BENCH_CAF_POLICY=sharing by its other one. Actors are event-based and hidden (not counted by
// the registry), children start lazily: the cheapest there is.
#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <caf/all.hpp>

namespace {

constexpr uint64_t ns_per_s = 1000000000;
constexpr uint64_t burst = 1000;

using ping_atom = caf::atom_constant<caf::atom("ping")>;
using pong_atom = caf::atom_constant<caf::atom("pong")>;
using next_atom = caf::atom_constant<caf::atom("next")>;
using more_atom = caf::atom_constant<caf::atom("more")>;
using done_atom = caf::atom_constant<caf::atom("done")>;
using job_atom = caf::atom_constant<caf::atom("job")>;

uint64_t now_ns() {
    timespec t{};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return uint64_t(t.tv_sec) * ns_per_s + uint64_t(t.tv_nsec);
}

double cpu_seconds() {
    rusage usage{};
    (void)getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

uint64_t resident_bytes() {
    unsigned long long size = 0;
    unsigned long long resident = 0;
    if (FILE *file = fopen("/proc/self/statm", "re")) {
        if (fscanf(file, "%llu %llu", &size, &resident) != 2) {
            resident = 0;
        }
        (void)fclose(file);
    }
    return resident * uint64_t(sysconf(_SC_PAGESIZE));
}

const char *shape;
unsigned workers = 1;

void print(const char *name, double value) {
    (void)printf("%s %u %s %.6g\n", shape, workers, name, value);
}

// The end of the measured time, told by an actor.
struct finish {
    std::promise<uint64_t> promise;
    uint64_t wait() {
        return promise.get_future().get();
    }
    void now() {
        promise.set_value(now_ns());
    }
};

// --- one ball: ping-pong, ring, apart ---

class player : public caf::event_based_actor {
  public:
    player(caf::actor_config &config, finish *end) : event_based_actor(config), end_(end) {
    }
    caf::behavior make_behavior() override {
        return {[this](next_atom, const caf::actor &next) { next_ = next; },
                [this](uint64_t left) {
                    if (left > 1) {
                        send(next_, left - 1);
                    } else {
                        end_->now();
                    }
                },
                [this](done_atom) {
                    next_ = nullptr; // the circle would keep itself alive
                    quit();
                }};
    }

  private:
    finish *end_;
    caf::actor next_;
};

template <caf::spawn_options Options>
uint64_t play(caf::actor_system &system, int count, uint64_t hits) {
    finish end;
    std::vector<caf::actor> players;
    for (int i = 0; i < count; i++) {
        players.push_back(system.spawn<player, Options>(&end));
    }
    for (int i = 0; i < count; i++) {
        caf::anon_send(players[i], next_atom::value, players[(i + 1) % count]);
    }
    uint64_t begin = now_ns();
    caf::anon_send(players[0], hits);
    uint64_t ns = end.wait() - begin;
    for (auto &p : players) {
        caf::anon_send(p, done_atom::value);
    }
    return ns;
}

// --- many to one: count, fan-in ---

class counter : public caf::event_based_actor {
  public:
    counter(caf::actor_config &config, finish *end, uint64_t expect)
        : event_based_actor(config), end_(end), left_(expect) {
    }
    caf::behavior make_behavior() override {
        return {[this](uint64_t number) {
            sum_ += number;
            if (--left_ == 0) {
                end_->now();
                quit();
            }
        }};
    }

  private:
    finish *end_;
    uint64_t left_;
    uint64_t sum_ = 0;
};

// Makes way each 1000 messages by a message to itself.
class source : public caf::event_based_actor {
  public:
    source(caf::actor_config &config, const caf::actor &counter, uint64_t count)
        : event_based_actor(config), counter_(counter), left_(count) {
    }
    caf::behavior make_behavior() override {
        return {[this](more_atom) {
            for (uint64_t i = 0; i < burst && left_ > 0; i++) {
                send(counter_, left_--);
            }
            if (left_ > 0) {
                send(this, more_atom::value);
            } else {
                quit();
            }
        }};
    }

  private:
    caf::actor counter_;
    uint64_t left_;
};

uint64_t flow(caf::actor_system &system, int sources, uint64_t each) {
    finish end;
    auto sink = system.spawn<counter, caf::hidden>(&end, each * uint64_t(sources));
    uint64_t begin = now_ns();
    for (int i = 0; i < sources; i++) {
        caf::anon_send(system.spawn<source, caf::hidden>(sink, each), more_atom::value);
    }
    return end.wait() - begin;
}

// --- a hundred play ping with others at random: big ---

struct crowd {
    std::vector<caf::actor> members;
    std::atomic<unsigned> running{0};
    finish end;
};

class peer : public caf::event_based_actor {
  public:
    peer(caf::actor_config &config, crowd *all, unsigned own, uint64_t pings)
        : event_based_actor(config), all_(all), own_(own), left_(pings), random_(own + 1) {
    }
    caf::behavior make_behavior() override {
        return {[this](more_atom) { serve(); },
                [this](ping_atom, unsigned from) { send(all_->members[from], pong_atom::value); },
                [this](pong_atom) {
                    if (--left_ > 0) {
                        serve();
                    } else if (--all_->running == 0) {
                        all_->end.now();
                    }
                },
                [this](done_atom) { quit(); }};
    }

  private:
    void serve() {
        unsigned to;
        do {
            random_ = random_ * 6364136223846793005u + 1442695040888963407u;
            to = unsigned((random_ >> 33) % all_->members.size());
        } while (to == own_);
        send(all_->members[to], ping_atom::value, own_);
    }

    crowd *all_;
    unsigned own_;
    uint64_t left_, random_;
};

uint64_t big(caf::actor_system &system, uint64_t pings) {
    crowd all;
    all.running = 100;
    for (unsigned i = 0; i < 100; i++) {
        all.members.push_back(system.spawn<peer, caf::hidden>(&all, i, pings));
    }
    uint64_t begin = now_ns();
    for (auto &p : all.members) {
        caf::anon_send(p, more_atom::value);
    }
    uint64_t ns = all.end.wait() - begin;
    for (auto &p : all.members) {
        caf::anon_send(p, done_atom::value);
    }
    system.await_all_actors_done();
    return ns;
}

// --- start, a message, end, its parent hears of it: spawn; or it stays: idle ---

class child : public caf::event_based_actor {
  public:
    child(caf::actor_config &config, const caf::actor &parent, bool stay)
        : event_based_actor(config), parent_(parent), stay_(stay) {
    }
    caf::behavior make_behavior() override {
        return {[this](job_atom) {
            send(parent_, done_atom::value); // less than a monitor does
            if (!stay_) {
                quit();
            }
        }};
    }

  private:
    caf::actor parent_;
    bool stay_;
};

class spawner : public caf::event_based_actor {
  public:
    spawner(caf::actor_config &config, finish *end, uint64_t count, uint64_t at_once,
            std::vector<caf::actor> *keep)
        : event_based_actor(config), end_(end), left_(count), running_(count), at_once_(at_once),
          keep_(keep) {
    }
    caf::behavior make_behavior() override {
        return {[this](more_atom) { spawn_some(); },
                [this](done_atom) {
                    if (--running_ == 0) {
                        end_->now();
                        quit();
                    }
                }};
    }

  private:
    void spawn_some() {
        caf::actor self = caf::actor_cast<caf::actor>(this);
        for (uint64_t i = 0; i < at_once_ && left_ > 0; i++, left_--) {
            auto one = spawn<child, caf::hidden + caf::lazy_init>(self, keep_ != nullptr);
            send(one, job_atom::value);
            if (keep_) {
                keep_->push_back(std::move(one));
            }
        }
        if (left_ > 0) {
            send(this, more_atom::value);
        }
    }

    finish *end_;
    uint64_t left_, running_, at_once_;
    std::vector<caf::actor> *keep_;
};

uint64_t spawn_all(caf::actor_system &system, uint64_t count, uint64_t at_once,
                   std::vector<caf::actor> *keep) {
    finish end;
    auto one = system.spawn<spawner, caf::hidden>(&end, count, at_once, keep);
    uint64_t begin = now_ns();
    caf::anon_send(one, more_atom::value);
    return end.wait() - begin;
}

void idle(caf::actor_system &system, uint64_t count) {
    std::vector<caf::actor> all;
    all.reserve(count);
    uint64_t before = resident_bytes();
    (void)spawn_all(system, count, burst, &all);
    print("bytes", double(resident_bytes() - before) / double(count));
    // They end with the process: each would be sent an exit else, which is not measured.
    (void)fflush(stdout);
}

// --- a thread outside sends each so many milliseconds: wake ---

class listener : public caf::event_based_actor {
  public:
    listener(caf::actor_config &config, finish *end, std::vector<uint64_t> *delays, uint64_t expect)
        : event_based_actor(config), end_(end), delays_(delays), expect_(expect) {
    }
    caf::behavior make_behavior() override {
        return {[this](uint64_t sent_ns) {
            delays_->push_back(now_ns() - sent_ns);
            if (delays_->size() == expect_) {
                end_->now();
                quit();
            }
        }};
    }

  private:
    finish *end_;
    std::vector<uint64_t> *delays_;
    uint64_t expect_;
};

void wake(caf::actor_system &system, uint64_t count, uint64_t period_ns) {
    finish end;
    std::vector<uint64_t> delays;
    delays.reserve(count);
    auto one = system.spawn<listener, caf::hidden>(&end, &delays, count);
    uint64_t due = now_ns() + ns_per_s / 10;
    for (uint64_t i = 0; i < count; i++) {
        due += period_ns;
        timespec at{time_t(due / ns_per_s), long(due % ns_per_s)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
        }
        caf::anon_send(one, now_ns());
    }
    (void)end.wait();
    std::sort(delays.begin(), delays.end());
    print("p50_us", double(delays[count / 2]) / 1e3);
    print("p99_us", double(delays[count * 99 / 100]) / 1e3);
}

// --- ---

struct {
    const char *name;
    uint64_t count;
} const shapes[] = {{"ping-pong", 500000}, {"count", 2000000},       {"fan-in", 250000},
                    {"ring", 2000000},     {"big", 10000},           {"spawn", 100000},
                    {"idle", 1000000},     {"wake", 2000},           {"wake-asleep", 500},
                    {"apart", 50000},      {"spawn-at-once", 100000}};

void print_rate(uint64_t messages, uint64_t ns) {
    print("per_s", double(messages) * 1e9 / double(ns));
}

void print_trip(uint64_t hits, uint64_t ns) {
    print("ns", double(ns) * 2 / double(hits));
}

void run(caf::actor_system &system, const std::string &name, uint64_t count) {
    if (name == "ping-pong") {
        print_trip(count, play<caf::hidden>(system, 2, count));
    } else if (name == "apart") {
        print_trip(count, play<caf::hidden + caf::detached>(system, 2, count));
    } else if (name == "ring") {
        print_rate(count, play<caf::hidden>(system, 1000, count));
    } else if (name == "count") {
        print_rate(count, flow(system, 1, count));
    } else if (name == "fan-in") {
        print_rate(8 * count, flow(system, 8, count));
    } else if (name == "big") {
        print_rate(200 * count, big(system, count));
    } else if (name == "spawn") {
        print_rate(count, spawn_all(system, count, burst, nullptr));
    } else if (name == "spawn-at-once") {
        print_rate(count, spawn_all(system, count, count, nullptr));
    } else if (name == "idle") {
        idle(system, count);
    } else {
        wake(system, count, ns_per_s / (name == "wake" ? 1000 : 100));
    }
}

} // namespace

int main(int argc, char **argv) {
    uint64_t count = 0;
    for (auto &each : shapes) {
        if (argc > 1 && strcmp(argv[1], each.name) == 0) {
            count = each.count;
        }
    }
    if (count == 0) {
        (void)fprintf(stderr, "usage: bench_caf SHAPE [WORKERS [COUNT]]; shapes:");
        for (auto &each : shapes) {
            (void)fprintf(stderr, " %s", each.name);
        }
        (void)fprintf(stderr, "\n");
        return 2;
    }
    shape = argv[1];
    workers = argc > 2 ? unsigned(strtoul(argv[2], nullptr, 10)) : 1;
    count = argc > 3 ? strtoull(argv[3], nullptr, 10) : count;
    const char *policy = getenv("TROUPE_BENCH_CAF_POLICY");
    caf::actor_system_config config;
    config.set("scheduler.max-threads", size_t(workers));
    config.set("scheduler.policy", policy && strcmp(policy, "sharing") == 0
                                       ? caf::atom("sharing")
                                       : caf::atom("stealing"));
    caf::actor_system system{config};
    double cpu = cpu_seconds();
    uint64_t begin = now_ns();
    run(system, shape, count);
    print("cpu", (cpu_seconds() - cpu) * 1e9 / double(now_ns() - begin));
    rusage usage{};
    (void)getrusage(RUSAGE_SELF, &usage);
    print("rss_kb", double(usage.ru_maxrss));
    (void)fflush(stdout);
    // What still lives ends with the process: taking a million idle actors down is not measured.
    _exit(0);
}
