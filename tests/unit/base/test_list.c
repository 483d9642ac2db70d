/* Intrusive doubly linked list. */
#include "base/list.h"

#include "lib/test.h"

struct item {
    int number;
    struct list link;
};

/* The numbers of the list as one number: 1, 2, 3 reads 123. */
static int read_forth(struct list *head) {
    int all = 0;
    LIST_EACH (link, head) {
        all = all * 10 + LIST_OF(link, struct item, link)->number;
    }
    return all;
}

static int read_back(struct list *head) {
    int all = 0;
    for (struct list *link = head->prev; link != head; link = link->prev) {
        all = all * 10 + LIST_OF(link, struct item, link)->number;
    }
    return all;
}

static void test_new_list_is_empty(void **state) {
    (void)state;
    struct list head;

    list_init(&head);

    assert_true(list_is_empty(&head));
    assert_int_equal(read_forth(&head), 0);
}

static void test_added_stand_in_order_both_ways(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item one = {.number = 1}, two = {.number = 2}, three = {.number = 3};

    list_add_last(&head, &two.link);
    list_add_last(&head, &three.link);
    list_add_first(&head, &one.link);

    assert_int_equal(read_forth(&head), 123);
    assert_int_equal(read_back(&head), 321);
}

static void test_add_before_a_link(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item one = {.number = 1}, two = {.number = 2}, three = {.number = 3};
    list_add_last(&head, &one.link);
    list_add_last(&head, &three.link);

    list_add_before(&three.link, &two.link);

    assert_int_equal(read_forth(&head), 123);
    assert_int_equal(read_back(&head), 321);
}

static void test_removing_twice_is_harmless(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item one = {.number = 1}, two = {.number = 2};
    list_add_last(&head, &one.link);
    list_add_last(&head, &two.link);

    list_remove(&one.link);
    list_remove(&one.link);

    assert_int_equal(read_forth(&head), 2);
    assert_true(list_is_empty(&one.link));
}

static void test_each_safe_may_remove_what_it_visits(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[5];
    for (int i = 0; i < 5; i++) {
        items[i].number = i + 1;
        list_add_last(&head, &items[i].link);
    }

    LIST_EACH_SAFE (link, after, &head) {
        if (LIST_OF(link, struct item, link)->number % 2) {
            list_remove(link);
        }
    }

    assert_int_equal(read_forth(&head), 24);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_list_is_empty),
        cmocka_unit_test(test_added_stand_in_order_both_ways),
        cmocka_unit_test(test_add_before_a_link),
        cmocka_unit_test(test_removing_twice_is_harmless),
        cmocka_unit_test(test_each_safe_may_remove_what_it_visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
