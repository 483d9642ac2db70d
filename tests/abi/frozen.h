/* How a frozen layout is written down: a line for each field, number and function. */
#pragma once

#include <stddef.h>

/* Never grows: its size is not said where it crosses. */
#define FIXED(table, size_, align)                                                                 \
    _Static_assert(sizeof(struct table) == (size_), "size of struct " #table);                     \
    _Static_assert(_Alignof(struct table) == (align), "alignment of struct " #table)
/* Begins with its size, and grows by appending. */
#define GROWS(table, align)                                                                        \
    _Static_assert(offsetof(struct table, size) == 0, "struct " #table " begins with its size");   \
    _Static_assert(_Alignof(struct table) == (align), "alignment of struct " #table)
/* The type comes last because a function's has commas. */
#define FIELD(table, field, offset_, size_, ...)                                                   \
    _Static_assert(offsetof(struct table, field) == (offset_),                                     \
                   "offset of struct " #table ", " #field);                                        \
    _Static_assert(sizeof(((struct table *)0)->field) == (size_),                                  \
                   "size of struct " #table ", " #field);                                          \
    _Static_assert(                                                                                \
        __builtin_types_compatible_p(__typeof__(((struct table *)0)->field), __VA_ARGS__),         \
        "type of struct " #table ", " #field)
#define NUMBER(constant, value) _Static_assert((constant) == (value), #constant)
/* The type of a function, and a function: a variable shows it to abidiff. */
#define FUNCTION_TYPE(name, ...)                                                                   \
    _Static_assert(__builtin_types_compatible_p(__typeof__(name), __VA_ARGS__), "type of " #name)
#define FUNCTION(name, ...)                                                                        \
    FUNCTION_TYPE(name, __VA_ARGS__);                                                              \
    extern __typeof__(name) *const frozen_##name;                                                  \
    __typeof__(name) *const frozen_##name = name
