/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl trace` beside a client that goes on sending: live, filtered, as lines and as JSON. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/machctl/trace_file.h"
#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

/* machctl in a thread of its own, with up to four arguments behind "trace". */
struct trace {
	const char *argument[4];
	struct machctl run;
	atomic_bool done;
};

static void *run_trace(void *context)
{
	struct trace *trace = context;

	machctl_run(&trace->run, "trace", trace->argument[0], trace->argument[1],
		    trace->argument[2], trace->argument[3], NULL);
	trace->done = true;
	return NULL;
}

/* Send messages with two ids, and let notifications come, until it has seen enough. */
static void send_until_done(struct trace *trace, mach_port_t port)
{
	struct flow_message message;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, run_trace, trace) == 0);
	while (!trace->done) {
		flow_send_to(port, MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
			     1111);
		flow_send_to(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 2222);
		while (flow_receive(port, &message) == MACH_MSG_SUCCESS)
			if (message.header.msgh_remote_port)
				CHECK_OK(mach_port_deallocate(mach_task_self(),
							      message.header.msgh_remote_port));
	}
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_EQ(trace->run.status, 0);
	ck_assert_str_eq(trace->run.err, "");
}

static unsigned line_count(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

START_TEST(messages_are_shown_while_they_are_sent)
{
	struct trace trace = {.argument = {"--count", "3"}};
	char pair[32];

	send_until_done(&trace, flow_port());
	ck_assert_uint_eq(line_count(trace.run.out), 1 + 3);
	ck_assert_int_eq(strncmp(trace.run.out, "       TIME    FROM      TO", 27), 0);
	snprintf(pair, sizeof pair, " %7d %7d ", getpid(), getpid());
	ck_assert_ptr_nonnull(strstr(trace.run.out, pair));
	machctl_free(&trace.run);
}
END_TEST

START_TEST(an_id_can_be_picked)
{
	struct trace trace = {.argument = {"--json", "--count=2", "--id=1111"}};
	char *line;

	send_until_done(&trace, flow_port());
	ck_assert_uint_eq(line_count(trace.run.out), 2);
	line = machctl_line(trace.run.out, "\"id\": 1111");
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(json_valid(line), "not JSON: %s", line);
	ck_assert_uint_eq(json_number_in(line, "from"), (unsigned)getpid());
	ck_assert_uint_eq(json_number_in(line, "to"), (unsigned)getpid());
	ck_assert_uint_eq(json_number_in(line, "ports"), 0);
	ck_assert_ptr_nonnull(strstr(line, "\"what\": \"src_sonce\""));
	ck_assert_ptr_null(machctl_line(trace.run.out, "\"id\": 2222"));
	free(line);
	machctl_free(&trace.run);
}
END_TEST

START_TEST(a_notification_has_its_name)
{
	struct trace trace = {.argument = {"--json", "--count=1", "--id=71"}};

	send_until_done(&trace, flow_port());
	ck_assert_ptr_nonnull(strstr(trace.run.out, "\"from\": null"));
	ck_assert_ptr_nonnull(strstr(trace.run.out, "\"what\": \"send-once dst_sonce"));
	machctl_free(&trace.run);
}
END_TEST

START_TEST(a_port_can_be_picked)
{
	mach_port_t port = flow_port(), other = flow_port();
	char object[32], pid[16], member[64], *line;
	struct trace trace = {.argument = {"--json", "--count=2", object, pid}};
	struct flow_message message;
	struct machctl ports;

	snprintf(pid, sizeof pid, "%d", getpid());
	machctl_run(&ports, "ports", pid, "--json", NULL);
	snprintf(member, sizeof member, "\"name\": %u,", port);
	line = machctl_line(ports.out, member);
	ck_assert_ptr_nonnull(line);
	snprintf(object, sizeof object, "--port=%llu",
		 (unsigned long long)json_number_in(line, "object"));
	free(line);
	machctl_free(&ports);
	flow_fill(other, 2);
	send_until_done(&trace, port);
	ck_assert_uint_eq(line_count(trace.run.out), 2);
	snprintf(member, sizeof member, "\"object\": %s,", object + strlen("--port="));
	ck_assert_ptr_nonnull(strstr(trace.run.out, member));
	while (flow_receive(other, &message) == MACH_MSG_SUCCESS)
		;
	machctl_free(&trace.run);
}
END_TEST

/* What went to a file can be read from it, with filters, when there is no daemon. */
START_TEST(records_can_be_kept_in_a_file)
{
	char path[128], pid[16];
	struct trace trace = {.argument = {"--count=6", "-w", path}};
	struct machctl run;

	snprintf(path, sizeof path, "%s.trace", flow_socket());
	send_until_done(&trace, flow_port());
	ck_assert_str_eq(trace.run.out, "");
	ck_assert_int_eq(trace.run.status, 0);
	machctl_free(&trace.run);
	flow_crash();
	machctl_run(&run, "trace", "-r", path, "--json", NULL);
	ck_assert_int_eq(run.status, 0);
	ck_assert_str_eq(run.err, "");
	ck_assert_uint_eq(line_count(run.out), 6);
	machctl_free(&run);
	snprintf(pid, sizeof pid, "%d", getpid());
	machctl_run(&run, "trace", "-r", path, "-n", "2", pid, NULL);
	ck_assert_uint_eq(line_count(run.out), 1 + 2);
	machctl_free(&run);
	machctl_run(&run, "trace", "-r", path, "1", NULL);
	ck_assert_uint_eq(line_count(run.out), 1);
	machctl_free(&run);
	unlink(path);
}
END_TEST

/* Files that are none, and what is said of them. */
static const struct {
	const char *says;
	size_t offset; /* of a byte that is changed; SIZE_MAX: none */
	long cut;      /* bytes left out at the end */
} damages[] = {
	{NULL, SIZE_MAX, 0},
	{"is no file that", 0, 0},
	{"is no file that", SIZE_MAX, 80 + 1},
	{"version", 8, 0},
	{"another byte order", 12, 0},
	{"is damaged", 17, 0},
	{"is damaged", 20, 0},
	{"in the middle of a record", SIZE_MAX, 1},
};

START_TEST(damaged_files_are_noticed)
{
	struct trace_file_header header = {
		.magic = TRACE_FILE_MAGIC,
		.version = TRACE_FILE_VERSION,
		.order = TRACE_FILE_ORDER,
		.header_size = sizeof header,
		.record_size = sizeof(struct machd_watch_message),
	};
	struct machd_watch_message message = {.number = 1};
	uint8_t bytes[sizeof header + sizeof message];
	char path[128];
	struct machctl run;
	FILE *file;

	memcpy(bytes, &header, sizeof header);
	memcpy(bytes + sizeof header, &message, sizeof message);
	if (damages[_i].offset != SIZE_MAX)
		bytes[damages[_i].offset] ^= 0x41;
	snprintf(path, sizeof path, "%s.trace", flow_socket());
	file = fopen(path, "we");
	CHECK(file && fwrite(bytes, sizeof bytes - (size_t)damages[_i].cut, 1, file) == 1 &&
	      fclose(file) == 0);
	machctl_run(&run, "trace", "-r", path, "--json", NULL);
	if (damages[_i].says) {
		ck_assert_int_eq(run.status, 1);
		ck_assert_msg(strstr(run.err, damages[_i].says) != NULL, "says: %s", run.err);
	} else {
		ck_assert_int_eq(run.status, 0);
		ck_assert_uint_eq(line_count(run.out), 1);
	}
	machctl_free(&run);
	unlink(path);
}
END_TEST

START_TEST(nonsense_is_explained)
{
	struct machctl run;

	machctl_run(&run, "trace", "--id", "many", NULL);
	CHECK_EQ(run.status, 2);
	ck_assert_ptr_nonnull(strstr(run.err, "'many' is not a number"));
	machctl_free(&run);
	machctl_run(&run, "trace", "2147483647", NULL);
	CHECK_EQ(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "there is no process 2147483647"));
	machctl_free(&run);
	machctl_run(&run, "ps", "--id", "1", NULL);
	CHECK_EQ(run.status, 2);
	machctl_free(&run);
}
END_TEST

/* The notes that perf and bpftrace look for. */
START_TEST(the_program_has_its_probes)
{
	static const char *const probes[] = {"message_send", "message_receive", "message_destroy"};
	char command[512], line[256];
	unsigned found = 0;
	FILE *notes;

	snprintf(command, sizeof command, "readelf -n '%s'", getenv("MACHD_BINARY"));
	notes = popen(command, "r");
	ck_assert_ptr_nonnull(notes);
	while (fgets(line, sizeof line, notes))
		for (unsigned i = 0; i < 3; i++)
			if (strstr(line, probes[i]))
				found |= 1u << i;
	CHECK_EQ(pclose(notes), 0);
	ck_assert_uint_eq(found, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl_trace");
	TCase *tcase = flow_case(suite, "trace");

	tcase_add_test(tcase, messages_are_shown_while_they_are_sent);
	tcase_add_test(tcase, an_id_can_be_picked);
	tcase_add_test(tcase, a_notification_has_its_name);
	tcase_add_test(tcase, a_port_can_be_picked);
	tcase_add_test(tcase, records_can_be_kept_in_a_file);
	tcase_add_loop_test(tcase, damaged_files_are_noticed, 0, sizeof damages / sizeof *damages);
	tcase_add_test(tcase, nonsense_is_explained);
	tcase_add_test(tcase, the_program_has_its_probes);
	return flow_run(suite);
}
