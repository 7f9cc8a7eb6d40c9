/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as machd.conf. Either the file is good, and then every value lies within its
 * limits, or there is an error that names the file.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"
#include "tests/fuzz/fuzz.h"

static void check_good(struct config *config)
{
	FUZZ_CHECK(memchr(config->socket, 0, sizeof config->socket));
	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		uint64_t value = *machd_limit_field(&config->limits, &machd_limit_rows[i]);

		FUZZ_CHECK(value >= machd_limit_rows[i].least && value <= machd_limit_rows[i].most);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char error[CONFIG_ERROR_SIZE] = "", path[64];
	struct config config;
	int file = memfd_create("machd.conf", MFD_CLOEXEC);

	FUZZ_CHECK(file >= 0);
	FUZZ_CHECK(write(file, bytes, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	config_init(&config);
	if (config_read(&config, path, error)) {
		check_good(&config);
	} else {
		FUZZ_CHECK(memchr(error, 0, sizeof error));
		FUZZ_CHECK(strncmp(error, path, strlen(path)) == 0);
	}
	close(file);
	return 0;
}
