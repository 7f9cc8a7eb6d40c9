/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the lab. */
#pragma once

#include "tests/lab/lab.h"

/* Feed one input at the lab's time, and do the work it put off unless the test does that. */
const char *lab_feed(struct lab *lab, struct trap_input *input);

/* The answer that a thread has got is picked up; the caller frees the packet. */
uint8_t *lab_take_answer(struct lab_thread *thread, size_t *size);
