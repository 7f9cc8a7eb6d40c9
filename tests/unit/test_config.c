/* SPDX-License-Identifier: Apache-2.0 */
/* machd.conf: what is read, what is refused and with which words, and the file we ship. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "protocol/wait.h"

static char path[] = "/tmp/machd-config-XXXXXX";
static struct config config;
static char error[CONFIG_ERROR_SIZE];

static void make_file(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
	memset(path + strlen(path) - 6, 'X', 6);
}

static bool read_bytes(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	config_init(&config);
	return config_read(&config, path, error);
}

static void good(const char *text)
{
	ck_assert_msg(read_bytes(text, strlen(text)), "%s", error);
	ck_assert_str_eq(error, "");
}

/* The error must be exactly the path and this. */
static void bad(const char *text, const char *expected)
{
	char whole[CONFIG_ERROR_SIZE];

	ck_assert(!read_bytes(text, strlen(text)));
	snprintf(whole, sizeof whole, "%s:%s", path, expected);
	ck_assert_str_eq(error, whole);
}

START_TEST(test_defaults)
{
	config_init(&config);
	ck_assert_str_eq(config.socket, "");
	ck_assert_int_eq(config.log_level, LOG_LEVEL_INFO);
	ck_assert(!config.discard_bad_signature);
	ck_assert_int_eq(config.importance_nice, 0);
	ck_assert_uint_eq(config.spin_us, MACHD_SPIN_US_DEFAULT);
	ck_assert_str_eq(config.inspect_group, "machd-inspect");
	for (unsigned i = 0; i < machd_limit_row_count; i++)
		ck_assert_uint_eq(*machd_limit_field(&config.limits, &machd_limit_rows[i]),
				  machd_limit_rows[i].value);
}
END_TEST

START_TEST(test_every_key)
{
	good("[machd]\nSocket=/a/b\nLogLevel=debug\nOnBadSignature=discard\nImportanceNice=-5\n"
	     "InspectGroup=adm\nSpinTime=7\n"
	     "[limits]\nChannels=100\nBytesPerUser = 2M\n  NamesPerTask=64K ; enough\n"
	     "PortsPerUser: 1G\n");
	ck_assert_str_eq(config.socket, "/a/b");
	ck_assert_int_eq(config.log_level, LOG_LEVEL_DEBUG);
	ck_assert(config.discard_bad_signature);
	ck_assert_int_eq(config.importance_nice, -5);
	ck_assert_uint_eq(config.spin_us, 7);
	ck_assert_str_eq(config.inspect_group, "adm");
	ck_assert_uint_eq(config.limits.channels, 100);
	ck_assert_uint_eq(config.limits.bytes_per_user, 2 << 20);
	ck_assert_uint_eq(config.limits.names_per_task, 64 << 10);
	ck_assert_uint_eq(config.limits.ports_per_user, 1 << 30);
	ck_assert_uint_eq(config.limits.tasks_per_user, 8192);
}
END_TEST

START_TEST(test_shapes_of_lines)
{
	good("");
	good("\n\n# a comment\n; another\n");
	good("[machd]\r\nLogLevel=error\r\n\r\n[limits] # here they come\r\n");
	ck_assert_int_eq(config.log_level, LOG_LEVEL_ERROR);
	good("[machd]\nOnBadSignature=abort\n[limits]\n[machd]\nLogLevel=notice");
	ck_assert_int_eq(config.log_level, LOG_LEVEL_NOTICE);
	good("[limits]\n\tChannels=20\n\tTasksPerUser=30\n");
	ck_assert_uint_eq(config.limits.channels, 20);
	ck_assert_uint_eq(config.limits.tasks_per_user, 30);
}
END_TEST

START_TEST(test_every_limit_at_its_ends)
{
	char text[128];

	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		const struct machd_limit_row *row = &machd_limit_rows[i];
		uint64_t ends[2] = {row->least, row->most};

		for (unsigned end = 0; end < 2; end++) {
			snprintf(text, sizeof text, "[limits]\n%s=%llu\n", row->key,
				 (unsigned long long)ends[end]);
			good(text);
			ck_assert_uint_eq(*machd_limit_field(&config.limits, row), ends[end]);
		}
	}
}
END_TEST

START_TEST(test_bad_sections)
{
	bad("\n[mach]\n", "2: unknown section [mach]: there are [machd], [policy], [filter], "
			  "[names] and [limits]");
	bad("[limit]\nChannels=20\n", "1: unknown section [limit]: there are [machd], [policy], "
				      "[filter], [names] and [limits]");
	bad("[machd.conf]\n", "1: unknown section [machd.conf]: there are [machd], [policy], "
			      "[filter], [names] and [limits]");
	bad("[]\n",
	    "1: unknown section []: there are [machd], [policy], [filter], [names] and [limits]");
	bad("[machd\n", "1: the ] behind the name of the section is missing");
	bad("[machd] LogLevel=info\n",
	    "1: there is text behind the section: put it on a line of its own");
	bad("LogLevel=info\n", "1: LogLevel= is in no section: put it below [machd], [policy], "
			       "[filter], [names] or [limits]");
}
END_TEST

START_TEST(test_bad_keys)
{
	bad("[machd]\n# x\nColour=red\n",
	    "3: unknown key Colour= in [machd]: it has Socket=, "
	    "LogLevel=, OnBadSignature=, ImportanceNice=, SpinTime=, InspectGroup=");
	bad("[machd]\nloglevel=info\n",
	    "2: unknown key loglevel= in [machd]: it has Socket=, "
	    "LogLevel=, OnBadSignature=, ImportanceNice=, SpinTime=, InspectGroup=");
	bad("[machd]\nChannels=20\n",
	    "2: unknown key Channels= in [machd]: it has Socket=, "
	    "LogLevel=, OnBadSignature=, ImportanceNice=, SpinTime=, InspectGroup=");
	bad("[limits]\nSocket=/a\n",
	    "2: unknown key Socket= in [limits]: it has TaskShare=, UserShare=, "
	    "FullUsers=, NamesPerTask=, NamesPerUser=, Channels=, "
	    "TasksPerUser=, "
	    "ChannelsPerUser=, ChannelsPerTask=, PortsPerUser=, SetsPerPort=, ServicesPerUser=, "
	    "MessagesPerUser=, BytesPerUser=, Memfds=, MemfdsPerUser=, MemoryPerUser=, "
	    "VouchersPerUser=, "
	    "LinksPerUser=, BellsPerUser=, Rings=, RingsPerUser=, DonorsPerUser=, "
	    "PromisesPerUser=");
	bad("[machd]\nLogLevel\n", "2: this is neither a [section] nor Key=value");
	bad("[machd]\nwhat is this\nLogLevel=loud\n",
	    "2: this is neither a [section] nor Key=value");
	bad("[machd]\nLogLevel=loud\nwhat is this\n",
	    "2: LogLevel=loud is not a level: use error, warning, notice, info or debug");
	bad("[limits]\nChannels=20\n\nChannels=20\n",
	    "4: Channels= was set in line 2 already: remove one of them");
	bad("[machd]\nSocket=/a\n[limits]\n[machd]\nSocket=/b\n",
	    "5: Socket= was set in line 2 already: remove one of them");
}
END_TEST

START_TEST(test_bad_words)
{
	bad("[machd]\nLogLevel=\n",
	    "2: LogLevel= is not a level: use error, warning, notice, info or debug");
	bad("[machd]\nInspectGroup=\n", "2: InspectGroup= is not the name of a group");
	bad("[machd]\nImportanceNice=1\n", "2: ImportanceNice=1 is no number from -20 to 0");
	bad("[machd]\nImportanceNice=-21\n", "2: ImportanceNice=-21 is no number from -20 to 0");
	bad("[machd]\nImportanceNice=-1x\n", "2: ImportanceNice=-1x is no number from -20 to 0");
	bad("[machd]\nSpinTime=1001\n", "2: SpinTime=1001 is no number from 0 to 1000");
	bad("[machd]\nSpinTime=-1\n", "2: SpinTime=-1 is no number from 0 to 1000");
	bad("[machd]\nSpinTime=1us\n", "2: SpinTime=1us is no number from 0 to 1000");
	bad("[machd]\nImportanceNice=\n", "2: ImportanceNice= is no number from -20 to 0");
	bad("[machd]\nOnBadSignature=panic\n",
	    "2: OnBadSignature=panic is not a choice: use abort or discard");
	bad("[machd]\nSocket=machd.sock\n", "2: Socket=machd.sock is not an absolute path");
	bad("[machd]\nSocket=\n", "2: Socket= is not an absolute path");
}
END_TEST

START_TEST(test_bad_numbers)
{
	static const char *const wrong[] = {"",	    "x",    "-5",  "+5", " ", "5 5", "1.5",
					    "0x40", "100k", "1KK", "1T", "K", "1K2"};
	char text[64], expected[128];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "[limits]\nChannels=%s\n", wrong[i]);
		snprintf(expected, sizeof expected,
			 "2: Channels=%s is not a number: use 16 to 1048576, K, M or G may follow",
			 strcmp(wrong[i], " ") ? wrong[i] : "");
		bad(text, expected);
	}
}
END_TEST

START_TEST(test_numbers_out_of_range)
{
	static const char *const wrong[] = {"0",
					    "15",
					    "1048577",
					    "2M",
					    "18446744073709551616",
					    "17179869184G",
					    "99999999999999999999999999999999999"};
	char text[96], expected[160];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "[limits]\n\nChannels=%s\n", wrong[i]);
		snprintf(expected, sizeof expected,
			 "3: Channels=%s is out of range: use 16 to 1048576", wrong[i]);
		bad(text, expected);
	}
}
END_TEST

START_TEST(test_long_lines)
{
	char text[1024] = "[machd]\nSocket=/";

	memset(text + strlen(text), 'a', 107);
	bad(text, "2: Socket=/" /* and 107 times a */
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaa is too long: a socket's path has at most 107 bytes");
	memset(text + 16, 'a', 600);
	strcpy(text + 616, "\nLogLevel=info\n");
	bad(text, "2: this line is longer than 198 bytes");
	text[0] = text[8] = '#';
	bad(text, "2: this line is longer than 198 bytes");
}
END_TEST

START_TEST(test_zero_byte)
{
	static const char text[] = "[machd]\nLogLevel=in\0fo\n";
	char expected[CONFIG_ERROR_SIZE];

	ck_assert(!read_bytes(text, sizeof text - 1));
	snprintf(expected, sizeof expected, "%s:2: there is a zero byte in this line", path);
	ck_assert_str_eq(error, expected);
}
END_TEST

START_TEST(test_unreadable)
{
	config_init(&config);
	ck_assert(!config_read(&config, "/nowhere/machd.conf", error));
	ck_assert_str_eq(error, "/nowhere/machd.conf: cannot be read: No such file or directory");
	ck_assert(!config_read(&config, "/tmp", error));
	ck_assert_str_eq(error, "/tmp: cannot be read: Is a directory");
}
END_TEST

/* The file we ship changes nothing, and shows every key with its default. */
START_TEST(test_shipped_file)
{
	const char *top = getenv("MACHD_SOURCE_DIR");
	char shipped[4096], text[16384], key[96];
	size_t size;
	FILE *file;

	snprintf(shipped, sizeof shipped, "%s/conf/machd.conf", top ? top : ".");
	config_init(&config);
	ck_assert_msg(config_read(&config, shipped, error), "%s", error);
	file = fopen(shipped, "r");
	ck_assert_ptr_nonnull(file);
	size = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[size] = '\0';
	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		snprintf(key, sizeof key, "\n#%s=%llu\n", machd_limit_rows[i].key,
			 (unsigned long long)machd_limit_rows[i].value);
		ck_assert_msg(strstr(text, key), "machd.conf does not have %s", key + 1);
	}
	ck_assert_ptr_nonnull(strstr(text, "\n#Socket=/run/machd/machd.sock\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#LogLevel=info\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#OnBadSignature=abort\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#Hardened=none\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#ImportanceNice=0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#Filtered=none\n"));
}
END_TEST

/* With every # before a key taken away it is still a good file, with the same values. */
START_TEST(test_shipped_file_with_all_keys_set)
{
	const char *top = getenv("MACHD_SOURCE_DIR");
	char shipped[4096], text[16384];
	size_t size;
	FILE *file;

	snprintf(shipped, sizeof shipped, "%s/conf/machd.conf", top ? top : ".");
	file = fopen(shipped, "r");
	ck_assert_ptr_nonnull(file);
	size = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[size] = '\0';
	for (char *line = text; (line = strstr(line, "\n#")); line++)
		if (line[2] != ' ' && line[2] != '\n')
			line[1] = ' ';
	good(text);
	ck_assert_str_eq(config.socket, "/run/machd/machd.sock");
	for (unsigned i = 0; i < machd_limit_row_count; i++)
		ck_assert_uint_eq(*machd_limit_field(&config.limits, &machd_limit_rows[i]),
				  machd_limit_rows[i].value);
}
END_TEST

START_TEST(test_uids)
{
	good("[policy]\nHardened=all\n");
	ck_assert(ipc_uids_have(&config.policy.p_hardened, 7));
	good("[policy]\nHardened=none\n");
	ck_assert(!ipc_uids_have(&config.policy.p_hardened, 7));
	good("[policy]\nHardened=0 \t1000 4294967295\n");
	ck_assert(ipc_uids_have(&config.policy.p_hardened, 0));
	ck_assert(ipc_uids_have(&config.policy.p_hardened, 1000));
	ck_assert(ipc_uids_have(&config.policy.p_hardened, UINT32_MAX));
	ck_assert(!ipc_uids_have(&config.policy.p_hardened, 100));
	bad("[policy]\nColour=red\n", "2: unknown key Colour= in [policy]: it has Hardened=, "
				      "EnforceStrictReply=, DefendServicePorts=, Filtered=");
}
END_TEST

START_TEST(test_defended_service_ports)
{
	good("[policy]\nDefendServicePorts=yes\n");
	ck_assert_uint_eq(config.policy.p_service_defense, 1);
	good("[policy]\nDefendServicePorts=no\n");
	ck_assert_uint_eq(config.policy.p_service_defense, 0);
	good("[policy]\n");
	ck_assert_uint_eq(config.policy.p_service_defense, 0);
	bad("[policy]\nDefendServicePorts=1\n",
	    "2: DefendServicePorts=1 is not a choice: use yes or no");
}
END_TEST

START_TEST(test_strict_reply)
{
	good("[policy]\nEnforceStrictReply=yes\n");
	ck_assert_uint_eq(config.policy.p_strict_reply, 1);
	good("[policy]\nEnforceStrictReply=no\n");
	ck_assert_uint_eq(config.policy.p_strict_reply, 0);
	good("[policy]\n");
	ck_assert_uint_eq(config.policy.p_strict_reply, 0);
	bad("[policy]\nEnforceStrictReply=true\n",
	    "2: EnforceStrictReply=true is not a choice: use yes or no");
}
END_TEST

static void bad_uids(const char *value)
{
	char text[1024], expected[1024];

	snprintf(text, sizeof text, "[policy]\nHardened=%s\n", value);
	snprintf(expected, sizeof expected,
		 "2: Hardened=%s is not a choice: use all, none or up to 62 uids", value);
	bad(text, expected);
}

START_TEST(test_bad_uids)
{
	static const char *const wrong[] = {"",	  "some",	"1,2",	 "1000x",
					    "-1", "4294967296", "all 3", "99999999999999999999"};
	char many[400] = "";

	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		bad_uids(wrong[i]);
	for (unsigned i = 0; i < 62; i++)
		strcat(many, i ? " 1" : "1");
	snprintf(error, sizeof error, "[policy]\nHardened=%s\n", many);
	good(error);
	strcat(many, " 1");
	bad_uids(many);
}
END_TEST

START_TEST(test_filters)
{
	const struct ipc_policy *policy = &config.policy;

	good("[policy]\nFiltered=5\n[filter]\na.b=7 0x100-0x1ff\nc=none\n");
	ck_assert(ipc_uids_have(&policy->p_filtered, 5));
	ck_assert_uint_eq(policy->p_rule_count, 3);
	ck_assert(ipc_policy_allows(policy, "a.b", 7));
	ck_assert(ipc_policy_allows(policy, "a.b", 0x100));
	ck_assert(ipc_policy_allows(policy, "a.b", 0x1ff));
	ck_assert(!ipc_policy_allows(policy, "a.b", 0x200));
	ck_assert(!ipc_policy_allows(policy, "c", 0));
	ck_assert(!ipc_policy_allows(policy, "c", 1));
	ck_assert(ipc_policy_allows(policy, "d", 1));
	ck_assert(ipc_policy_allows(policy, NULL, 1));
	good("[filter]\na=7\n*=8\n");
	ck_assert(!ipc_policy_allows(policy, "a", 8));
	ck_assert(ipc_policy_allows(policy, "d", 8));
	ck_assert(!ipc_policy_allows(policy, NULL, 7));
	bad("[filter]\na=\n",
	    "2: a= in [filter]: use none, or numbers and ranges like 0x100-0x1ff");
	bad("[filter]\na=2-1\n",
	    "2: a=2-1 in [filter]: use none, or numbers and ranges like 0x100-0x1ff");
	bad("[filter]\na=1 x\n",
	    "2: a=1 x in [filter]: use none, or numbers and ranges like 0x100-0x1ff");
	bad("[filter]\na=4294967296\n",
	    "2: a=4294967296 in [filter]: use none, or numbers and ranges like 0x100-0x1ff");
	bad("[filter]\na=1\na=2\n", "3: a=2 in [filter]: it was set already: remove one of them");
}
END_TEST

START_TEST(test_many_filters)
{
	char text[2000] = "[filter]\n";

	for (unsigned i = 0; i < 64; i++)
		snprintf(text + strlen(text), 16, "s%u=1\n", i);
	good(text);
	strcat(text, "t=1\n");
	bad(text, "66: t=1 in [filter]: there are more than 64 ranges in all");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tests = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, make_file, remove_file);
	tcase_add_test(tests, test_defaults);
	tcase_add_test(tests, test_every_key);
	tcase_add_test(tests, test_shapes_of_lines);
	tcase_add_test(tests, test_every_limit_at_its_ends);
	tcase_add_test(tests, test_bad_sections);
	tcase_add_test(tests, test_bad_keys);
	tcase_add_test(tests, test_bad_words);
	tcase_add_test(tests, test_bad_numbers);
	tcase_add_test(tests, test_numbers_out_of_range);
	tcase_add_test(tests, test_long_lines);
	tcase_add_test(tests, test_zero_byte);
	tcase_add_test(tests, test_uids);
	tcase_add_test(tests, test_strict_reply);
	tcase_add_test(tests, test_defended_service_ports);
	tcase_add_test(tests, test_bad_uids);
	tcase_add_test(tests, test_filters);
	tcase_add_test(tests, test_many_filters);
	tcase_add_test(tests, test_unreadable);
	tcase_add_test(tests, test_shipped_file);
	tcase_add_test(tests, test_shipped_file_with_all_keys_set);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
