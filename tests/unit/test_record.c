/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording and replaying: what the recorder writes is replayed to the same outputs and the same
 * digest, a record that was changed is noticed, and no bytes whatever can do more than that.
 */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/keep/record.h"
#include "daemon/keep/record_format.h"
#include "daemon/keep/replay.h"
#include "protocol/frame.h"
#include "protocol/ops.h"

#include <mach/message.h>
#include <mach/port.h>

#define MS 1000000u

/* Bytes before the first entry. */
#define POLICY (sizeof(struct record_header) + sizeof(struct machd_limits))
#define HEADER (POLICY + offsetof(struct ipc_policy, p_rules) + sizeof(struct boot_policy_head))

static char path[] = "/tmp/machd-record-XXXXXX";

/* The world of the recorded machine: it remembers the last answer and the last timer. */
static struct {
	struct record *record;
	struct ipc_host *host;
	uint64_t now;
	uint8_t answer[MACHD_FRAME_SIZE_MAX];
	size_t answer_size;
	uint64_t deadline, alarm;
	unsigned outputs, released;
} world;

static void out_answer(void *context, struct ipc_thread *thread, const struct ipc_answer *answer)
{
	(void)context;
	(void)thread;
	memcpy(world.answer, answer->packet, answer->size);
	world.answer_size = answer->size;
	world.outputs++;
}

static void out_timer(void *context, struct ipc_thread *thread, uint64_t deadline)
{
	(void)context;
	(void)thread;
	world.deadline = deadline;
	world.outputs++;
}

static void out_alarm(void *context, uint64_t deadline)
{
	(void)context;
	world.alarm = deadline;
	world.outputs++;
}

static void out_release(void *context, ipc_fd_t fd)
{
	(void)context;
	(void)fd;
	world.released++;
	world.outputs++;
}

static void out_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	(void)context;
	(void)uid;
	(void)on;
	ck_abort_msg("pid %d is boosted", pid);
}

static void out_text(void *context, const char *text)
{
	(void)context;
	ck_abort_msg("%s", text);
}

static void out_ring(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on)
{
	(void)context;
	(void)ring;
	(void)quiet;
	(void)on;
	world.outputs++;
}

static void out_start(void *context, uint64_t id, const char *service, uint64_t deadline)
{
	(void)context;
	(void)id;
	(void)service;
	(void)deadline;
	world.outputs++;
}

static void out_started(void *context, uint64_t id, bool checked_in)
{
	(void)context;
	(void)id;
	(void)checked_in;
	world.outputs++;
}

static void out_board(void *context, struct ipc_thread *thread, ipc_fd_t fd)
{
	(void)context;
	(void)thread;
	(void)fd;
	world.outputs++;
}

static void out_window(void *context, struct ipc_thread *thread, unsigned index,
		       machd_window_t window)
{
	(void)context;
	(void)thread;
	(void)index;
	(void)window;
	world.outputs++;
}

static void out_lend(void *context, struct ipc_thread *thread, uint32_t count)
{
	(void)context;
	(void)thread;
	(void)count;
	world.outputs++;
}

static uint32_t out_settle(void *context, struct ipc_thread *thread, bool over)
{
	(void)over;
	(void)context;
	(void)thread;
	world.outputs++;
	return 1;
}

static bool out_usage(void *context, int32_t pid, struct ipc_usage *usage)
{
	(void)context;
	*usage = (struct ipc_usage){.us_virtual = (uint64_t)pid};
	world.outputs++;
	return true;
}

static ipc_fd_t out_memory(void *context, const void *bytes, size_t size)
{
	(void)context;
	(void)bytes;
	(void)size;
	world.outputs++;
	return IPC_FD_NONE;
}

static const struct ipc_outbox outbox = {
	NULL,	    out_answer, out_timer,  out_alarm, out_release, out_text,
	out_boost,  out_text,	out_ring,   out_start, out_started, out_board,
	out_window, out_lend,	out_settle, out_usage, out_memory};

static const char *feed(struct trap_input *input)
{
	world.now += MS;
	input->now = world.now;
	return record_input(world.record, world.host, input);
}

static void begin(const char *where)
{
	struct trap_config config = {.seed = 42, .owner_uid = 1000, .key = "sixteen bytes..."};

	memset(&world, 0, sizeof world);
	machd_limits_init(&config.limits);
	world.record = record_open(where, &config);
	ck_assert_ptr_nonnull(world.record);
	world.host = trap_start(&config, record_outbox(world.record, &outbox));
	ck_assert_ptr_nonnull(world.host);
}

static struct ipc_thread *connect_peer(uint64_t channel)
{
	struct trap_input input = {
		.kind = TRAP_CONNECT,
		.channel = channel,
		.peer = {.uid = 1000, .gid = 100, .pid = 7, .pidversion = (uint32_t)channel},
	};

	memset(input.peer.token, (int)channel, sizeof input.peer.token);
	ck_assert_ptr_null(feed(&input));
	return input.thread;
}

static const char *frame(struct ipc_thread *thread, enum machd_op op, uint32_t sequence,
			 const void *body, size_t size, const struct trap_fd *fd)
{
	uint8_t packet[512];
	struct machd_frame head = {(uint32_t)(sizeof head + size), (uint16_t)op, fd ? 1 : 0,
				   sequence, 0};
	struct trap_input input = {
		.kind = TRAP_FRAME,
		.thread = thread,
		.packet = packet,
		.size = head.length,
		.fds = fd,
		.fd_count = fd ? 1 : 0,
	};

	ck_assert_uint_le(head.length, sizeof packet);
	memcpy(packet, &head, sizeof head);
	memcpy(packet + sizeof head, body, size);
	return feed(&input);
}

static void other(enum trap_input_kind kind, struct ipc_thread *thread)
{
	struct trap_input input = {.kind = kind, .thread = thread};

	ck_assert_ptr_null(feed(&input));
}

static struct machd_welcome hello(struct ipc_thread *thread)
{
	struct machd_hello hello = {.version_oldest = 1,
				    .version_newest = 1,
				    .word = 64,
				    .role = MACHD_ROLE_TASK,
				    .pid_namespace = 1};
	struct machd_welcome welcome;
	uint8_t bytes[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, bytes, sizeof bytes);

	ck_assert_ptr_null(frame(thread, MACHD_OP_HELLO, 0, bytes, size, NULL));
	ck_assert_ptr_null(machd_welcome_unpack(world.answer + sizeof(struct machd_frame),
						world.answer_size - sizeof(struct machd_frame),
						&welcome));
	return welcome;
}

static uint32_t allocate(struct ipc_thread *thread, uint32_t sequence, uint32_t self)
{
	struct {
		struct machd_call call;
		struct mach_port_allocate_in in;
	} body = {{MACHD_ROUTINE_mach_port_allocate, self}, {MACH_PORT_RIGHT_RECEIVE}};
	struct mach_port_allocate_out out;

	ck_assert_ptr_null(frame(thread, MACHD_OP_CALL, sequence, &body, sizeof body, NULL));
	memcpy(&out, world.answer + sizeof(struct machd_frame) + sizeof(struct machd_call_answer),
	       sizeof out);
	return out.name;
}

struct message {
	struct machd_message_args args;
	mach_msg_header_t header;
};

static struct message message_to(uint32_t port, uint32_t size)
{
	return (struct message){
		.args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY, .send_size = size},
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
			   .msgh_size = size,
			   .msgh_remote_port = port,
			   .msgh_id = 99},
	};
}

/* Something of everything: two tasks, messages, a memfd, a time-out, limits, a breach. */
static void live(void)
{
	struct ipc_thread *one = connect_peer(1), *two = connect_peer(2);
	struct machd_welcome welcome = hello(one);
	uint32_t port = allocate(one, 1, welcome.self);
	struct machd_message_args receive = {
		.option = MACH_RCV_MSG, .rcv_name = port, .rcv_size = 1000};
	struct trap_fd body = {.handle = 0x500000006, .size = 100000, .sealed = 1};
	struct message message = message_to(port, sizeof message.header);
	static const struct ipc_policy policy = {
		.p_filtered = {.us_all = 1}, .p_rule_count = 1, .p_rules = {{"*", 1, 0}}};
	struct machd_limits limits;
	struct trap_input input = {.kind = TRAP_LIMITS, .limits = &limits};

	hello(two);
	frame(one, MACHD_OP_MESSAGE, 2, &message, sizeof message, NULL);
	frame(one, MACHD_OP_MESSAGE, 3, &receive, sizeof receive, NULL);
	ck_assert_uint_gt(world.answer_size, sizeof(struct machd_frame) + sizeof message.header);
	receive.option |= MACH_RCV_TIMEOUT;
	receive.timeout = 3;
	frame(one, MACHD_OP_MESSAGE, 4, &receive, sizeof receive, NULL);
	ck_assert_uint_gt(world.deadline, world.now);
	world.now = world.deadline;
	other(TRAP_TIMEOUT, one);
	message = message_to(port, sizeof message.header + 100000);
	ck_assert_ptr_null(frame(one, MACHD_OP_MESSAGE, 5, &message, sizeof message, &body));
	machd_limits_init(&limits);
	limits.channels = 20;
	ck_assert_ptr_null(feed(&input));
	input = (struct trap_input){.kind = TRAP_POLICY, .policy = &policy};
	ck_assert_ptr_null(feed(&input));
	ck_assert_ptr_nonnull(frame(two, MACHD_OP_CALL, 9, "", 0, NULL));
	other(TRAP_DISCONNECT, two);
	if (trap_has_work(world.host))
		other(TRAP_WORK, NULL);
}

static void end(void)
{
	record_stop(world.record, world.host);
	ck_assert_uint_eq(mem_live(), 0);
}

static struct replay_report replayed(void)
{
	struct replay_report report;

	replay_file(path, &report);
	ck_assert_uint_eq(mem_live(), 0);
	return report;
}

/* A record in memory, to be changed. */
static size_t load(uint8_t **bytes)
{
	FILE *file = fopen(path, "r");
	struct stat st;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fstat(fileno(file), &st), 0);
	*bytes = malloc((size_t)st.st_size);
	ck_assert_uint_eq(fread(*bytes, 1, (size_t)st.st_size, file), (size_t)st.st_size);
	fclose(file);
	return (size_t)st.st_size;
}

static struct replay_report replay_bytes(const uint8_t *bytes, size_t size)
{
	struct replay_report report;
	FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r");

	ck_assert_ptr_nonnull(file);
	replay_stream(file, &report);
	fclose(file);
	ck_assert_uint_eq(mem_live(), 0);
	return report;
}

static size_t record_life(uint8_t **bytes)
{
	begin(path);
	live();
	end();
	return load(bytes);
}

static void setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	log_set_level(LOG_LEVEL_ERROR);
}

static void teardown(void)
{
	unlink(path);
	memset(path + strlen(path) - 6, 'X', 6);
}

START_TEST(test_same)
{
	struct replay_report report;
	char expected[128];

	begin(path);
	live();
	end();
	ck_assert_uint_eq(world.released, 1);
	report = replayed();
	ck_assert_msg(report.verdict == REPLAY_SAME, "%s", report.text);
	ck_assert(report.complete);
	ck_assert_uint_eq(report.outputs, world.outputs);
	snprintf(expected, sizeof expected, "replayed %u inputs, %u outputs: same",
		 (unsigned)report.inputs, world.outputs);
	ck_assert_str_eq(report.text, expected);
}
END_TEST

START_TEST(test_nothing_happened)
{
	begin(path);
	end();
	ck_assert_int_eq(replayed().verdict, REPLAY_SAME);
}
END_TEST

/* Long enough for digests on the way. */
START_TEST(test_long)
{
	struct replay_report report;
	struct machd_welcome welcome;
	struct ipc_thread *one;
	unsigned digests = 0;
	uint8_t *bytes;
	size_t size;

	begin(path);
	one = connect_peer(1);
	welcome = hello(one);
	for (uint32_t i = 1; i <= 3 * RECORD_DIGEST_EVERY; i++)
		allocate(one, i, welcome.self);
	end();
	report = replayed();
	ck_assert_msg(report.verdict == REPLAY_SAME, "%s", report.text);
	ck_assert_uint_eq(report.inputs, 3 * RECORD_DIGEST_EVERY + 2);
	size = load(&bytes);
	for (size_t at = HEADER; at < size;) {
		struct record_entry entry;

		memcpy(&entry, bytes + at, sizeof entry);
		digests += entry.kind == RECORD_DIGEST;
		at += sizeof entry + entry.size;
	}
	ck_assert_uint_eq(digests, 4);
	free(bytes);
}
END_TEST

/* The offset of entry number `n` of a kind. */
static size_t find_entry(const uint8_t *bytes, size_t size, uint32_t kind, unsigned n)
{
	size_t at = HEADER;
	struct record_entry entry;

	for (; at < size; at += sizeof entry + entry.size) {
		memcpy(&entry, bytes + at, sizeof entry);
		if (entry.kind == kind && n-- == 0)
			return at;
	}
	ck_abort_msg("no entry of kind %u", kind);
	return 0;
}

/* Flip one bit of one byte of one entry's content: the replay must say it. */
static void notices(uint32_t kind, unsigned n, size_t byte, enum replay_verdict verdict,
		    const char *text)
{
	struct replay_report report;
	uint8_t *bytes;
	size_t size = record_life(&bytes);
	size_t at = find_entry(bytes, size, kind, n) + sizeof(struct record_entry) + byte;

	bytes[at] ^= 1;
	report = replay_bytes(bytes, size);
	ck_assert_int_eq(report.verdict, verdict);
	ck_assert_msg(strstr(report.text, text), "%s", report.text);
	free(bytes);
}

START_TEST(test_flipped_outputs)
{
	notices(RECORD_ANSWER, 0, sizeof(struct record_answer) + 30, REPLAY_DIFFERS,
		"differs: the content of the answer");
	notices(RECORD_ANSWER, 2, 0, REPLAY_DIFFERS, "differs: the content of the answer");
	notices(RECORD_TIMER, 0, 8, REPLAY_DIFFERS, "differs: the content of the timer");
	notices(RECORD_RELEASE, 0, 0, REPLAY_DIFFERS, "differs: the content of the release");
	notices(RECORD_REFUSAL, 0, 0, REPLAY_DIFFERS, "differs: the content of the refusal");
	notices(RECORD_DIGEST, 0, 31, REPLAY_DIFFERS, "differs: the state has another digest");
	notices(RECORD_END, 0, 0, REPLAY_BROKEN, "the totals at its end are wrong");
}
END_TEST

START_TEST(test_flipped_inputs)
{
	size_t at = sizeof(struct record_at);

	/* A token, a byte of the hello's body, a message's id, the size of a memfd. */
	notices(TRAP_CONNECT, 0, at + 16, REPLAY_DIFFERS, "differs");
	notices(TRAP_FRAME, 0, at + 8 + 16 + 2, REPLAY_DIFFERS, "differs");
	notices(TRAP_FRAME, 3,
		at + 8 + sizeof(struct machd_frame) + sizeof(struct machd_message_args) + 20,
		REPLAY_DIFFERS, "differs: the content of the answer");
	notices(TRAP_FRAME, 6, at + 8 + 8, REPLAY_DIFFERS, "differs");
	notices(TRAP_DISCONNECT, 0, 8, REPLAY_BROKEN, "there is no such connection");
	notices(TRAP_TIMEOUT, 0, 8, REPLAY_BROKEN, "there is no such connection");
}
END_TEST

/* Whatever bit is wrong, there is a verdict and nothing stays in memory. */
START_TEST(test_every_flip)
{
	uint8_t *bytes;
	size_t size = record_life(&bytes);
	unsigned noticed = 0;

	for (size_t at = 0; at < size; at++) {
		uint8_t bit = (uint8_t)(1 << at % 8);

		bytes[at] ^= bit;
		noticed += replay_bytes(bytes, size).verdict != REPLAY_SAME;
		bytes[at] ^= bit;
	}
	ck_assert_uint_gt(noticed, size * 3 / 4);
	ck_assert_int_eq(replay_bytes(bytes, size).verdict, REPLAY_SAME);
	free(bytes);
}
END_TEST

/* A daemon that was killed leaves the beginning of a record. */
START_TEST(test_every_cut)
{
	struct replay_report report;
	uint8_t *bytes;
	size_t size = record_life(&bytes);
	size_t header = HEADER;

	for (size_t part = 1; part < size; part++) {
		report = replay_bytes(bytes, part);
		ck_assert_msg(report.verdict == (part < header ? REPLAY_BROKEN : REPLAY_SAME),
			      "%zu bytes: %s", part, report.text);
		ck_assert(!report.complete);
	}
	free(bytes);
}
END_TEST

static void is_broken(const uint8_t *bytes, size_t size, const char *text)
{
	struct replay_report report = replay_bytes(bytes, size);

	ck_assert_int_eq(report.verdict, REPLAY_BROKEN);
	ck_assert_msg(strstr(report.text, text), "%s", report.text);
}

START_TEST(test_bad_headers)
{
	uint8_t *bytes;
	size_t size = record_life(&bytes);
	struct record_header *header = (struct record_header *)(void *)bytes;
	uint64_t *first_limit = (uint64_t *)(void *)(bytes + sizeof *header);
	struct ipc_policy *policy = (struct ipc_policy *)(void *)(bytes + POLICY);

	is_broken((const uint8_t *)"x", 1, "it ends within its header");
	header->magic[0] = 'M';
	is_broken(bytes, size, "this is not a record of machd");
	header->magic[0] = 'm';
	header->version++;
	is_broken(bytes, size, "this record was made by another version of machd");
	header->version--;
	header->limit_count++;
	is_broken(bytes, size, "this record was made by another version of machd");
	header->limit_count--;
	header->discard_bad_signature = 2;
	is_broken(bytes, size, "a flag is neither 0 nor 1");
	header->discard_bad_signature = 0;
	*first_limit = 0;
	is_broken(bytes, size, "a limit is out of range");
	*first_limit = machd_limit_rows[0].value;
	policy->p_hardened.us_count = IPC_POLICY_UIDS + 1;
	is_broken(bytes, size, "its policy makes no sense");
	policy->p_hardened.us_count = IPC_POLICY_UIDS;
	policy->p_strict_reply = 2;
	is_broken(bytes, size, "its policy makes no sense");
	policy->p_strict_reply = 1;
	policy->p_service_defense = 2;
	is_broken(bytes, size, "its policy makes no sense");
	policy->p_service_defense = 1;
	policy->p_hardened.us_all = 2;
	is_broken(bytes, size, "its policy makes no sense");
	free(bytes);
}
END_TEST

START_TEST(test_bad_entries)
{
	uint8_t *bytes, *copy;
	size_t size = record_life(&bytes), at;
	struct record_entry *entry;

	at = find_entry(bytes, size, TRAP_FRAME, 0);
	entry = (struct record_entry *)(void *)(bytes + at);
	entry->size = 0x7fffffff;
	is_broken(bytes, size, "an entry is longer than any can be");
	entry->size = 4;
	is_broken(bytes, at + sizeof *entry + 4, "an input is cut short");
	entry->kind = 77;
	is_broken(bytes, at + sizeof *entry + 4, "an entry is not where it belongs");
	free(bytes);
	size = record_life(&bytes);
	copy = malloc(size + sizeof *entry);
	memcpy(copy, bytes, size);
	memset(copy + size, 0, sizeof *entry);
	is_broken(copy, size + sizeof *entry, "it goes on behind its end");
	free(copy);
	free(bytes);
}
END_TEST

START_TEST(test_no_file)
{
	struct replay_report report;
	struct trap_config config = {.seed = 1};

	replay_file("/nowhere/record", &report);
	ck_assert_int_eq(report.verdict, REPLAY_BROKEN);
	ck_assert_str_eq(report.text, "/nowhere/record: No such file or directory");
	ck_assert_ptr_null(record_open("/nowhere/record", &config));
}
END_TEST

START_TEST(test_only_its_owner_reads_it)
{
	struct stat st;

	unlink(path);
	begin(path);
	end();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* A full disk ends the recording, not the machine. */
START_TEST(test_disk_full)
{
	struct machd_welcome welcome;
	struct ipc_thread *one;

	log_set_level((enum log_level)0);
	begin("/dev/full");
	one = connect_peer(1);
	welcome = hello(one);
	for (uint32_t i = 1; i < 2000; i++)
		ck_assert_uint_ne(allocate(one, i, welcome.self), 0);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_same);
	tcase_add_test(tests, test_nothing_happened);
	tcase_add_test(tests, test_long);
	tcase_add_test(tests, test_flipped_outputs);
	tcase_add_test(tests, test_flipped_inputs);
	tcase_add_test(tests, test_every_flip);
	tcase_add_test(tests, test_every_cut);
	tcase_add_test(tests, test_bad_headers);
	tcase_add_test(tests, test_bad_entries);
	tcase_add_test(tests, test_no_file);
	tcase_add_test(tests, test_only_its_owner_reads_it);
	tcase_add_test(tests, test_disk_full);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
