/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory of all kinds to several receivers, some of which are killed at moments that a
 * seed decides. Afterwards the daemon and the survivors hold as many descriptors, and as many bytes
 * behind them, as before. MACHD_SOAK_MESSAGES and MACHD_SOAK_SEED in the environment: how many (a
 * multiple of what is usual takes a multiple of the time), and which moments.
 */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/region.h"
#include "tests/flow/flow_letter.h"

#define USUAL	  20000
#define RECEIVERS 3 /* the first of them survives */
#define LARGE	  (2 * MI_REGION_MIN)
#define MEDIUM	  65536u
#define LAST	  0x7ead /* an id: the receiver has got all */

static uint64_t state;

static unsigned dice(unsigned sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % sides;
}

static uint64_t from_environment(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : usual;
}

/* The first and the last byte of each piece say which message it is of. */
static void mark(uint8_t *memory, size_t size, int id)
{
	memory[0] = memory[size - 1] = (uint8_t)id;
}

/* --- receivers --- */

struct receiver {
	struct flow_child child;
	mach_port_t port; /* a send right */
};

/* What was received is freed, changed, or sent back; nothing waits for room there. */
static void use(const mach_msg_ool_descriptor_t *memory, mach_port_t back, int id)
{
	uint8_t *bytes = memory->address;
	size_t size = memory->size;
	mach_msg_return_t code = MACH_SEND_TIMED_OUT;

	CHECK(bytes[0] == (uint8_t)id && bytes[size - 1] == (uint8_t)id);
	if (dice(4) == 0)
		bytes[size / 2] ^= 1;
	if (dice(4) == 0) {
		struct flow_letter letter;

		letter_start(&letter, back);
		letter.header.msgh_id = id;
		letter_add_memory(&letter, bytes, size, true, MACH_MSG_VIRTUAL_COPY);
		code = letter_send(&letter);
		if (code == MACH_SEND_TIMED_OUT)
			bytes = letter_memory(&letter, 0).address;
		else
			CHECK_OK(code);
	}
	if (code != MACH_MSG_SUCCESS)
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)bytes, size));
}

static void receive_all(void *argument)
{
	mach_port_t port = flow_receive_right(), service, back;
	struct flow_letter letter;

	state = *(uint64_t *)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.soak", &service));
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.soak.back", &back));
	CHECK_OK(flow_send_to(service, MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND, 1));
	for (;;) {
		CHECK_OK(mach_msg(&letter.header, MACH_RCV_MSG, 0, sizeof letter, port, 0, 0));
		if (letter.header.msgh_id == LAST) {
			flow_tell_parent(LAST);
			continue;
		}
		for (unsigned i = 0; i < letter.base.body.msgh_descriptor_count; i++) {
			mach_msg_ool_descriptor_t memory = letter_memory(&letter, i);

			use(&memory, back, letter.header.msgh_id);
		}
	}
}

/* What came back to the sender. */
static void take_back(mach_port_t back)
{
	struct flow_letter letter;

	while (letter_receive(back, &letter) == MACH_MSG_SUCCESS) {
		mach_msg_ool_descriptor_t memory = letter_memory(&letter, 0);
		const uint8_t *bytes = memory.address;

		CHECK(bytes[0] == (uint8_t)letter.header.msgh_id);
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)bytes, memory.size));
	}
}

static void start(struct receiver *receiver, mach_port_t service)
{
	struct flow_message message;
	uint64_t seed = dice(1u << 30) + 1;

	flow_fork(&receiver->child, receive_all, &seed);
	flow_await(service, &message);
	receiver->port = message.header.msgh_remote_port;
}

/* --- the sender --- */

struct sender {
	uint8_t *heap;	/* MEDIUM bytes, */
	uint8_t *again; /* and a region that is sent again and again */
};

static uint8_t *fresh(size_t size, int id)
{
	vm_address_t address = 0;

	CHECK_OK(vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE));
	mark((uint8_t *)address, size, id);
	return (uint8_t *)address;
}

/* Add a piece of memory; what has to be freed if it is not given away, or NULL. */
static uint8_t *add_piece(struct sender *sender, struct flow_letter *letter, int id, size_t *size)
{
	bool given = dice(2);
	uint8_t *memory;

	switch (dice(8)) {
	case 0:
	case 1:
		*size = 2 + dice(8000);
		break;
	case 2:
	case 3:
	case 4:
		*size = MACHD_MEMORY_INLINE_MAX + 1 + dice(MEDIUM - MACHD_MEMORY_INLINE_MAX);
		break;
	case 5:
		mark(sender->again, LARGE, id);
		letter_add_memory(letter, sender->again, LARGE, false, MACH_MSG_VIRTUAL_COPY);
		return NULL;
	default:
		memory = fresh(LARGE, id);
		*size = LARGE;
		letter_add_memory(letter, memory, LARGE, given, MACH_MSG_VIRTUAL_COPY);
		return memory;
	}
	mark(sender->heap, *size, id);
	letter_add_memory(letter, sender->heap, *size, false, MACH_MSG_PHYSICAL_COPY);
	return NULL;
}

/* One message; it waits for room for as long as the receiver lives. */
static void send_one(struct sender *sender, mach_port_t port, int id)
{
	uint8_t *pieces[2];
	size_t sizes[2];
	struct flow_letter letter;
	unsigned count = 1 + (dice(4) == 0);
	mach_msg_return_t code;

	letter_start(&letter, port);
	letter.header.msgh_id = id;
	for (unsigned i = 0; i < count; i++)
		pieces[i] = add_piece(sender, &letter, id, &sizes[i]);
	code = mach_msg(&letter.header, MACH_SEND_MSG, letter.header.msgh_size, 0, MACH_PORT_NULL,
			0, MACH_PORT_NULL);
	CHECK(code == MACH_MSG_SUCCESS || code == MACH_SEND_INVALID_DEST);
	/* What was given away is gone: this changes nothing then. */
	for (unsigned i = 0; i < count; i++)
		if (pieces[i])
			CHECK_OK(
				vm_deallocate(mach_task_self(), (vm_address_t)pieces[i], sizes[i]));
}

/* --- the books --- */

struct held {
	unsigned fds, mappings; /* of memfds */
	uint64_t bytes;
};

/* A mapping that lasts as long as a channel does: its board, or its ring. */
static bool is_channels(const char *line)
{
	return strstr(line, "/memfd:machd-board") || strstr(line, "/memfd:machd-ring");
}

static struct held held_by(pid_t pid)
{
	struct held held = {.fds = letter_open_fds(pid)};
	char path[PATH_MAX], target[64];
	const struct dirent *entry;
	struct stat file;
	ssize_t length;
	DIR *directory;
	char line[512];
	FILE *maps;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	CHECK(directory != NULL);
	while ((entry = readdir(directory))) {
		snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
		length = readlink(path, target, sizeof target);
		if (length > 7 && memcmp(target, "/memfd:", 7) == 0 && stat(path, &file) == 0)
			held.bytes += (uint64_t)file.st_size;
	}
	closedir(directory);
	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps))
		held.mappings += strstr(line, "/memfd:") && !is_channels(line);
	fclose(maps);
	return held;
}

/* When it is done with all that was sent to it, and with who has just asked it for totals. */
static struct held held_by_daemon(void)
{
	struct held held;
	int meeting;

	CHECK(flow_type(mach_task_self()) != 0);
	meeting = flow_meet();
	held = held_by(flow_daemon());
	close(meeting);
	return held;
}

/* Messages that are still on their way arrive; then the daemon, the sender, and the survivor. */
struct books {
	struct machd_watch_totals totals;
	struct held held[3];
};

static struct books look(struct receiver *receivers, mach_port_t back)
{
	struct books books;

	for (unsigned i = 0; i < RECEIVERS; i++) {
		CHECK_OK(mach_msg_send(&(mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
			.msgh_size = sizeof(mach_msg_header_t),
			.msgh_remote_port = receivers[i].port,
			.msgh_id = LAST}));
		CHECK_EQ(flow_hear(&receivers[i].child), LAST);
	}
	take_back(back);
	books.totals = flow_totals();
	books.held[0] = held_by_daemon();
	books.held[1] = held_by(getpid());
	books.held[2] = held_by(receivers[0].child.pid);
	return books;
}

static void is_same(const struct books *before, const struct books *after)
{
	static const char *const who[] = {"machd", "the sender", "the survivor"};

	CHECK(before->totals.memfds == after->totals.memfds);
	CHECK(before->totals.bytes == after->totals.bytes);
	CHECK(before->totals.messages == after->totals.messages);
	CHECK(before->totals.ports == after->totals.ports);
	CHECK(before->totals.channels == after->totals.channels);
	for (unsigned i = 0; i < 3; i++) {
		const struct held *a = &before->held[i], *b = &after->held[i];

		if (a->fds != b->fds || a->bytes != b->bytes || a->mappings != b->mappings)
			flow_fail(__FILE__, __LINE__,
				  "%s had %u descriptors, %u mappings, %" PRIu64
				  " bytes, and has %u, %u, %" PRIu64,
				  who[i], a->fds, a->mappings, a->bytes, b->fds, b->mappings,
				  b->bytes);
	}
}

static void replace(struct receiver *receiver, mach_port_t service)
{
	for (unsigned i = dice(200); i > 0; i--)
		sched_yield();
	flow_kill(&receiver->child);
	CHECK_OK(mach_port_deallocate(mach_task_self(), receiver->port));
	start(receiver, service);
}

START_TEST(nothing_leaks)
{
	uint64_t count = from_environment("MACHD_SOAK_MESSAGES", USUAL);
	struct receiver receivers[RECEIVERS];
	struct sender sender = {malloc(MEDIUM), NULL};
	struct books before, after;
	mach_port_t service, back;

	state = from_environment("MACHD_SOAK_SEED", 4711);
	CHECK(sender.heap != NULL);
	memset(sender.heap, 1, MEDIUM);
	CHECK_OK(bootstrap_check_in(bootstrap_port, "flow.soak", &service));
	CHECK_OK(bootstrap_check_in(bootstrap_port, "flow.soak.back", &back));
	for (unsigned i = 0; i < RECEIVERS; i++)
		start(&receivers[i], service);
	sender.again = fresh(LARGE, 0);
	before = look(receivers, back);
	for (uint64_t i = 0; i < count; i++) {
		struct receiver *receiver = &receivers[dice(RECEIVERS)];

		send_one(&sender, receiver->port, (int)(i & 0x3fff) + 1);
		if (receiver != receivers && dice(100) == 0)
			replace(receiver, service);
		if (dice(8) == 0)
			take_back(back);
	}
	after = look(receivers, back);
	is_same(&before, &after);
	for (unsigned i = 0; i < RECEIVERS; i++)
		flow_kill(&receivers[i].child);
	CHECK(flow_totals().memfds == 0);
	free(sender.heap);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory soak");
	TCase *tcase = flow_case(suite, "memory soak");

	/* In a build for sanitizers, too; and as long as it takes if there are more. */
	tcase_set_timeout(tcase, from_environment("MACHD_SOAK_MESSAGES", USUAL) > USUAL ? 0 : 170);
	tcase_add_test(tcase, nothing_leaks);
	return flow_run(suite);
}
