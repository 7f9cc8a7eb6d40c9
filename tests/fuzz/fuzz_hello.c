/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a hello, as a welcome and as msgpack. What can be read can be written and read
 * again, and is then the same.
 */
#include <string.h>

#include "protocol/hello.h"
#include "protocol/reader.h"
#include "tests/fuzz/fuzz.h"

static void try_hello(const uint8_t *bytes, size_t size)
{
	struct machd_hello hello, again;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t packed;

	if (machd_hello_unpack(bytes, size, &hello))
		return;
	FUZZ_CHECK(hello.word == 32 || hello.word == 64);
	FUZZ_CHECK(hello.role == MACHD_ROLE_TASK || hello.role == MACHD_ROLE_WATCH);
	FUZZ_CHECK(hello.version_oldest <= hello.version_newest);
	packed = machd_hello_pack(&hello, buffer, sizeof buffer);
	FUZZ_CHECK(packed > 0);
	FUZZ_CHECK(!machd_hello_unpack(buffer, packed, &again));
	FUZZ_CHECK(memcmp(&hello, &again, sizeof hello) == 0);
}

static void try_welcome(const uint8_t *bytes, size_t size)
{
	struct machd_welcome welcome, again;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t packed;

	if (machd_welcome_unpack(bytes, size, &welcome))
		return;
	FUZZ_CHECK(memchr(welcome.error, 0, sizeof welcome.error));
	packed = machd_welcome_pack(&welcome, buffer, sizeof buffer);
	FUZZ_CHECK(packed > 0);
	FUZZ_CHECK(!machd_welcome_unpack(buffer, packed, &again));
	FUZZ_CHECK(welcome.version == again.version && welcome.task == again.task);
	FUZZ_CHECK(welcome.version || strcmp(welcome.error, again.error) == 0);
}

/* Skipping a value ends where reading it with all it contains ends. */
static void try_values(const uint8_t *bytes, size_t size)
{
	struct machd_reader skipper, reader;
	struct machd_value value;
	uint64_t open = 1;

	machd_reader_init(&skipper, bytes, size);
	machd_reader_init(&reader, bytes, size);
	if (!machd_read_skip(&skipper))
		return;
	for (; open; open--) {
		FUZZ_CHECK(machd_read(&reader, &value));
		if (value.kind == MACHD_VALUE_ARRAY)
			open += value.number;
		if (value.kind == MACHD_VALUE_MAP)
			open += 2 * value.number;
		if (value.size)
			FUZZ_CHECK(value.bytes >= bytes && value.bytes + value.size <= reader.at);
	}
	FUZZ_CHECK(reader.at == skipper.at && reader.at <= bytes + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t nothing[1];

	if (!bytes)
		bytes = nothing;
	try_hello(bytes, size);
	try_welcome(bytes, size);
	try_values(bytes, size);
	return 0;
}
