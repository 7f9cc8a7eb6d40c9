/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a file of services.d. Either it is good, and then its rules are such as the
 * state machine takes, or there is an error that names the file and nothing was added.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/service_list.h"
#include "tests/fuzz/fuzz.h"

static void check_entry(struct service_entry *entry)
{
	struct boot_policy policy = {.bp_head.bh_count = 1, .bp_rules = &entry->rule};
	const char *word = entry->plan.words;

	FUZZ_CHECK(boot_policy_rules_good(&policy));
	FUZZ_CHECK(entry->rule.br_service[0] && entry->rule.br_burst && entry->rule.br_timeout);
	FUZZ_CHECK(strcmp(entry->rule.br_service, entry->plan.service) == 0);
	FUZZ_CHECK(entry->rule.br_start == entry->plan.start);
	FUZZ_CHECK(entry->plan.word_count <= PLAN_WORDS_MAX);
	for (unsigned i = 0; i < entry->plan.word_count; i++)
		word += strlen(word) + 1;
	FUZZ_CHECK(word == entry->plan.words + entry->plan.words_used);
	FUZZ_CHECK(entry->plan.words_used <= PLAN_WORDS_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char error[CONFIG_ERROR_SIZE] = "", path[64];
	struct service_list list = {.count = 0};
	int file = memfd_create("services.conf", MFD_CLOEXEC);

	FUZZ_CHECK(file >= 0);
	FUZZ_CHECK(write(file, bytes, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	if (!service_file_read(&list, path, error)) {
		FUZZ_CHECK(memchr(error, 0, sizeof error));
		FUZZ_CHECK(strncmp(error, path, strlen(path)) == 0);
		FUZZ_CHECK(list.count == 0);
	}
	for (size_t i = 0; i < list.count; i++)
		check_entry(&list.entries[i]);
	free(list.entries);
	close(file);
	return 0;
}
