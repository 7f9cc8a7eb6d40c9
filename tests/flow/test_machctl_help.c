/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machctl says about itself is true: every key of its JSON is in the help of its command,
 * whose lines fit a terminal, and a failure is not preceded by headings.
 */
#include <ctype.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

/* Another one for each test: the last one's may be on its way out. */
static char service[32];

/* Is it a word of the text, and no part of one? */
static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++) {
		bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
		bool ends = !(isalnum((unsigned char)at[length]) || at[length] == '_');

		if (begins && ends)
			return true;
	}
	return false;
}

/* The key that begins behind a quotation mark: what has `": ` behind it. */
static bool is_key(const char *begin, char *key, size_t size)
{
	const char *end = strchr(begin, '"');

	if (!end || end[1] != ':' || end[2] != ' ' || (size_t)(end - begin) >= size)
		return false;
	memcpy(key, begin, (size_t)(end - begin));
	key[end - begin] = '\0';
	return true;
}

static void check_keys(const char *command, const char *json, const char *help)
{
	const char *schema = strstr(help, "--json: ");
	unsigned count = 0;
	char key[64];

	CHECK(schema != NULL);
	for (const char *at = json; (at = strchr(at, '"')); at++) {
		if (!is_key(at + 1, key, sizeof key))
			continue;
		count++;
		if (!has_word(schema, key))
			flow_fail(__FILE__, __LINE__, "machctl %s --help does not tell of %s",
				  command, key);
	}
	if (count == 0)
		flow_fail(__FILE__, __LINE__, "machctl %s: no keys in: %s", command, json);
}

/* Each shows something of a task that has a name and a message in its queue. */
static const char *const commands[][4] = {
	{"ps"},	    {"ports"}, {"port", service}, {"names"},	      {"queues"},
	{"limits"}, {"graph"}, {"metrics"},	  {"top", "-n", "1"},
};

static void make_things(int number)
{
	struct {
		mach_msg_header_t header;
		mach_msg_max_trailer_t trailer;
	} message = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0)}};
	mach_port_t port;

	snprintf(service, sizeof service, "org.example.helped.%d", number);
	CHECK_EQ(bootstrap_check_in(bootstrap_port, service, &port), BOOTSTRAP_SUCCESS);
	message.header.msgh_remote_port = port;
	CHECK_EQ(mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, MACH_PORT_NULL,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		 MACH_MSG_SUCCESS);
}

START_TEST(every_key_is_in_the_help)
{
	const char *const *words = commands[_i];
	struct machctl run, help;

	make_things(_i);
	machctl_run(&help, words[0], "--help", NULL);
	machctl_run(&run, words[0], "--json", words[1] ? words[1] : (const char *)NULL, words[2],
		    words[3], NULL);
	ck_assert_int_eq(help.status, 0);
	ck_assert_msg(run.status == 0, "%s", run.err);
	check_keys(words[0], run.out, help.out);
	machctl_free(&run);
	machctl_free(&help);
}
END_TEST

START_TEST(what_cannot_be_read_has_no_headings)
{
	struct machctl run;

	machctl_run(&run, "trace", "-r", "/nonexistent", NULL);
	ck_assert_int_eq(run.status, 1);
	ck_assert_str_eq(run.out, "");
	machctl_free(&run);
	machctl_run(&run, "trace", "--socket", "/nonexistent", NULL);
	ck_assert_int_eq(run.status, 3);
	ck_assert_str_eq(run.out, "");
	machctl_free(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl help");
	TCase *tcase = flow_case(suite, "help");

	tcase_add_loop_test(tcase, every_key_is_in_the_help, 0,
			    (int)(sizeof commands / sizeof *commands));
	tcase_add_test(tcase, what_cannot_be_read_has_no_headings);
	return flow_run(suite);
}
