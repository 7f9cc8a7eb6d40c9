/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl does not trust what it talks to: a server that is not machd, or a broken one, sends every
 * kind of wrong answer, and each time machctl says what is wrong, exits with 1 and shows nothing.
 * What is right, or will be in a later version, it takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "protocol/rows.h"
#include "protocol/watch.h"
#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

/* One answer: what is changed in a right one, and what machctl says then. */
struct answer {
	const char *says;  /* NULL: it is content */
	uint32_t length;   /* added to the length field */
	uint32_t sequence; /* added to the sequence */
	uint16_t op;	   /* added to the operation */
	uint16_t fds;	   /* in the header, though none came */
	uint32_t reserved;
	uint32_t code;
	uint32_t record_size; /* instead of the right one, if not 0 */
	uint32_t cut;	      /* bytes left out at the end */
	uint32_t longer;      /* bytes added to the record, as a newer version may do */
	uint64_t next;	      /* the page that comes next */
	bool zero_size, no_hello, refuse, huge, silent, no_record, wrong_word;
};

static const struct answer answers[] = {
	{NULL, .length = 0},
	{NULL, .longer = 8},
	{"another length", .length = 1},
	{"another request", .sequence = 1},
	{"another request", .op = 1},
	{"makes no sense", .fds = 1},
	{"makes no sense", .reserved = 1},
	{"does not know this table", .code = 4},
	{"records of 8 bytes", .record_size = 8},
	{"records of 0 bytes", .zero_size = true},
	{"which none can have", .record_size = sizeof(struct machd_watch_task) + 1},
	{"which none can have", .record_size = MACHD_ROW_MAX + MACHD_ROW_WORD},
	{"half a record", .cut = 1},
	{"half a record", .wrong_word = true},
	{"without a header", .no_record = true, .cut = 1},
	{"shorter than a header", .no_record = true, .cut = 32},
	{"same page", .next = 7},
	{"larger than a frame", .huge = true},
	{"welcome", .no_hello = true},
	{"refused: go away", .refuse = true},
	{"closed the connection", .silent = true},
	{"closed the connection", .silent = true, .no_hello = true},
};

static uint8_t packet[MACHD_FRAME_SIZE_MAX + 1];

static void answer_hello(int sock, const struct answer *plan)
{
	struct machd_welcome welcome = {.version = MACHD_PROTOCOL_VERSION};
	struct machd_frame frame = {.op = MACHD_OP_HELLO | MACHD_OP_ANSWER};
	size_t size;

	if (plan->refuse) {
		welcome.version = 0;
		strcpy(welcome.error, "go away");
	}
	size = machd_welcome_pack(&welcome, packet + sizeof frame, MACHD_HELLO_SIZE_MAX);
	if (plan->no_hello)
		memset(packet + sizeof frame, 0xdd, size);
	frame.length = (uint32_t)(sizeof frame + size);
	memcpy(packet, &frame, sizeof frame);
	send(sock, packet, frame.length, MSG_NOSIGNAL);
}

/* A record behind the header of a page; its bytes. */
static size_t put_record(uint8_t *page, const struct answer *plan)
{
	union {
		struct machd_watch_task task;
		uint8_t bytes[MACHD_ROW_MAX];
	} record = {.task = {.pid = 12345678, .sent = 77777}};
	struct machd_rows rows;

	_Static_assert(sizeof record.task / MACHD_ROW_WORD % 8 != 0, "a bit without a word");
	if (plan->no_record)
		return 0;
	machd_rows_begin(&rows, page, sizeof record.task + plan->longer);
	machd_rows_add(&rows, &record);
	if (plan->wrong_word)
		page[sizeof record.task / MACHD_ROW_WORD / 8] |= 0x80;
	return rows.used;
}

static void answer_watch(int sock, uint32_t sequence, const struct answer *plan)
{
	struct machd_watch_answer answer = {
		.code = plan->code,
		.record_size = (uint32_t)sizeof(struct machd_watch_task) + plan->longer,
		.next_task = plan->next,
	};
	struct machd_frame frame = {
		.op = (uint16_t)((MACHD_OP_WATCH | MACHD_OP_ANSWER) + plan->op),
		.fds = plan->fds,
		.sequence = sequence + plan->sequence,
		.flags = plan->reserved,
	};
	size_t size = sizeof frame + sizeof answer - plan->cut;

	if (plan->record_size || plan->zero_size)
		answer.record_size = plan->record_size;
	memset(packet, 0, sizeof packet);
	size += put_record(packet + sizeof frame + sizeof answer, plan);
	frame.length = (uint32_t)size + plan->length;
	memcpy(packet, &frame, sizeof frame);
	memcpy(packet + sizeof frame, &answer, sizeof answer);
	send(sock, packet, plan->huge ? sizeof packet : size, MSG_NOSIGNAL);
}

/* One connection, to its end. */
static void serve(int listener, const struct answer *plan)
{
	int sock = accept(listener, NULL, NULL);
	struct machd_frame frame;

	while (recv(sock, packet, sizeof packet, 0) >= (ssize_t)sizeof frame) {
		memcpy(&frame, packet, sizeof frame);
		if (plan->silent && (plan->no_hello || frame.op != MACHD_OP_HELLO))
			break;
		if (frame.op == MACHD_OP_HELLO)
			answer_hello(sock, plan);
		else
			answer_watch(sock, frame.sequence, plan);
	}
	_exit(0);
}

static void assert_judged(const struct machctl *run, const struct answer *plan)
{
	if (plan->says) {
		ck_assert_msg(strstr(run->err, plan->says) != NULL, "not '%s' but: %s", plan->says,
			      run->err);
		ck_assert_int_eq(run->status, 1);
		ck_assert_str_eq(run->out, "");
		return;
	}
	ck_assert_str_eq(run->err, "");
	ck_assert_int_eq(run->status, 0);
	ck_assert(strstr(run->out, "12345678 - ") && strstr(run->out, " 77777 "));
}

START_TEST(answers_are_judged)
{
	const struct answer *plan = &answers[_i];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[] = "/tmp/machctl-XXXXXX";
	struct machctl run;
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t server;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", directory);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	server = fork();
	if (server == 0)
		serve(listener, plan);
	machctl_run(&run, "ps", "--socket", address.sun_path, NULL);
	assert_judged(&run, plan);
	machctl_free(&run);
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
	close(listener);
	unlink(address.sun_path);
	rmdir(directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machctl distrust");
	TCase *tcase = tcase_create("a server that is not machd");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, answers_are_judged, 0, (int)(sizeof answers / sizeof *answers));
	return flow_run(suite);
}
