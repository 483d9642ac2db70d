/* A hint to the compiler: nothing but time depends on it. */
#pragma once

/* It forgets what it knows of the pointer. In a loop, it would else compute the address of each atomic in a struct
 * once, before, and keep it in memory for want of registers: to load it there again costs more than the
 * addition, which most instructions do by the way. */
#define FORGET(pointer) __asm__("" : "+r"(pointer))
