/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl metrics writes OpenMetrics, which this test reads as strictly as the standard has it, and
 * the numbers are true.
 */
#include <ctype.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

/* The family that is being read. */
struct family {
	char name[64], type[16], unit[16];
	bool helped;
};

static bool is_name(const char *text, size_t length)
{
	if (length == 0 || isdigit((unsigned char)*text))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* "# TYPE name type", UNIT and HELP, in this order, once for each family. */
static bool read_comment(const char *line, struct family *family, char *seen, size_t room)
{
	char word[8], name[64], rest[200], mark[72];

	if (sscanf(line, "# %7s %63s %199[^\n]", word, name, rest) != 3 ||
	    !is_name(name, strlen(name)))
		return false;
	if (strcmp(word, "TYPE") == 0) {
		snprintf(mark, sizeof mark, " %s ", name);
		if (strstr(seen, mark) ||
		    (strcmp(rest, "gauge") != 0 && strcmp(rest, "counter") != 0))
			return false;
		snprintf(seen + strlen(seen), room - strlen(seen), " %s ", name);
		*family = (struct family){.helped = false};
		strcpy(family->name, name);
		snprintf(family->type, sizeof family->type, "%.15s", rest);
		return !ends_with(name, "_total");
	}
	if (strcmp(name, family->name) != 0 || family->helped)
		return false;
	if (strcmp(word, "UNIT") == 0) {
		char end[32];

		snprintf(family->unit, sizeof family->unit, "%.15s", rest);
		snprintf(end, sizeof end, "_%s", family->unit);
		return ends_with(name, end);
	}
	family->helped = strcmp(word, "HELP") == 0;
	return family->helped;
}

/* {key="value",...}; what follows, or NULL. */
static const char *read_labels(const char *at)
{
	do {
		const char *name = ++at;

		at += strcspn(at, "=");
		if (!is_name(name, (size_t)(at - name)) || at[0] != '=' || at[1] != '"')
			return NULL;
		for (at += 2; *at != '"'; at++) {
			if (*at == '\n' || !*at)
				return NULL;
			if (*at == '\\' && !strchr("\\\"n", *++at))
				return NULL;
		}
		at++;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

/* name{labels} number */
static bool read_sample(const char *line, const struct family *family)
{
	size_t length = strcspn(line, "{ ");
	bool counter = strcmp(family->type, "counter") == 0;
	char name[80];
	const char *at = line + length;
	char *end;

	snprintf(name, sizeof name, "%s%s", family->name, counter ? "_total" : "");
	if (strlen(name) != length || strncmp(line, name, length) != 0 || !family->helped)
		return false;
	if (*at == '{')
		at = read_labels(at);
	if (!at || *at != ' ' || (!isdigit((unsigned char)at[1])))
		return false;
	strtod(at + 1, &end);
	return *end == '\n';
}

/* Whole texts only: each line, and "# EOF" at the end. */
static bool metrics_valid(const char *text)
{
	struct family family = {.helped = false};
	char seen[4096] = "";

	for (; strcmp(text, "# EOF\n") != 0; text += strcspn(text, "\n") + 1) {
		if (!strchr(text, '\n'))
			return false;
		if (*text == '#' ? !read_comment(text, &family, seen, sizeof seen)
				 : !read_sample(text, &family))
			return false;
	}
	return true;
}

/* The value of a sample; the test fails if there is none. */
static uint64_t value_of(const char *text, const char *sample)
{
	char start[128];
	const char *found;

	snprintf(start, sizeof start, "\n%s ", sample);
	found = strstr(text, start);
	ck_assert_msg(found != NULL, "no %s in: %s", sample, text);
	return strtoull(found + strlen(start), NULL, 10);
}

static void look(struct machctl *run)
{
	machctl_run(run, "metrics", NULL);
	ck_assert_str_eq(run->err, "");
	ck_assert_int_eq(run->status, 0);
	ck_assert_msg(metrics_valid(run->out), "not OpenMetrics: %s", run->out);
}

START_TEST(numbers_are_true)
{
	char sample[80];
	mach_port_t port;
	struct flow_message message;
	struct machctl before, after;

	CHECK_OK(bootstrap_check_in(bootstrap_port, "org.machd.\"a\\b\"\n", &port));
	CHECK_OK(mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND));
	look(&before);
	flow_fill(port, 4);
	CHECK_OK(flow_receive(port, &message));
	look(&after);
#define GREW(text) (value_of(after.out, text) - value_of(before.out, text))
	snprintf(sample, sizeof sample, "machd_user_messages_sent_total{uid=\"%u\"}", getuid());
	ck_assert_uint_eq(GREW(sample), 4);
	snprintf(sample, sizeof sample, "machd_user_messages_received_total{uid=\"%u\"}", getuid());
	ck_assert_uint_eq(GREW(sample), 1);
	snprintf(sample, sizeof sample, "machd_user_messages{uid=\"%u\"}", getuid());
	ck_assert_uint_eq(GREW(sample), 3);
	/* The daemon is this user's: it sees all. */
	ck_assert_uint_eq(GREW("machd_messages_sent_total"), 4);
	ck_assert_uint_eq(value_of(after.out, "machd_tasks"), 1);
	ck_assert_uint_eq(value_of(after.out, "machd_queue_depth_most"), 3);
	ck_assert_uint_eq(value_of(after.out, "machd_queue_depth{service=\"org.machd."
					      "\\\"a\\\\b\\\"\\n\"}"),
			  3);
	ck_assert_uint_eq(value_of(after.out, "machd_limit{limit=\"ChannelsPerTask\"}"), 4096);
	CHECK_OK(mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1));
	machctl_free(&before);
	look(&before);
	snprintf(sample, sizeof sample, "machd_user_messages_destroyed_total{uid=\"%u\"}",
		 getuid());
	ck_assert_uint_eq(value_of(before.out, sample) - value_of(after.out, sample), 3);
#undef GREW
	machctl_free(&before);
	machctl_free(&after);
}
END_TEST

START_TEST(the_same_as_json)
{
	struct machctl run;
	char *line;

	machctl_run(&run, "metrics", "--json", NULL);
	ck_assert_int_eq(run.status, 0);
	ck_assert(json_valid(run.out));
	line = machctl_line(run.out, "\"uid\": null");
	ck_assert_ptr_nonnull(line);
	ck_assert_uint_eq(json_number_in(line, "tasks"), 1);
	free(line);
	machctl_free(&run);
}
END_TEST

/* What the other tests lean on. */
START_TEST(bad_metrics_are_noticed)
{
#define HEAD(type) "# TYPE a_b " type "\n# HELP a_b Some text.\n"
	static const char *const bad[] = {
		"",
		"a_b 1\n# EOF\n",
		HEAD("gauge") "a_b 1\n",
		HEAD("gauge") "a_b x\n# EOF\n",
		HEAD("gauge") "a_b_total 1\n# EOF\n",
		HEAD("counter") "a_b 1\n# EOF\n",
		HEAD("gauge") HEAD("gauge") "a_b 1\n# EOF\n",
		HEAD("gauge") "a_b{c=\"d} 1\n# EOF\n",
		HEAD("gauge") "a_b{c=\"\\d\"} 1\n# EOF\n",
		"# TYPE a_b gauge\n# UNIT a_b bytes\n# HELP a_b x\na_b 1\n# EOF\n",
		"# TYPE a_b gauge\na_b 1\n# EOF\n",
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!metrics_valid(bad[i]), "taken for OpenMetrics: %s", bad[i]);
	ck_assert(metrics_valid(HEAD("counter") "a_b_total{c=\"\\\"\",e=\"\"} 1.5\n# EOF\n"));
#undef HEAD
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl_metrics");
	TCase *tcase = flow_case(suite, "real daemon");

	tcase_add_test(tcase, numbers_are_true);
	tcase_add_test(tcase, the_same_as_json);
	tcase_add_test(tcase, bad_metrics_are_noticed);
	return flow_run(suite);
}
