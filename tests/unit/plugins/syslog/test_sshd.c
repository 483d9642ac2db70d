/* What is read out of the messages of an sshd. */
#include "syslog/sshd.h"

#include <stdio.h>
#include <string.h>

#include "lib/test.h"

static void assert_str(struct troupe_str actual, const char *expected) {
    char text[256];
    assert_true(actual.size < sizeof text);
    snprintf(text, sizeof text, "%.*s", TROUPE_STR_ARG(actual));
    assert_string_equal(text, expected);
}

static void assert_fact(const char *message, enum sshd_kind kind, const char *user,
                        const char *source) {
    struct sshd_fact fact = sshd_read(troupe_str(message));

    assert_int_equal(fact.kind, kind);
    assert_str(fact.user, user);
    assert_str(fact.source, source);
}

static void test_a_refused_password(void **state) {
    (void)state;
    assert_fact("Failed password for root from 10.0.0.1 port 22 ssh2", SSHD_FAILED_PASSWORD, "root",
                "10.0.0.1");
}

static void test_a_refused_password_of_an_unknown_user(void **state) {
    (void)state;
    assert_fact("Failed password for invalid user bob from 10.0.0.1 port 22 ssh2",
                SSHD_FAILED_PASSWORD, "bob", "10.0.0.1");
    assert_fact("Failed password for illegal user bob from 10.0.0.1 port 22 ssh2",
                SSHD_FAILED_PASSWORD, "bob", "10.0.0.1");
}

static void test_an_address_of_ipv6(void **state) {
    (void)state;
    assert_fact("Failed password for root from fe80::1%eth0 port 22 ssh2", SSHD_FAILED_PASSWORD,
                "root", "fe80::1%eth0");
}

static void test_an_empty_user(void **state) {
    (void)state;
    assert_fact("Failed password for invalid user  from 10.0.0.1 port 22 ssh2",
                SSHD_FAILED_PASSWORD, "", "10.0.0.1");
}

static void test_a_user_with_blanks(void **state) {
    (void)state;
    assert_fact("Failed password for invalid user a b  c from 10.0.0.1 port 22 ssh2",
                SSHD_FAILED_PASSWORD, "a b  c", "10.0.0.1");
}

static void test_a_user_who_pretends_to_be_an_address(void **state) {
    (void)state;
    assert_fact("Failed password for invalid user x from 1.2.3.4 port 5 ssh2 from 10.0.0.1 port 22 "
                "ssh2",
                SSHD_FAILED_PASSWORD, "x from 1.2.3.4 port 5 ssh2", "10.0.0.1");
    assert_fact("Invalid user x from 1.2.3.4 port 5 from 10.0.0.1 port 22", SSHD_INVALID_USER,
                "x from 1.2.3.4 port 5", "10.0.0.1");
}

static void test_a_user_who_pretends_to_be_a_login(void **state) {
    (void)state;
    assert_fact("Invalid user Accepted password for root from 10.0.0.1 port 22", SSHD_INVALID_USER,
                "Accepted password for root", "10.0.0.1");
}

static void test_a_preauth_mark_is_passed_over(void **state) {
    (void)state;
    assert_fact("Failed password for root from 10.0.0.1 port 22 ssh2 [preauth]",
                SSHD_FAILED_PASSWORD, "root", "10.0.0.1");
}

static void test_a_line_cut_off_is_a_refused_password_of_nobody(void **state) {
    (void)state;
    assert_fact("Failed password for root fr", SSHD_FAILED_PASSWORD, "", "");
    assert_fact("Failed password for ", SSHD_FAILED_PASSWORD, "", "");
    assert_fact("Failed password for root from 10.0.0.1 27 ssh2", SSHD_FAILED_PASSWORD, "", "");
}

static void test_only_passwords_are_refused_passwords(void **state) {
    (void)state;
    assert_fact("Failed none for invalid user bob from 10.0.0.1 port 22 ssh2", SSHD_FAILED_OTHER,
                "bob", "10.0.0.1");
    assert_fact("Failed publickey for root from 10.0.0.1 port 22 ssh2: RSA SHA256:ab/c",
                SSHD_FAILED_OTHER, "root", "10.0.0.1");
    assert_fact("Failed to allocate internet-domain X11 display socket.", SSHD_OTHER, "", "");
}

static void test_a_login(void **state) {
    (void)state;
    assert_fact("Accepted password for root from 10.0.0.1 port 22 ssh2", SSHD_ACCEPTED, "root",
                "10.0.0.1");
    assert_fact("Accepted publickey for root from ::1 port 22 ssh2: ED25519 SHA256:ab/c",
                SSHD_ACCEPTED, "root", "::1");
    assert_fact("Accepted publickey for root from 10.0.0.1 port 22 ssh2: RSA-CERT SHA256:ab ID x "
                "from 1.2.3.4 port 5 ssh2 (serial 0)",
                SSHD_ACCEPTED, "root", "10.0.0.1");
}

static void test_a_key_that_would_do_is_not_yet_a_login(void **state) {
    (void)state;
    assert_fact("Accepted key ED25519 SHA256:ab/c found at /home/bob/.ssh/authorized_keys:1",
                SSHD_OTHER, "", "");
}

static void test_an_invalid_user_with_and_without_port(void **state) {
    (void)state;
    assert_fact("Invalid user bob from 10.0.0.1", SSHD_INVALID_USER, "bob", "10.0.0.1");
    assert_fact("Invalid user  from 10.0.0.1", SSHD_INVALID_USER, "", "10.0.0.1");
    assert_fact("Invalid user bob from 10.0.0.1 port 22", SSHD_INVALID_USER, "bob", "10.0.0.1");
}

static void test_unfolds_a_repeated_message(void **state) {
    (void)state;
    struct troupe_str message = troupe_str(
        "message repeated 5 times: [ Failed password for root from 10.0.0.1 port 22 ssh2]");

    assert_int_equal(sshd_unfold(&message), 5);

    assert_str(message, "Failed password for root from 10.0.0.1 port 22 ssh2");
}

static void assert_not_folded(const char *text) {
    struct troupe_str message = troupe_str(text);
    assert_int_equal(sshd_unfold(&message), 1);
    assert_str(message, text);
}

static void test_other_messages_are_not_folded(void **state) {
    (void)state;
    assert_not_folded("Failed password for root from 10.0.0.1 port 22 ssh2");
    assert_not_folded("message repeated some times: [ x]");
    assert_not_folded("message repeated 5 times");
    assert_not_folded("message repeated 99999999999999999999 times: [ x]");
    assert_not_folded("Invalid user message repeated 5 times: [ x] from 10.0.0.1 port 22");
}

static void test_programs_of_an_sshd(void **state) {
    (void)state;
    assert_true(sshd_is_program(troupe_str("sshd")));
    assert_true(sshd_is_program(troupe_str("sshd-session")));
    assert_false(sshd_is_program(troupe_str("sshdx")));
    assert_false(sshd_is_program(troupe_str("su")));
    assert_false(sshd_is_program(troupe_str("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_password),
        cmocka_unit_test(test_a_refused_password_of_an_unknown_user),
        cmocka_unit_test(test_an_address_of_ipv6),
        cmocka_unit_test(test_an_empty_user),
        cmocka_unit_test(test_a_user_with_blanks),
        cmocka_unit_test(test_a_user_who_pretends_to_be_an_address),
        cmocka_unit_test(test_a_user_who_pretends_to_be_a_login),
        cmocka_unit_test(test_a_preauth_mark_is_passed_over),
        cmocka_unit_test(test_a_line_cut_off_is_a_refused_password_of_nobody),
        cmocka_unit_test(test_only_passwords_are_refused_passwords),
        cmocka_unit_test(test_a_login),
        cmocka_unit_test(test_a_key_that_would_do_is_not_yet_a_login),
        cmocka_unit_test(test_an_invalid_user_with_and_without_port),
        cmocka_unit_test(test_unfolds_a_repeated_message),
        cmocka_unit_test(test_other_messages_are_not_folded),
        cmocka_unit_test(test_programs_of_an_sshd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
