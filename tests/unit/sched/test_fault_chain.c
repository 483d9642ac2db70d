/* F-3: an embedding program's handlers get every fault that is outside of a call, as if nothing stood
 * before them; whoever installs one later keeps it. Each case is a process of its own. */
#include "unit/sched/faulty.h"

static char *volatile bad = (char *)0x20;
static volatile sig_atomic_t called, blocked_own, blocked_other;

static void look(int signal) {
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    called++;
    blocked_own = sigismember(&mask, signal);
    blocked_other = sigismember(&mask, SIGUSR1);
}

static void on_plain(int signal) {
    look(signal);
}

static siginfo_t seen;

static void on_info(int signal, siginfo_t *info, void *context) {
    CHECK(context);
    seen = *info;
    look(signal);
}

static void handle(int signal, void (*plain)(int), int flags) {
    struct sigaction action = {.sa_handler = plain, .sa_flags = flags};
    (void)sigaddset(&action.sa_mask, SIGUSR1);
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static void handle_info(int signal, void (*function)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = function, .sa_flags = SA_SIGINFO | flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

/* The contained fault in between shows that ours is there all the time. */
static void contain_one(void) {
    fault_thread_enter(&thread);
    CHECK(fault_call(NULL, NULL, NULL, find_kind("null")->run, &thread) == FAULT_STATUS);
    fault_thread_leave(&thread);
}

static bool is_blocked(int signal) {
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, signal);
}

/* Runs a case; wants it to leave with 0, and to say nothing. */
static void check(void (*body)(const void *arg)) {
    char text[4096];
    skip_where_not_contained();
    int status = run_child(body, NULL, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(status, 0);
}

static void check_dies(void (*body)(const void *arg), int signal, const char *words) {
    char text[4096];
    skip_where_not_contained();
    int status = run_child(body, NULL, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal);
    if (words) {
        assert_non_null(strstr(text, words));
    } else {
        assert_string_equal(text, "");
    }
}

static void body_plain(const void *arg) {
    (void)arg;
    handle(SIGABRT, on_plain, 0);
    prepare();
    (void)raise(SIGABRT);
    CHECK(called == 1);
    CHECK(blocked_own && blocked_other);
    CHECK(!is_blocked(SIGABRT) && !is_blocked(SIGUSR1));
    contain_one();
    CHECK(called == 1);
    clean_up();
    (void)raise(SIGABRT);
    CHECK(called == 2);
}

static void test_f3_plain_handler_is_called_with_its_mask(void **state) {
    (void)state;
    check(body_plain);
}

static void body_info(const void *arg) {
    (void)arg;
    union sigval value = {.sival_int = 42};
    handle_info(SIGBUS, on_info, 0);
    prepare();
    CHECK(pthread_sigqueue(pthread_self(), SIGBUS, value) == 0);
    CHECK(called == 1);
    CHECK(seen.si_code == SI_QUEUE && seen.si_value.sival_int == 42);
    CHECK(blocked_own && !blocked_other);
    clean_up();
}

static void test_f3_handler_with_information_gets_it(void **state) {
    (void)state;
    check(body_info);
}

static void body_nodefer(const void *arg) {
    (void)arg;
    handle(SIGFPE, on_plain, SA_NODEFER);
    prepare();
    (void)raise(SIGFPE);
    CHECK(called == 1);
    CHECK(!blocked_own && blocked_other);
    clean_up();
}

static void test_f3_nodefer_is_kept(void **state) {
    (void)state;
    check(body_nodefer);
}

static void body_reset(const void *arg) {
    (void)arg;
    struct sigaction after;
    handle(SIGILL, on_plain, SA_RESETHAND);
    prepare();
    (void)raise(SIGILL);
    CHECK(called == 1);
    clean_up();
    CHECK(sigaction(SIGILL, NULL, &after) == 0);
    CHECK(after.sa_handler == SIG_DFL);
}

static void test_f3_handler_for_once_is_called_once(void **state) {
    (void)state;
    check(body_reset);
}

static void body_reset_twice(const void *arg) {
    (void)arg;
    handle(SIGILL, on_plain, SA_RESETHAND);
    prepare();
    (void)raise(SIGILL);
    (void)raise(SIGILL);
    CHECK(false);
}

static void test_f3_handler_for_once_leaves_the_second_to_the_system(void **state) {
    (void)state;
    check_dies(body_reset_twice, SIGILL, NULL);
}

static void body_ignored(const void *arg) {
    (void)arg;
    (void)signal(SIGSEGV, SIG_IGN);
    prepare();
    (void)raise(SIGSEGV);
    (void)kill(getpid(), SIGSEGV);
    contain_one();
    clean_up();
    (void)raise(SIGSEGV);
}

static void test_f3_ignored_signal_stays_ignored_when_it_is_sent(void **state) {
    (void)state;
    check(body_ignored);
}

static void body_ignored_fault(const void *arg) {
    (void)arg;
    (void)signal(SIGSEGV, SIG_IGN);
    prepare();
    *bad = 1;
}

static void test_f3_fault_cannot_be_ignored(void **state) {
    (void)state;
    check_dies(body_ignored_fault, SIGSEGV, "troupe: SIGSEGV at address 0x20\n");
}

static void body_default(const void *arg) {
    (void)arg;
    prepare();
    (void)kill(getpid(), SIGBUS);
}

static void test_f3_signal_that_was_sent_kills_without_a_word(void **state) {
    (void)state;
    check_dies(body_default, SIGBUS, NULL);
}

/* --- who comes later --- */

static struct sigaction ours;

/* As crash reporters do: does its own, then what was there before. */
static void on_top(int signal, siginfo_t *info, void *context) {
    called++;
    CHECK(called < 100);
    ours.sa_sigaction(signal, info, context);
}

static void cover(void) {
    struct sigaction action = {.sa_sigaction = on_top, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK(sigaction(SIGSEGV, &action, &ours) == 0);
}

static void body_on_top(const void *arg) {
    (void)arg;
    struct sigaction after;
    prepare();
    cover();
    contain_one();
    CHECK(called == 1);
    clean_up();
    CHECK(sigaction(SIGSEGV, NULL, &after) == 0);
    CHECK(after.sa_sigaction == on_top);
}

static void test_f3_handler_on_top_is_kept_and_may_pass_faults_on(void **state) {
    (void)state;
    check(body_on_top);
}

static void body_opened_again(const void *arg) {
    (void)arg;
    handle(SIGSEGV, on_plain, 0);
    prepare();
    cover();
    clean_up();
    prepare();
    contain_one();
    (void)raise(SIGSEGV); /* ours, the one on top, ours again, the plain one */
    CHECK(called == 2);
    clean_up();
    (void)raise(SIGSEGV);
    CHECK(called == 4);
}

static void test_f3_opened_again_under_one_that_passes_on_it_goes_round_once(void **state) {
    (void)state;
    check(body_opened_again);
}

static void body_put_back(const void *arg) {
    (void)arg;
    handle(SIGSEGV, on_plain, 0);
    prepare();
    cover();
    clean_up();
    CHECK(sigaction(SIGSEGV, &ours, NULL) == 0); /* nobody's by now, and left there */
    prepare();
    contain_one();
    (void)raise(SIGSEGV);
    CHECK(called == 1);
    clean_up();
    (void)raise(SIGSEGV);
    CHECK(called == 2);
}

static void test_f3_own_handler_put_back_late_does_not_call_itself(void **state) {
    (void)state;
    check(body_put_back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f3_plain_handler_is_called_with_its_mask),
        cmocka_unit_test(test_f3_handler_with_information_gets_it),
        cmocka_unit_test(test_f3_nodefer_is_kept),
        cmocka_unit_test(test_f3_handler_for_once_is_called_once),
        cmocka_unit_test(test_f3_handler_for_once_leaves_the_second_to_the_system),
        cmocka_unit_test(test_f3_ignored_signal_stays_ignored_when_it_is_sent),
        cmocka_unit_test(test_f3_fault_cannot_be_ignored),
        cmocka_unit_test(test_f3_signal_that_was_sent_kills_without_a_word),
        cmocka_unit_test(test_f3_handler_on_top_is_kept_and_may_pass_faults_on),
        cmocka_unit_test(test_f3_opened_again_under_one_that_passes_on_it_goes_round_once),
        cmocka_unit_test(test_f3_own_handler_put_back_late_does_not_call_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
