/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer, so that every compiler can: on each seed, on each
 * beginning of a seed, and on copies with a few bytes changed. The same arguments always give the
 * same inputs.
 *
 *   fuzz_X COPIES FILE...
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { SEED_MAX = 1 << 20, CUTS_MAX = 2048 };

static uint64_t random_state;

/* xorshift64*: small, and the same everywhere. */
static uint32_t next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

/* The input in memory that ends where it ends, for ASan. */
static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	FUZZ_CHECK(copy);
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_changed(const uint8_t *seed, size_t size)
{
	uint8_t *bytes = malloc(size);
	unsigned changes = 1 + next_random() % 8;

	FUZZ_CHECK(bytes);
	memcpy(bytes, seed, size);
	while (changes--) {
		uint8_t *at = &bytes[next_random() % size];

		*at = next_random() & 1 ? (uint8_t)next_random()
					: (uint8_t)(*at ^ 1u << next_random() % 8);
	}
	run(bytes, size);
	free(bytes);
}

static void run_seed(const uint8_t *seed, size_t size, unsigned copies)
{
	size_t step = 1 + size / CUTS_MAX;

	random_state = UINT64_C(0x9e3779b97f4a7c15);
	run(seed, size);
	for (size_t cut = 0; cut < size; cut += step)
		run(seed, cut);
	for (unsigned i = 0; i < copies && size; i++)
		run_changed(seed, size);
}

int main(int argc, char **argv)
{
	static uint8_t seed[SEED_MAX];

	if (argc < 3) {
		fprintf(stderr, "usage: %s COPIES FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (!file) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 2;
		}
		size = fread(seed, 1, sizeof seed, file);
		fclose(file);
		run_seed(seed, size, (unsigned)strtoul(argv[1], NULL, 10));
	}
	printf("%d seeds replayed\n", argc - 2);
	return 0;
}
