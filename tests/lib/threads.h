/* The threads of the process that tests run in. */
#pragma once

/* How many there are. One that was joined is none, though the kernel lists it until it has gone altogether. */
unsigned test_count_threads(void);
