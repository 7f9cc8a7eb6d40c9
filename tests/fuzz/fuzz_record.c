/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a record to be replayed: the answer is one of the three verdicts with a text,
 * and nothing stays behind.
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/keep/replay.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct replay_report report;
	FILE *file;

	if (!size) /* fmemopen() has no empty files */
		return 0;
	file = fmemopen((void *)(uintptr_t)bytes, size, "rb");
	FUZZ_CHECK(file);
	replay_stream(file, &report);
	fclose(file);
	FUZZ_CHECK(report.verdict == REPLAY_SAME || report.verdict == REPLAY_DIFFERS ||
		   report.verdict == REPLAY_BROKEN);
	FUZZ_CHECK(memchr(report.text, 0, sizeof report.text));
	FUZZ_CHECK(mem_live() == 0);
	return 0;
}
