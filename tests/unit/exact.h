/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of parsers: memory that ends where its content ends. */
#pragma once

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A copy that ends where its memory ends, so that ASan sees a read behind it. Free it. */
static inline uint8_t *exact_copy(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	return copy;
}
