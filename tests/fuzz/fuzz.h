/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is one function; libFuzzer calls it with inputs it makes
 * up, replay.c with the seeds and with inputs made from them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The bytes of an input that are not used yet; behind them all are 0. */
struct fuzz_script {
	const uint8_t *at, *end;
};

static inline unsigned fuzz_take(struct fuzz_script *script)
{
	return script->at < script->end ? *script->at++ : 0;
}

/* A statement about the code under test. When it is false the target has found something. */
#define FUZZ_CHECK(condition)                                                                     \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)
