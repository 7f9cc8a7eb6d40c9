/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that write over the memory they share with the daemon while they use it: boards, and
 * rings if they have some. They may be dropped, and what they send or receive may be lost. But the
 * daemon goes on, what others send arrives as it was sent, once and in order, nothing is charged to
 * anybody in the end, and the replay of all that happened ends as the run did.
 *
 * The scribbler uses the library as anybody does. Its memfd_create() and recvmsg() are ours here:
 * they keep a descriptor of each board and ring for a thread that writes into them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <machd.h>
#include <pthread.h>
#include <sched.h>
#include <servers/bootstrap.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/board.h"
#include "protocol/ring.h"
#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define COPY	MACH_MSG_TYPE_COPY_SEND
#define SERVICE "org.example.mail"

enum {
	SENDERS = 2,
	MESSAGES = 1000,  /* of each */
	SCRIBBLERS = 2,	  /* at a time */
	LIFE = 100,	  /* messages that arrive while one lives */
	BURST = 20,	  /* messages sent before some are received */
	ENOUGH = 100,	  /* times that it has scribbled then */
	WORDS_MAX = 200,  /* in a message */
	FIRST_WORD = 777, /* of a message that counts */
};

struct letter {
	mach_msg_header_t header;
	uint32_t words[WORDS_MAX];
	mach_msg_max_trailer_t trailer;
};

/* --- memory that is shared with the daemon --- */

/* Of a thread that sends and one that receives: the newest, and the one before. */
static atomic_int board_fd[2] = {-1, -1}, ring_fd[2] = {-1, -1};

static bool is_memfd(int fd, const char *name)
{
	char path[32], target[64] = "";

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof target - 1) > 0 && strstr(target, name);
}

static void keep(atomic_int places[2], int fd)
{
	int newest = atomic_exchange(&places[0], fcntl(fd, F_DUPFD_CLOEXEC, 0));
	int old = atomic_exchange(&places[1], newest);

	if (old >= 0)
		close(old);
}

__attribute__((visibility("default"))) int memfd_create(const char *name, unsigned flags)
{
	static int (*real)(const char *, unsigned);
	int fd;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "memfd_create");
	fd = real(name, flags);
	if (fd >= 0 && strcmp(name, "machd-board") == 0)
		keep(board_fd, fd);
	return fd;
}

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static ssize_t (*real)(int, struct msghdr *, int);
	struct cmsghdr *head;
	ssize_t size;
	int came;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
	size = real(fd, message, flags);
	head = size > 0 && message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL;
	if (head && head->cmsg_type == SCM_RIGHTS) {
		memcpy(&came, CMSG_DATA(head), sizeof came);
		if (is_memfd(came, "machd-ring"))
			keep(ring_fd, came);
	}
	return size;
}

/* The scribbler's own view of such memory. It is a new one when the connection is. */
struct view {
	atomic_int *fd;
	size_t size;
	ino_t seen;
	void *memory;
};

static bool renew(struct view *view)
{
	int fd = fcntl(atomic_load(view->fd), F_DUPFD_CLOEXEC, 0);
	struct stat facts;
	void *memory;

	if (fd < 0)
		return view->memory != NULL;
	if (fstat(fd, &facts) == 0 && facts.st_ino != view->seen &&
	    facts.st_size == (off_t)view->size) {
		memory = mmap(NULL, view->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (view->memory)
			munmap(view->memory, view->size);
		view->memory = memory == MAP_FAILED ? NULL : memory;
		view->seen = facts.st_ino;
	}
	close(fd);
	return view->memory != NULL;
}

static uint64_t state; /* of the generator */

static uint32_t chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

/* One that was opened, if there is one. */
static _Atomic uint64_t *some_window(_Atomic uint64_t *board)
{
	unsigned at = chance() % MACHD_BOARD_WINDOWS;

	for (unsigned i = 0; i < MACHD_BOARD_WINDOWS && !atomic_load(&board[at]); i++)
		at = (at + 1) % MACHD_BOARD_WINDOWS;
	return &board[at];
}

/* A window that is opened further, closed, opened for another name, or nonsense; or a loan. */
static void scribble_on_board(_Atomic uint64_t *board)
{
	_Atomic uint64_t *window = some_window(board);
	_Atomic uint64_t *loan = &board[MACHD_BOARD_LOAN];
	uint64_t old = atomic_load(window);

	switch (chance() % 8) {
	case 0:
		atomic_store(window, machd_window(machd_window_name(old),
						  machd_window_end(old) + chance() % 100));
		break;
	case 1:
		atomic_store(window, 0);
		break;
	case 2:
		atomic_store(window, (uint64_t)chance() << 32 | chance());
		break;
	case 3:
		atomic_store(window, atomic_load(some_window(board)));
		break;
	case 4:
		atomic_fetch_add(loan, chance() % 4);
		break;
	case 5:
		atomic_store(loan, machd_loan(chance() % 100) + chance() % 100);
		break;
	case 6:
		atomic_store(loan, (uint64_t)chance() << 32 | chance());
		break;
	default:
		atomic_store(&board[chance() % (MACHD_BOARD_SIZE / sizeof *board)], chance());
	}
}

static void scribble_on_ring(struct machd_rings *rings)
{
	struct machd_ring_words *words = chance() & 1 ? &rings->submission : &rings->completion;
	uint32_t value = chance(), at = atomic_load(&words->tail) - chance() % 512;

	switch (chance() % 16) {
	case 0:
		atomic_store(&words->tail, value % 16 ? atomic_load(&words->tail) + 8 : value);
		break;
	case 1:
		atomic_store(&words->head, value % 16 ? atomic_load(&words->head) + 8 : value);
		break;
	case 2:
	case 3:
		atomic_store(&words->asleep, value % 5);
		break;
	default:
		memcpy(&rings->bytes[value & 1][at % (MACHD_RING_SIZE - sizeof value)], &value,
		       sizeof value);
	}
}

/*
 * Some write without end, others now and then: their calls get farther. The test process is told
 * when there has been enough.
 */
static void *scribble(void *argument)
{
	struct view boards[2] = {{.fd = &board_fd[0], .size = MACHD_BOARD_SIZE},
				 {.fd = &board_fd[1], .size = MACHD_BOARD_SIZE}};
	struct view rings[2] = {{.fd = &ring_fd[0], .size = sizeof(struct machd_rings)},
				{.fd = &ring_fd[1], .size = sizeof(struct machd_rings)}};
	unsigned seed = *(unsigned *)argument, pause = seed % 4 * 10;

	for (unsigned round = 0;;) {
		unsigned one = chance() % 2;

		if (renew(&boards[one])) {
			for (unsigned i = chance() % 20; i > 0; i--)
				scribble_on_board(boards[one].memory);
			if (++round == ENOUGH)
				flow_tell_parent(0);
		}
		if (seed % 3 && renew(&rings[one]) && chance() % 16 == 0)
			scribble_on_ring(rings[one].memory);
		for (unsigned i = 0; i < pause; i++)
			sched_yield();
	}
	return NULL;
}

/* --- who sends and receives --- */

/* Message `number` of a process: its size and content follow from that. */
static mach_msg_size_t compose(struct letter *letter, mach_port_t to, uint32_t number)
{
	unsigned count = 3 + number * 7 % (WORDS_MAX - 3);

	letter->header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0),
					     .msgh_remote_port = to,
					     .msgh_id = (mach_msg_id_t)number};
	for (unsigned i = 0; i < count; i++)
		letter->words[i] = number * 31 + i;
	letter->words[0] = FIRST_WORD;
	letter->words[1] = count;
	return (mach_msg_size_t)(sizeof letter->header + count * sizeof *letter->words);
}

static void expect(const struct letter *letter, uint32_t number)
{
	unsigned count = 3 + number * 7 % (WORDS_MAX - 3);

	CHECK_EQ(letter->header.msgh_id, number);
	CHECK_EQ(letter->header.msgh_size, sizeof letter->header + count * sizeof *letter->words);
	CHECK(letter->words[0] == FIRST_WORD && letter->words[1] == count);
	for (unsigned i = 2; i < count; i++)
		CHECK_EQ(letter->words[i], number * 31 + i);
}

static mach_msg_return_t post(mach_port_t to, uint32_t number)
{
	struct letter letter;
	mach_msg_size_t size = compose(&letter, to, number);

	return mach_msg(&letter.header, MACH_SEND_MSG, size, 0, 0, 0, 0);
}

static mach_msg_return_t fetch(mach_port_t from, struct letter *letter)
{
	return mach_msg(&letter->header,
			MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 0,
			sizeof *letter, from, 0, 0);
}

/* To the service, and some to itself that are lent to it. */
static void send_all(void *unused)
{
	mach_port_t service, own = flow_port();
	struct letter letter;

	(void)unused;
	flow_set_qlimit(own, BURST);
	flow_hear_parent();
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	for (uint32_t i = 0; i < MESSAGES; i += BURST) {
		for (uint32_t k = i; k < i + BURST; k++) {
			CHECK_OK(post(service, k));
			CHECK_OK(post(own, k));
		}
		for (uint32_t k = i; k < i + BURST; k++) {
			CHECK_OK(fetch(own, &letter));
			expect(&letter, k);
		}
	}
}

static struct flow_child senders[SENDERS];

/* What others send may be anything. */
static void receive_all(void *unused)
{
	uint32_t next[SENDERS] = {0}, count = 0;
	const mach_msg_audit_trailer_t *trailer;
	struct letter letter;
	mach_port_t port;

	(void)unused;
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &port));
	flow_tell_parent(0);
	while (count < SENDERS * MESSAGES) {
		CHECK_OK(fetch(port, &letter));
		trailer = (const void *)((char *)&letter + round_msg(letter.header.msgh_size));
		for (unsigned i = 0; i < SENDERS; i++) {
			if (trailer->msgh_audit.val[5] != (uint32_t)senders[i].pid)
				continue;
			expect(&letter, next[i]++);
			if (++count % LIFE)
				continue;
			flow_tell_parent(count);
			flow_hear_parent();
		}
	}
}

static _Atomic mach_port_t own; /* port of the scribbler */

static void *empty_own(void *unused)
{
	struct letter letter;

	for (;;)
		mach_msg(&letter.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof letter,
			 atomic_load(&own), 1, 0);
	return unused;
}

static mach_port_t make_own(void)
{
	mach_port_limits_t limits = {.mpl_qlimit = BURST};
	mach_port_t port = MACH_PORT_NULL;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	mach_port_set_attributes(mach_task_self(), port, MACH_PORT_LIMITS_INFO,
				 (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT);
	return port;
}

/*
 * Whatever comes of it. A thread sends as much as there is room for, and more if it believes what
 * is on its board; another receives what is lent to it. They end when the process is killed.
 */
static void use_what_is_scribbled_on(void *argument)
{
	pthread_t thread;

	state = 88172645463325252u + *(unsigned *)argument * 7919u;
	CHECK(pthread_create(&thread, NULL, scribble, argument) == 0);
	CHECK(pthread_create(&thread, NULL, empty_own, NULL) == 0);
	for (;;) {
		mach_port_t service = MACH_PORT_NULL, port = make_own();
		mach_msg_return_t code = MACH_MSG_SUCCESS;

		atomic_store(&own, port);
		bootstrap_look_up(bootstrap_port, SERVICE, &service);
		for (uint32_t i = 0; i < 20 * BURST && code == MACH_MSG_SUCCESS; i++)
			code = post(i % 5 ? port : service, i);
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
		mach_port_deallocate(mach_task_self(), service);
	}
}

/* --- the test --- */

/* What is promised to anybody. */
static uint64_t promises(void)
{
	struct machctl run;
	uint64_t sum = 0;
	char *line;

	machctl_run(&run, "limits", "--json", NULL);
	CHECK_EQ(run.status, 0);
	line = strtok(run.out, "\n");
	for (; line; line = strtok(NULL, "\n"))
		if (strstr(line, "PromisesPerUser") && strstr(line, "\"uid\""))
			sum += json_number_in(line, "used");
	machctl_free(&run);
	return sum;
}

START_TEST(others_are_not_harmed)
{
	struct machd_watch_totals before = flow_totals(), after;
	struct flow_child receiver, scribbler[SCRIBBLERS];
	unsigned seed = 0;

	for (unsigned i = 0; i < SENDERS; i++)
		flow_fork(&senders[i], send_all, NULL);
	flow_fork(&receiver, receive_all, NULL);
	flow_hear(&receiver);
	for (; seed < SCRIBBLERS; seed++)
		flow_fork(&scribbler[seed], use_what_is_scribbled_on, &seed);
	for (unsigned i = 0; i < SENDERS; i++)
		flow_tell(&senders[i], 0);
	while (flow_hear(&receiver) < SENDERS * MESSAGES) {
		struct flow_child *oldest = &scribbler[seed % SCRIBBLERS];

		flow_tell(&receiver, 0);
		flow_hear(oldest);
		flow_kill(oldest); /* it is alive: what it did has not harmed its library */
		flow_fork(oldest, use_what_is_scribbled_on, &seed);
		seed++;
	}
	flow_tell(&receiver, 0);
	for (unsigned i = 0; i < SENDERS; i++)
		flow_join(&senders[i]);
	for (unsigned i = 0; i < SCRIBBLERS; i++)
		flow_kill(&scribbler[i]);
	flow_join(&receiver);
	after = flow_totals();
	CHECK_EQ(after.tasks, before.tasks);
	CHECK_EQ(after.channels, before.channels);
	CHECK_EQ(after.names, before.names);
	CHECK_EQ(after.ports, before.ports);
	CHECK_EQ(after.messages, 0);
	CHECK_EQ(after.bytes, 0);
	CHECK_EQ(after.memfds, before.memfds);
	CHECK_EQ(promises(), 0);
}
END_TEST

static void start(void)
{
	setenv("MACHD_SYNC_SEND", "0", 1);
	flow_start_with(&(struct flow_options){.record = true});
}

static void start_without_rings(void)
{
	setenv("MACHD_RING", "0", 1);
	start();
}

int main(void)
{
	Suite *suite = suite_create("scribblers");
	TCase *rings = tcase_create("rings"), *sockets = tcase_create("sockets");

	tcase_add_checked_fixture(rings, start, flow_stop);
	tcase_add_test(rings, others_are_not_harmed);
	suite_add_tcase(suite, rings);
	tcase_add_checked_fixture(sockets, start_without_rings, flow_stop);
	tcase_add_test(sockets, others_are_not_harmed);
	suite_add_tcase(suite, sockets);
	return flow_run(suite);
}
