/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of a lab, the outbox it speaks through, and its clock. */
#include "tests/lab/lab.h"

#include <mach/host_special_ports.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/keep/record.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_feed.h"

#define NS_PER_MS 1000000u

/* A descriptor comes out: it must be inside. */
static void fd_out(struct lab *lab, ipc_fd_t fd, enum lab_fd_place place)
{
	LAB_CHECK(fd >= 1 && fd <= lab->last_fd, "a descriptor that nobody gave in came out");
	LAB_CHECK(lab->fds[fd] == LAB_FD_INSIDE, "descriptor %d came out twice", (int)fd);
	lab->fds[fd] = (uint8_t)place;
}

static struct lab_thread *thread_of(struct lab *lab, const struct ipc_thread *ipc)
{
	struct lab_thread *thread = trap_cookie(ipc);

	LAB_TRUE(thread);
	LAB_TRUE(thread->lab == lab && thread->ipc == ipc);
	LAB_TRUE(trap_channel(ipc) == thread->channel);
	return thread;
}

/* One of an answer's packets, which carries so many descriptors. */
static void check_packet(const struct lab_thread *thread, const void *packet, size_t size,
			 uint16_t op, unsigned fds)
{
	struct machd_frame frame;

	LAB_TRUE(size >= sizeof frame && size <= MACHD_FRAME_SIZE_MAX);
	memcpy(&frame, packet, sizeof frame);
	LAB_TRUE(frame.length == size);
	LAB_TRUE((frame.flags & ~(MACHD_ANSWER_GUARD | MACHD_ANSWER_GUARD_ACTS)) == 0);
	LAB_TRUE(frame.fds == fds);
	LAB_TRUE(frame.op == (op | MACHD_OP_ANSWER));
	LAB_TRUE(frame.sequence == thread->sequence);
}

static void *copy_of(const void *bytes, size_t size)
{
	void *copy = malloc(size);

	LAB_TRUE(copy);
	memcpy(copy, bytes, size);
	return copy;
}

static void on_answer(void *context, struct ipc_thread *ipc, const struct ipc_answer *answer)
{
	struct lab *lab = context;
	struct lab_thread *thread = thread_of(lab, ipc);

	LAB_CHECK(thread->asked && !thread->answered, "an answer without a request came");
	LAB_CHECK(thread->deadline == 0, "the answer is here and its time-out still runs");
	check_packet(thread, answer->packet, answer->size, thread->op,
		     answer->ring	   ? MACHD_RING_FDS
		     : answer->memory_size ? 0
					   : answer->fd_count);
	thread->packet = copy_of(answer->packet, answer->size);
	thread->size = answer->size;
	thread->flags = ((const struct machd_frame *)answer->packet)->flags;
	free(thread->memory);
	thread->memory = NULL;
	thread->memory_size = answer->memory_size;
	if (answer->memory_size) {
		check_packet(thread, answer->memory, answer->memory_size, MACHD_OP_MEMORY,
			     answer->fd_count);
		thread->memory = copy_of(answer->memory, answer->memory_size);
	}
	for (unsigned i = 0; i < answer->fd_count; i++) {
		if (answer->lent)
			LAB_TRUE(lab->fds[answer->fds[i]] == LAB_FD_INSIDE);
		else
			fd_out(lab, answer->fds[i], LAB_FD_HANDED_OUT);
		thread->fds[i] = answer->fds[i];
	}
	thread->fd_count = answer->fd_count;
	thread->answered = true;
	lab->answers++;
}

static void on_timer(void *context, struct ipc_thread *ipc, uint64_t deadline)
{
	struct lab_thread *thread = thread_of(context, ipc);

	LAB_CHECK((deadline == 0) != (thread->deadline == 0),
		  "a timer is set twice, or stopped and none runs");
	thread->deadline = deadline;
}

static void on_alarm(void *context, uint64_t deadline)
{
	struct lab *lab = context;

	lab->alarm = deadline;
}

static void on_release(void *context, ipc_fd_t fd)
{
	fd_out(context, fd, LAB_FD_RELEASED);
}

static void on_corrupt(void *context, const char *message)
{
	struct lab *lab = context;

	lab->corrupt++;
	snprintf(lab->last_words, sizeof lab->last_words, "%s", message);
}

static void on_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	struct lab *lab = context;

	(void)uid;
	lab->boosts++;
	lab->boosted_pid = pid;
	lab->boosted_on = on;
}

static void on_warn(void *context, const char *text)
{
	struct lab *lab = context;

	lab->warnings++;
	snprintf(lab->last_words, sizeof lab->last_words, "%s", text);
}

/* Only a silent bell may be rung, and only a ringing one silenced. */
static void on_ring(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on)
{
	struct lab *lab = context;

	LAB_TRUE(lab->fds[ring] == LAB_FD_INSIDE && lab->fds[quiet] == LAB_FD_INSIDE);
	LAB_TRUE(lab->rings[ring] != on);
	lab->rings[ring] = on;
	lab->rung += on;
}

static void on_start(void *context, uint64_t id, const char *service, uint64_t deadline)
{
	struct lab *lab = context;

	LAB_CHECK(id > lab->start_id, "the id of a start came back");
	LAB_CHECK(deadline >= lab->now, "a start is over before it begins");
	lab->starts++;
	lab->start_id = id;
	lab->start_deadline = deadline;
	snprintf(lab->start_service, sizeof lab->start_service, "%s", service);
}

static void on_started(void *context, uint64_t id, bool checked_in)
{
	struct lab *lab = context;

	LAB_CHECK(id != 0 && id <= lab->start_id, "a start is over that never was");
	lab->started += checked_in;
	lab->given_up += !checked_in;
}

static void on_board(void *context, struct ipc_thread *ipc, ipc_fd_t fd)
{
	struct lab_thread *thread = thread_of(context, ipc);

	fd_out(context, fd, LAB_FD_HANDED_OUT);
	thread->has_board = true;
	memset(thread->board, 0, sizeof thread->board);
	memset(thread->unanswered, 0, sizeof thread->unanswered);
}

static void on_window(void *context, struct ipc_thread *ipc, unsigned index, machd_window_t window)
{
	struct lab_thread *thread = thread_of(context, ipc);

	LAB_TRUE(thread->has_board && index < MACHD_BOARD_WORDS);
	thread->board[index] = window;
}

static void on_lend(void *context, struct ipc_thread *ipc, uint32_t count)
{
	struct lab_thread *thread = thread_of(context, ipc);

	LAB_TRUE(thread->has_board && thread->lent == 0 && count > 0);
	thread->lent = count;
	thread->taken = 0;
}

static uint32_t on_settle(void *context, struct ipc_thread *ipc, bool over)
{
	struct lab_thread *thread = thread_of(context, ipc);

	LAB_CHECK(thread->lent > 0, "a loan is settled that was not made");
	if (over)
		thread->lent = 0;
	return thread->taken;
}

/* Every process uses so much that its numbers cannot be mistaken for others. */
static bool on_usage(void *context, int32_t pid, struct ipc_usage *usage)
{
	const struct lab *lab = context;

	*usage = (struct ipc_usage){.us_virtual = (uint64_t)pid << 32,
				    .us_resident = (uint64_t)pid << 12,
				    .us_resident_max = (uint64_t)pid << 13,
				    .us_user = 1500000,
				    .us_system = 250};
	return !lab->blind;
}

/* What is in a memfd of the machine's own is kept for who looks. */
static ipc_fd_t on_memory(void *context, const void *bytes, size_t size)
{
	struct lab *lab = context;
	unsigned slot = lab->memories % LAB_MEMORY;
	ipc_fd_t fd;

	if (lab->poor)
		return IPC_FD_NONE;
	fd = lab_fd(lab);
	lab->fds[fd] = LAB_FD_INSIDE;
	free(lab->memory[slot]);
	lab->memory[slot] = malloc(size);
	LAB_TRUE(lab->memory[slot]);
	memcpy(lab->memory[slot], bytes, size);
	lab->memory_size[slot] = size;
	lab->memories++;
	return fd;
}

void lab_options_init(struct lab_options *options)
{
	*options = (struct lab_options){.seed = 1};
	machd_limits_init(&options->limits);
	/* Limits are what they say, but where shares are tested. */
	options->limits.task_share = options->limits.user_share = 100;
}

/* The outbox that the machine gets: ours, or the recorder's in front of it. */
static const struct ipc_outbox *outbox_of(struct lab *lab, const struct trap_config *config,
					  const char *record)
{
	if (!record)
		return &lab->outbox;
	lab->record = record_open(record, config);
	LAB_TRUE(lab->record);
	return record_outbox(lab->record, &lab->outbox);
}

const struct ipc_machine lab_machine = {.m_memory = 5ull << 30,
					.m_page_size = 4096,
					.m_quantum = 3,
					.m_cpus = 6,
					.m_cpus_max = 8,
					.m_cores = 3,
					.m_cores_max = 4,
					.m_cpu_type = 12,
					.m_cpu_subtype = 1,
					.m_version = "Linux in a lab"};

struct lab *lab_start(const struct lab_options *options)
{
	struct trap_config config = {
		.key = "a key for tests", .calendar = LAB_CALENDAR, .machine = lab_machine};
	struct lab_options defaults;
	struct lab *lab = calloc(1, sizeof *lab);

	LAB_TRUE(lab);
	lab->live_before = mem_live();
	lab_options_init(&defaults);
	if (!options)
		options = &defaults;
	config.limits = options->limits;
	config.policy = options->policy;
	config.names = options->names;
	config.seed = options->seed;
	config.owner_uid = options->owner_uid;
	lab->now = 1000 * NS_PER_MS;
	lab->last_pid = 100;
	lab->word = 64;
	lab->outbox = (struct ipc_outbox){.context = lab,
					  .answer = on_answer,
					  .timer = on_timer,
					  .alarm = on_alarm,
					  .release = on_release,
					  .corrupt = on_corrupt,
					  .boost = on_boost,
					  .warn = on_warn,
					  .ring = on_ring,
					  .start = on_start,
					  .started = on_started,
					  .board = on_board,
					  .window = on_window,
					  .lend = on_lend,
					  .settle = on_settle,
					  .usage = on_usage,
					  .memory = on_memory};
	lab->host = trap_start(&config, outbox_of(lab, &config, options->record));
	if (lab->host && options->slice)
		lab->host->h_slice = options->slice;
	return lab;
}

/* Ports that somebody has left with the host, and that are none of the daemon's own. */
static unsigned kept_by_host(const struct ipc_host *host)
{
	unsigned count = 0;

	for (unsigned i = 0; i <= HOST_MAX_SPECIAL_PORT; i++) {
		const struct ipc_port *port = host->h_special[i];
		bool counts = IP_VALID(port) && port->ip_kind != IP_HOST &&
			      port->ip_kind != IP_HOST_PRIV && port != host->h_bootstrap_port &&
			      port->ip_kind != IP_CLOCK;

		for (unsigned k = 0; k < i; k++)
			counts &= host->h_special[k] != port;
		count += counts;
	}
	return count;
}

static void check_nothing_left(const struct lab *lab)
{
	struct trap_totals totals;

	trap_totals(lab->host, &totals);
	LAB_TRUE(totals.tasks == 0);
	LAB_TRUE(totals.channels == 0);
	if (!list_empty(&lab->host->h_subsets))
		return; /* they keep each other, and end with the machine */
	LAB_TRUE(totals.messages_queued == 0);
	LAB_TRUE(totals.bytes_queued == 0);
	LAB_TRUE(totals.memfds == 0);
	totals.ports -= kept_by_host(lab->host);
	LAB_CHECK(totals.ports == IPC_HOST_PORTS, "%d ports are left beside the daemon's own",
		  (int)totals.ports - IPC_HOST_PORTS);
}

static void stop_machine(struct lab *lab)
{
	if (lab->record && lab->host)
		record_stop(lab->record, lab->host);
	else if (lab->record)
		record_close(lab->record);
	else if (lab->host)
		trap_stop(lab->host);
	lab->host = NULL;
	for (unsigned i = 0; i < LAB_MEMORY; i++)
		free(lab->memory[i]);
	for (ipc_fd_t fd = 1; fd <= lab->last_fd; fd++)
		LAB_CHECK(lab->fds[fd] != LAB_FD_INSIDE, "descriptor %d is lost", (int)fd);
	LAB_CHECK(mem_live() == lab->live_before, "%d allocations are left",
		  (int)(mem_live() - lab->live_before));
}

static const struct boot_service *first_created(const struct lab *lab)
{
	const struct boot_service *service = lab->host->h_services;

	while (service && (boot_declared(service) || !service->s_kept))
		service = service->hh.next;
	return service;
}

/* Names that were created stay when everybody has gone: root takes them back. */
static void take_names_back(struct lab *lab)
{
	const struct boot_service *service = first_created(lab);
	struct bootstrap_register_in in = {0};
	struct lab_thread *root;

	if (!service)
		return;
	root = lab_task(lab, 0)->thread;
	for (; service; service = first_created(lab)) {
		memcpy(in.service, service->s_name, sizeof in.service);
		LAB_TRUE(lab_call(root, MACHD_ROUTINE_bootstrap_register, root->task->bootstrap,
				  &in, sizeof in, NULL, 0, NULL) == KERN_SUCCESS);
	}
	lab_close(root);
}

void lab_stop(struct lab *lab)
{
	struct boot_policy none;

	mem_fail_after(0);
	if (lab->host) {
		lab_work(lab);
		lab_audit(lab);
	}
	for (unsigned i = 0; i < LAB_THREADS_MAX; i++)
		if (lab->threads[i])
			lab_close(lab->threads[i]);
	if (lab->host) {
		boot_policy_init(&none);
		lab_set_names(lab, &none); /* ports that the machine keeps end */
		take_names_back(lab);
		lab_work(lab);
		check_nothing_left(lab);
	}
	stop_machine(lab);
	free(lab);
}

void lab_stop_at_once(struct lab *lab)
{
	mem_fail_after(0);
	stop_machine(lab);
	for (unsigned i = 0; i < LAB_THREADS_MAX; i++)
		if (lab->threads[i])
			lab_close(lab->threads[i]);
	free(lab);
}

const char *lab_feed(struct lab *lab, struct trap_input *input)
{
	const char *why;

	input->now = lab->now;
	if (lab->record)
		why = record_input(lab->record, lab->host, input);
	else
		why = trap_input(lab->host, input);
	if (why)
		snprintf(lab->why, sizeof lab->why, "%s", why);
	if (!lab->lazy_work && input->kind != TRAP_WORK)
		lab_work(lab);
	return why;
}

void lab_limits(struct lab *lab, const struct machd_limits *limits)
{
	struct trap_input input = {.kind = TRAP_LIMITS, .limits = limits};

	LAB_TRUE(!lab_feed(lab, &input));
}

void lab_set_calendar(struct lab *lab, uint64_t calendar)
{
	struct trap_input input = {.kind = TRAP_CALENDAR, .calendar = calendar};

	LAB_TRUE(!lab_feed(lab, &input));
}

void lab_set_policy(struct lab *lab, const struct ipc_policy *policy)
{
	struct trap_input input = {.kind = TRAP_POLICY, .policy = policy};

	LAB_TRUE(!lab_feed(lab, &input));
}

void lab_set_names(struct lab *lab, const struct boot_policy *names)
{
	struct trap_input input = {.kind = TRAP_NAMES, .names = names};

	LAB_TRUE(!lab_feed(lab, &input));
}

void lab_start_ended(struct lab *lab, uint64_t id, const char *why)
{
	struct trap_start start = {.id = id};
	struct trap_input input = {.kind = TRAP_START, .start = &start};

	snprintf(start.why, sizeof start.why, "%s", why);
	LAB_TRUE(!lab_feed(lab, &input));
}

bool lab_work_turn(struct lab *lab)
{
	struct trap_input input = {.kind = TRAP_WORK};

	if (!trap_has_work(lab->host))
		return false;
	LAB_TRUE(!lab_feed(lab, &input));
	lab->turns++;
	return true;
}

void lab_work(struct lab *lab)
{
	while (lab_work_turn(lab))
		continue;
}

/* The thread whose time-out is the first to fall due by `end`; NULL if there is none. */
static struct lab_thread *first_due(const struct lab *lab, uint64_t end)
{
	struct lab_thread *first = NULL;

	for (unsigned i = 0; i < LAB_THREADS_MAX; i++) {
		struct lab_thread *thread = lab->threads[i];

		if (!thread || thread->deadline == 0 || thread->deadline > end)
			continue;
		if (!first || thread->deadline < first->deadline)
			first = thread;
	}
	return first;
}

/* Feed the machine's own alarms that fall due by `end`. */
static void ring_alarms(struct lab *lab, uint64_t end)
{
	while (lab->alarm != 0 && lab->alarm <= end) {
		struct trap_input input = {.kind = TRAP_ALARM};
		uint64_t alarm = lab->alarm;

		if (lab->now < alarm)
			lab->now = alarm;
		LAB_TRUE(!lab_feed(lab, &input));
		LAB_CHECK(lab->alarm != alarm, "an alarm changed nothing");
	}
}

void lab_advance(struct lab *lab, uint32_t ms)
{
	uint64_t end = lab->now + (uint64_t)ms * NS_PER_MS;
	struct lab_thread *thread;

	while ((thread = first_due(lab, end))) {
		ring_alarms(lab, thread->deadline);
		struct trap_input input = {.kind = TRAP_TIMEOUT, .thread = thread->ipc};

		if (lab->now < thread->deadline)
			lab->now = thread->deadline;
		LAB_TRUE(!lab_feed(lab, &input));
		LAB_CHECK(thread->deadline == 0, "a time-out changed nothing");
	}
	ring_alarms(lab, end);
	lab->now = end;
}

ipc_fd_t lab_fd(struct lab *lab)
{
	LAB_TRUE(lab->last_fd < LAB_FDS_MAX);
	return ++lab->last_fd;
}
