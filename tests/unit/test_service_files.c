/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of services.d: what is read, what is refused and with which words, which files there are
 * and what becomes of their rules when one is wrong later; and the file we ship.
 */
#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/service_list.h"

#define S UINT64_C(1000000000)

static char directory[] = "/tmp/machd-service-files-XXXXXX";
static struct service_list list;
static char error[CONFIG_ERROR_SIZE];

static const char *path_of(const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", directory, file);
	return path;
}

static void write_file(const char *file, const char *text)
{
	FILE *stream = fopen(path_of(file), "w");

	ck_assert_ptr_nonnull(stream);
	fputs(text, stream);
	ck_assert_int_eq(fclose(stream), 0);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
	char command[PATH_MAX];

	free(list.entries);
	list = (struct service_list){.count = 0};
	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
	memset(directory + strlen(directory) - 6, 'X', 6);
}

static const struct service_entry *good(const char *text)
{
	write_file("x.conf", text);
	list.count = 0;
	ck_assert_msg(service_file_read(&list, path_of("x.conf"), error), "%s", error);
	return list.entries;
}

/* The error must be exactly the path and this. */
static void bad(const char *text, const char *expected)
{
	char whole[CONFIG_ERROR_SIZE];

	write_file("x.conf", text);
	list.count = 0;
	ck_assert_msg(!service_file_read(&list, path_of("x.conf"), error), "%s", text);
	snprintf(whole, sizeof whole, "%s:%s", path_of("x.conf"), expected);
	ck_assert_str_eq(error, whole);
	ck_assert_uint_eq(list.count, 0);
}

START_TEST(test_defaults)
{
	const struct boot_rule *rule = &good("[service]\nName=a\n")->rule;

	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(rule->br_service, "a");
	ck_assert_str_eq(rule->br_file, path_of("x.conf"));
	ck_assert_uint_eq(rule->br_line, 1);
	ck_assert_uint_eq(rule->br_start, BOOT_START_NEVER);
	ck_assert_uint_eq(rule->br_timeout, 30 * S);
	ck_assert_uint_eq(rule->br_interval, 10 * S);
	ck_assert_uint_eq(rule->br_burst, 5);
	ck_assert(rule->br_own.bw_default && !rule->br_own.bw_all);
	ck_assert(rule->br_look_up.bw_all && !rule->br_look_up.bw_users_line);
	good("");
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* What an editor of another system puts in front of a line. */
START_TEST(test_indented)
{
	ck_assert_str_eq(good("\r\r[service]\r\n\rName=org.example\r\n")->rule.br_service,
			 "org.example");
	good("\v\f\t [service]\nName=org.example\n");
	good("\xef\xbb\xbf[service]\nName=org.example\n");
	good("\xef\xbb\xbf\r\xef\xbb\xbf[service]\nName=org.example\n");
	bad("\xef\xbb\xbf \rName=org.example\n",
	    "1: Name= is in no section: put it below [service]");
}
END_TEST

START_TEST(test_who)
{
	const struct boot_rule *rule =
		&good("[service]\nName=a\nOwnUsers=root 7\nOwnUsers=8\nOwnGroups=root 5\n"
		      "OwnUnit=a@b.service\nLookUpUsers=all\nLookUpGroups=4\nLookUpUnit=c.scope\n")
			 ->rule;

	ck_assert_uint_eq(rule->br_own.bw_user_count, 3);
	ck_assert_uint_eq(rule->br_own.bw_users[0], 0);
	ck_assert_uint_eq(rule->br_own.bw_users[1], 7);
	ck_assert_uint_eq(rule->br_own.bw_users[2], 8);
	ck_assert_uint_eq(rule->br_own.bw_users_line, 4);
	ck_assert_uint_eq(rule->br_own.bw_group_count, 2);
	ck_assert_uint_eq(rule->br_own.bw_groups[0], 0);
	ck_assert_uint_eq(rule->br_own.bw_groups[1], 5);
	ck_assert_uint_eq(rule->br_own.bw_groups_line, 5);
	ck_assert_str_eq(rule->br_own.bw_unit, "a@b.service");
	ck_assert_uint_eq(rule->br_own.bw_unit_line, 6);
	ck_assert(!rule->br_own.bw_default && !rule->br_own.bw_all);
	ck_assert(rule->br_look_up.bw_all);
	ck_assert_uint_eq(rule->br_look_up.bw_users_line, 7);
	ck_assert_uint_eq(rule->br_look_up.bw_groups[0], 4);
	ck_assert_str_eq(rule->br_look_up.bw_unit, "c.scope");
	ck_assert(!good("[service]\nName=a\nLookUpUnit=c.scope\n")->rule.br_look_up.bw_all);
	ck_assert(!good("[service]\nName=a\nLookUpGroups=1\n")->rule.br_look_up.bw_all);
}
END_TEST

START_TEST(test_unit)
{
	const struct service_entry *entry = good("[service]\nName=a\nStartUnit=a.service\n");

	ck_assert_uint_eq(entry->rule.br_start, BOOT_START_UNIT);
	ck_assert_uint_eq(entry->plan.start, BOOT_START_UNIT);
	ck_assert_str_eq(entry->plan.unit, "a.service");
	ck_assert_str_eq(entry->rule.br_own.bw_unit, "a.service"); /* who else */
	ck_assert_uint_eq(entry->rule.br_own.bw_unit_line, 3);
	entry = good("[service]\nName=a\nStartUnit=a.service\nOwnUsers=5\n");
	ck_assert_str_eq(entry->rule.br_own.bw_unit, "");
}
END_TEST

START_TEST(test_command)
{
	const struct service_entry *entry = good("[service]\nName=a\n"
						 "StartCommand=/bin/a -b  \"c d\"e\n"
						 "StartCommand=\"\" f\nStartTimeout=2min\n"
						 "StartLimitBurst=7\nStartLimitInterval=500ms\n");
	static const char words[] = "/bin/a\0-b\0c de\0\0f";

	ck_assert_uint_eq(entry->plan.start, BOOT_START_COMMAND);
	ck_assert_uint_eq(entry->plan.word_count, 5);
	ck_assert_int_eq(memcmp(entry->plan.words, words, sizeof words), 0);
	ck_assert(!entry->plan.other_user);
	ck_assert_uint_eq(entry->plan.uid, getuid());
	ck_assert_str_eq(entry->plan.home, getpwuid(getuid())->pw_dir);
	ck_assert_uint_eq(entry->rule.br_own.bw_users[0], getuid());
	ck_assert_uint_eq(entry->rule.br_own.bw_users_line, 3);
	ck_assert_uint_eq(entry->rule.br_timeout, 120 * S);
	ck_assert_uint_eq(entry->rule.br_interval, S / 2);
	ck_assert_uint_eq(entry->rule.br_burst, 7);
}
END_TEST

START_TEST(test_user)
{
	const struct passwd *other = getpwnam("nobody");
	const struct service_entry *entry;

	if (getuid() != 0) {
		bad("[service]\nName=a\nStartCommand=/a\nStartUser=root\n",
		    "4: StartUser=root: machd does not run as root, and cannot start anything as "
		    "another user");
		return;
	}
	ck_assert_ptr_nonnull(other);
	entry = good("[service]\nName=a\nStartCommand=/a\nStartUser=nobody\n");
	ck_assert(entry->plan.other_user);
	ck_assert_uint_eq(entry->plan.uid, other->pw_uid);
	ck_assert_uint_eq(entry->plan.gid, other->pw_gid);
	ck_assert_str_eq(entry->plan.user, "nobody");
	ck_assert_uint_eq(entry->rule.br_own.bw_users[0], other->pw_uid);
	ck_assert_uint_eq(entry->rule.br_own.bw_users_line, 4);
	ck_assert(!good("[service]\nName=a\nStartCommand=/a\nStartUser=root\n")->plan.other_user);
}
END_TEST

START_TEST(test_several)
{
	good("[service]\nName=b\n[service]\nName=a\nOwnUsers=3\n\n[service]\nName=c.*\n");
	ck_assert_uint_eq(list.count, 3);
	ck_assert(list.entries[0].rule.br_own.bw_default);
	ck_assert_uint_eq(list.entries[1].rule.br_line, 3);
	ck_assert_uint_eq(list.entries[2].rule.br_own.bw_user_count, 0);
}
END_TEST

#define LONG "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const struct {
	const char *text, *says;
} wrong[] = {
	{"Name=a\n", "1: Name= is in no section: put it below [service]"},
	{"[services]\n", "1: unknown section [services]: there is [service]"},
	{"[service]\nColour=red\n",
	 "2: unknown key Colour= in [service]: it has Name=, OwnUsers=, OwnGroups=, OwnUnit=, "
	 "LookUpUsers=, LookUpGroups=, LookUpUnit=, StartUnit=, StartCommand=, StartUser=, "
	 "StartTimeout=, StartLimitBurst=, StartLimitInterval="},
	{"[service]\n", "1: this section has no Name="},
	{"[service]\nName=a\n[service]\nOwnUsers=0\n[service]\nName=b\n",
	 "3: this section has no Name="},
	{"[service]\nName=\n", "2: Name= is not a name of 1 to 127 bytes"},
	{"[service]\nName=a b\n", "2: Name=a b is not a name of 1 to 127 bytes"},
	{"[service]\nName=" LONG LONG LONG LONG "\n",
	 "2: Name=" LONG LONG LONG LONG " is not a name of 1 to 127 bytes"},
	{"[service]\nName=*\n", "2: Name=*: a * may only stand at the end, behind a dot"},
	{"[service]\nName=a*\n", "2: Name=a*: a * may only stand at the end, behind a dot"},
	{"[service]\nName=a.*.b\n", "2: Name=a.*.b: a * may only stand at the end, behind a dot"},
	{"[service]\nName=a\nName=b\n",
	 "3: Name= was set in this section already: remove one of them"},
	{"[service]\nName=a\nOwnUsers=noSuchUser\n", "3: OwnUsers=: there is no user noSuchUser"},
	{"[service]\nName=a\nOwnUsers=-1\n", "3: OwnUsers=: there is no user -1"},
	{"[service]\nName=a\nOwnUsers=4294967295\n", "3: OwnUsers=: there is no user 4294967295"},
	{"[service]\nName=a\nLookUpGroups=noSuchGroup\n",
	 "3: LookUpGroups=: there is no group noSuchGroup"},
	{"[service]\nName=a\nOwnUsers=1 2 3 4 5 6 7 8 9\nOwnUsers=1 2 3 4 5 6 7 8\n",
	 "4: OwnUsers= has more than 16 names"},
	{"[service]\nName=a\nOwnUnit=a\n", "3: OwnUnit=a is not the name of a unit"},
	{"[service]\nName=a\nOwnUnit=\n", "3: OwnUnit= is not the name of a unit"},
	{"[service]\nName=a\nStartUnit=/a.service\n",
	 "3: StartUnit=/a.service is not the name of a unit"},
	{"[service]\nName=a\nStartCommand=a\n", "3: StartCommand= is not an absolute path"},
	{"[service]\nName=a\nStartCommand=/a \"b\n",
	 "3: StartCommand= is too long, or a quote is not closed"},
	{"[service]\nName=a\nStartUnit=a.service\nStartCommand=/a\n",
	 "4: StartUnit= and StartCommand= exclude each other"},
	{"[service]\nName=a\nStartUser=root\n", "1: StartUser= is for StartCommand= only"},
	{"[service]\nName=a\nStartUser=noSuchUser\n", "3: StartUser=: there is no user noSuchUser"},
	{"[service]\nName=a.*\nStartUnit=a.service\n",
	 "1: a name that ends in * cannot be started: name each service"},
	{"[service]\nName=a\nStartTimeout=soon\n",
	 "3: StartTimeout=soon is not a time: use a number, and ms, s, min or h behind it"},
	{"[service]\nName=a\nStartTimeout=0\n",
	 "3: StartTimeout=0 is not a time: use a number, and ms, s, min or h behind it"},
	{"[service]\nName=a\nStartLimitInterval=99999999999999999999\n",
	 "3: StartLimitInterval=99999999999999999999 is not a time: use a number, and ms, s, min "
	 "or "
	 "h behind it"},
	{"[service]\nName=a\nStartLimitBurst=0\n",
	 "3: StartLimitBurst=0 is not a number from 1 on"},
};

START_TEST(test_wrong)
{
	bad(wrong[_i].text, wrong[_i].says);
}
END_TEST

START_TEST(test_a_name_is_in_one_place)
{
	char says[PATH_MAX + 64];

	snprintf(says, sizeof says, "4: Name=a is in %s:1 already", path_of("x.conf"));
	bad("[service]\nName=a\n[service]\nName=a\n", says);
}
END_TEST

START_TEST(test_there_is_an_end)
{
	FILE *stream = fopen(path_of("x.conf"), "w");

	for (int i = 0; i <= BOOT_POLICY_RULES; i++)
		fprintf(stream, "[service]\nName=s%d\n", i);
	fclose(stream);
	ck_assert(!service_file_read(&list, path_of("x.conf"), error));
	ck_assert_ptr_nonnull(strstr(error, ":2049: there are more than 1024 services"));
}
END_TEST

/* --- all files --- */

static struct config config;

static const char *names_of(const struct services *services)
{
	static char names[256];
	size_t used = 0;

	names[0] = '\0';
	for (uint32_t i = 0; i < services->policy.bp_head.bh_count; i++)
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? " " : "",
					 services->policy.bp_rules[i].br_service);
	ck_assert(boot_policy_rules_good(&services->policy));
	ck_assert_uint_eq(services->plans.count, services->policy.bp_head.bh_count);
	return names;
}

START_TEST(test_files_hide_each_other)
{
	struct services services;

	mkdir(path_of("one"), 0700);
	mkdir(path_of("two"), 0700);
	write_file("one/a.conf", "[service]\nName=first\n");
	write_file("two/a.conf", "[service]\nName=second\n");
	write_file("one/empty.conf", "");
	write_file("two/empty.conf", "[service]\nName=hidden\n");
	write_file("two/z.conf", "[service]\nName=alpha\nStartUnit=z.service\n");
	write_file("two/z.conf~", "[service]\nName=none\n");
	write_file("two/.b.conf", "[service]\nName=none\n");
	config_init(&config);
	snprintf(config.services, sizeof config.services, "%s/one  %s/two %s/three", directory,
		 directory, directory);
	ck_assert_int_eq(services_read(&services, NULL, &config, NULL), SERVICES_GOOD);
	ck_assert_str_eq(names_of(&services), "alpha first");
	ck_assert_str_eq(plans_find(&services.plans, "alpha")->unit, "z.service");
	ck_assert_ptr_null(plans_find(&services.plans, "second"));
	services_free(&services);
}
END_TEST

START_TEST(test_files_beside_machd_conf)
{
	struct services services;
	char path[PATH_MAX];

	mkdir(path_of("services.d"), 0700);
	write_file("services.d/a.conf", "[service]\nName=beside\n");
	config_init(&config);
	snprintf(path, sizeof path, "%s/machd.conf", directory);
	ck_assert_int_eq(services_read(&services, NULL, &config, path), SERVICES_GOOD);
	ck_assert_str_eq(names_of(&services), "beside");
	services_free(&services);
}
END_TEST

/* As another user than root, who has a daemon of his own. */
START_TEST(test_files_of_a_user)
{
	struct services services;

	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(mkdir(path_of("machd"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("machd/services.d"), 0755), 0);
	write_file("machd/services.d/a.conf", "[service]\nName=users.own\n");
	setenv("XDG_CONFIG_HOME", directory, 1);
	config_init(&config);
	if (getuid() == 0)
		ck_assert_int_eq(setresuid(1, 1, 0), 0);
	unsetenv("XDG_RUNTIME_DIR");
	ck_assert(!services_of_user());
	setenv("XDG_RUNTIME_DIR", directory, 1);
	ck_assert(services_of_user());
	services_read(&services, NULL, &config, NULL);
	ck_assert_ptr_nonnull(strstr(names_of(&services), "users.own"));
	services_free(&services);
	if (getuid() == 1)
		ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

START_TEST(test_a_file_that_is_wrong_keeps_its_rules)
{
	struct services old, now;

	mkdir(path_of("one"), 0700);
	write_file("one/a.conf", "[service]\nName=a\nStartUnit=a.service\n[service]\nName=b\n");
	write_file("one/c.conf", "[service]\nName=c\n");
	config_init(&config);
	snprintf(config.services, sizeof config.services, "%s/one", directory);
	ck_assert_int_eq(services_read(&old, NULL, &config, NULL), SERVICES_GOOD);
	write_file("one/a.conf", "[service]\nName=x\nColour=red\n");
	write_file("one/c.conf", "[service]\nName=d\n");
	ck_assert_int_eq(services_read(&now, &old, &config, NULL), SERVICES_WRONG);
	ck_assert_str_eq(names_of(&now), "a b d");
	ck_assert_str_eq(plans_find(&now.plans, "a")->unit, "a.service");
	services_free(&old);
	/* Another file has taken one of its names over. */
	write_file("one/0.conf", "[service]\nName=b\nOwnUsers=0\n");
	ck_assert_int_eq(services_read(&old, &now, &config, NULL), SERVICES_WRONG);
	ck_assert_str_eq(names_of(&old), "a b d");
	ck_assert_uint_eq(old.policy.bp_rules[1].br_own.bw_user_count, 1);
	services_free(&old);
	services_free(&now);
}
END_TEST

START_TEST(test_without_memory_there_are_no_rules)
{
	struct services services;

	mkdir(path_of("one"), 0700);
	write_file("one/a.conf", "[service]\nName=a\n");
	config_init(&config);
	snprintf(config.services, sizeof config.services, "%s/one", directory);
	for (uint64_t failing = 1; failing <= 2; failing++) {
		mem_fail_after(failing);
		ck_assert_int_eq(services_read(&services, NULL, &config, NULL), SERVICES_NO_MEMORY);
		mem_fail_after(0);
		ck_assert_str_eq(names_of(&services), "");
		services_free(&services);
	}
	ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

/* --- the file we ship --- */

START_TEST(test_shipped_file)
{
	const char *top = getenv("MACHD_SOURCE_DIR");
	char shipped[PATH_MAX];

	snprintf(shipped, sizeof shipped, "%s/conf/services.conf", top ? top : ".");
	ck_assert_msg(service_file_read(&list, shipped, error), "%s", error);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.entries[0].rule.br_service, "org.example.service");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service_files");
	TCase *tests = tcase_create("service_files");
	SRunner *runner;
	int failed;

	log_set_level((enum log_level)0);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, test_defaults);
	tcase_add_test(tests, test_indented);
	tcase_add_test(tests, test_who);
	tcase_add_test(tests, test_unit);
	tcase_add_test(tests, test_command);
	tcase_add_test(tests, test_user);
	tcase_add_test(tests, test_several);
	tcase_add_loop_test(tests, test_wrong, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tests, test_a_name_is_in_one_place);
	tcase_add_test(tests, test_there_is_an_end);
	tcase_add_test(tests, test_files_hide_each_other);
	tcase_add_test(tests, test_files_beside_machd_conf);
	tcase_add_test(tests, test_files_of_a_user);
	tcase_add_test(tests, test_a_file_that_is_wrong_keeps_its_rules);
	tcase_add_test(tests, test_without_memory_there_are_no_rules);
	tcase_add_test(tests, test_shipped_file);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
