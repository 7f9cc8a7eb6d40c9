/* SPDX-License-Identifier: Apache-2.0 */
/* The seed that is being written, shared by the files that write seeds. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Add bytes to it. */
void seed_put(const void *bytes, size_t size);
void seed_put_u8(unsigned value);

/* It is complete: write it to TARGET-NAME and begin the next one. */
void seed_save(const char *target, const char *name);

/* All seeds of the frame fuzzer. */
void seed_frames(void);
