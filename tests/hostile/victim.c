/* SPDX-License-Identifier: Apache-2.0 */
/* The machd process under attack, and what must be true of it afterwards. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/ops.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>

#define DEADLINE_SECONDS 40
#define SERVICE		 "org.machd.test.echo"

struct victim victim;

/* Waiting. */

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Let others run between two looks at a condition; fails behind the deadline. */
static void look_again(time_t since, const char *what)
{
	static const struct timespec pause = {0, 1000000};

	ck_assert_msg(seconds() - since < DEADLINE_SECONDS, "waited in vain: %s", what);
	nanosleep(&pause, NULL);
}

unsigned victim_descriptors(void)
{
	char path[64];
	unsigned count = 0;
	DIR *directory;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)victim.pid);
	directory = opendir(path);
	ck_assert_msg(directory != NULL, "the victim is gone");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

/* The last line of the log that contains `text` goes to `last`. */
static unsigned find_lines(const char *text, char *last, size_t size)
{
	char line[2048];
	unsigned count = 0;
	FILE *log = fopen(victim.log, "r");

	ck_assert_ptr_nonnull(log);
	while (fgets(line, sizeof line, log)) {
		if (strstr(line, text)) {
			count++;
			snprintf(last, size, "%s", line);
		}
	}
	fclose(log);
	return count;
}

unsigned victim_lines(const char *text)
{
	char last[2048];

	return find_lines(text, last, sizeof last);
}

void victim_unharmed(unsigned drops, const char *reason)
{
	time_t since = seconds();
	char last[2048] = "";
	unsigned found;

	while (victim_descriptors() != victim.descriptors)
		look_again(since, "for the victim's descriptors to be closed");
	victim_serves();
	found = find_lines("machd: warning: dropped pid ", last, sizeof last);
	if (drops == VICTIM_DROPS_ANY)
		drops = found - victim.drops;
	victim.drops += drops;
	ck_assert_uint_eq(found, victim.drops);
	ck_assert_msg(drops == 0 || !reason || strstr(last, reason), "\"%s\" is not in: %s", reason,
		      last);
}

/* The innocents. */

static void bootstrap(struct raw *raw, uint32_t routine, uint32_t *port)
{
	struct bootstrap_look_up_in in = {SERVICE};

	ck_assert_uint_eq(
		raw_call(raw, routine, raw->welcome.bootstrap, &in, sizeof in, port, sizeof *port),
		0);
}

static void start_innocents(void)
{
	raw_join(&victim.server);
	bootstrap(&victim.server, MACHD_ROUTINE_bootstrap_check_in, &victim.service);
	raw_join(&victim.client);
	bootstrap(&victim.client, MACHD_ROUTINE_bootstrap_look_up, &victim.send);
	victim.reply = raw_port(&victim.client);
	victim_serves();
}

static void request(struct raw *raw, const void *body, size_t size)
{
	ck_assert(raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, body, size, NULL, 0));
}

/* The answer to the last request: a message was received; its header. */
static mach_msg_header_t received(const struct raw *raw)
{
	uint8_t packet[512];
	struct machd_frame frame;
	struct machd_message_answer answer;
	mach_msg_header_t header;
	size_t size = raw_receive(raw, packet, sizeof packet, NULL);

	ck_assert_uint_ge(size, sizeof frame + sizeof answer + sizeof header);
	memcpy(&frame, packet, sizeof frame);
	memcpy(&answer, packet + sizeof frame, sizeof answer);
	memcpy(&header, packet + sizeof frame + sizeof answer, sizeof header);
	ck_assert_uint_eq(frame.sequence, raw->sequence);
	ck_assert_uint_eq(answer.code, MACH_MSG_SUCCESS);
	return header;
}

void victim_serves(void)
{
	struct raw_message receive = {.args = {.option = MACH_RCV_MSG, .rcv_size = 256}};
	struct raw_message message;
	mach_msg_header_t header;
	uint8_t packet[128];

	receive.args.rcv_name = victim.service;
	request(&victim.server, &receive.args, sizeof receive.args);
	message = raw_message(
		victim.send, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE));
	message.local = message.args.rcv_name = victim.reply;
	message.args.option |= MACH_RCV_MSG;
	message.args.rcv_size = 256;
	message.id = 4711;
	request(&victim.client, &message, sizeof message);
	header = received(&victim.server);
	ck_assert_int_eq(header.msgh_id, 4711);
	message = raw_message(header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE);
	message.id = 4712;
	request(&victim.server, &message, sizeof message);
	ck_assert_uint_gt(raw_receive(&victim.server, packet, sizeof packet, NULL), 0);
	header = received(&victim.client);
	ck_assert_int_eq(header.msgh_id, 4712);
}

/* The process. */

static void become_victim(unsigned descriptors, int ready)
{
	struct rlimit limit = {descriptors, descriptors};
	const char *binary = getenv("MACHD_BINARY");
	char number[16];
	int log = open(victim.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	close(log);
	if (descriptors)
		setrlimit(RLIMIT_NOFILE, &limit);
	snprintf(number, sizeof number, "%d", ready);
	/* At level debug no line about a drop is hidden for being one of many. */
	execl(binary, binary, "--foreground", "--socket", victim.socket, "--ready-fd", number,
	      "--log-level", "debug", "--record", victim.record, (char *)NULL);
	_exit(127);
}

static void make_paths(void)
{
	const char *top = getenv("TMPDIR");

	snprintf(victim.directory, sizeof victim.directory, "%s/machd-hostile-XXXXXX",
		 top && strlen(top) < 30 ? top : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(victim.directory));
	snprintf(victim.socket, sizeof victim.socket, "%s/socket", victim.directory);
	snprintf(victim.log, sizeof victim.log, "%s/log", victim.directory);
	snprintf(victim.record, sizeof victim.record, "%s/record", victim.directory);
}

void victim_start(unsigned descriptors)
{
	int ready[2];
	char byte;

	ck_assert_msg(getenv("MACHD_BINARY") != NULL, "MACHD_BINARY says which machd to test");
	memset(&victim, 0, sizeof victim);
	make_paths();
	ck_assert_int_eq(pipe(ready), 0);
	victim.pid = fork();
	ck_assert_int_ge(victim.pid, 0);
	if (victim.pid == 0) {
		close(ready[0]);
		become_victim(descriptors, ready[1]);
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &byte, 1) == 1, "machd did not start, see %s", victim.log);
	close(ready[0]);
	start_innocents();
	victim.descriptors = victim_descriptors();
}

/* A process of ours ends by itself, with 0. */
static void await_end(pid_t pid, const char *what)
{
	time_t since = seconds();
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0)
		look_again(since, what);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "%s: it ended with status %d, see %s", what, status, victim.log);
}

/* The same attack on a machine without sockets: it does the same, byte for byte. */
static void replay(void)
{
	const char *binary = getenv("MACHD_BINARY");
	pid_t pid = fork();
	int log;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		log = open(victim.log, O_WRONLY | O_APPEND);
		dup2(log, STDOUT_FILENO);
		execl(binary, binary, "--replay", victim.record, (char *)NULL);
		_exit(127);
	}
	await_end(pid, "for the replay");
}

void victim_stop(void)
{
	victim_serves();
	ck_assert_int_eq(kill(victim.pid, SIGTERM), 0);
	await_end(victim.pid, "for the victim to stop");
	ck_assert_uint_eq(victim_lines("stopped; 0 pieces of memory are left"), 1);
	ck_assert_int_lt(access(victim.socket, F_OK), 0);
	replay();
	raw_close(&victim.server);
	raw_close(&victim.client);
	unlink(victim.log);
	unlink(victim.record);
	rmdir(victim.directory);
}

void victim_setup(void)
{
	victim_start(0);
}

int hostile_run(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
		void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
