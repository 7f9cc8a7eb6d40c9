/* SPDX-License-Identifier: Apache-2.0 */
/* Carry out an operation in both: feed it to the machine, then to the model. */
#include "tests/model/world.h"

#include <mach/mach_voucher_types.h>
#include <servers/bootstrap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_feed.h"
#include "tests/model/world_private.h"

#define WORLD_UID  1000
#define SERVICE	   "service"
#define DOMAIN_AT  255
#define NS_PER_MS  UINT64_C(1000000)
#define BANK_LEAST 8	       /* bytes of what a voucher says in words about whose work it is */
#define NO_SUCH	   0x00ffff03u /* for names that an operation taken out would have brought */

void world_fail(struct world *world, const char *format, ...)
{
	va_list list;

	if (world->failed)
		return;
	world->failed = true;
	va_start(list, format);
	vsnprintf(world->text, sizeof world->text, format, list);
	va_end(list);
}

/* All that task 1000 sends is filtered: by the highest bit of the id, and one below to services. */
static const struct m_policy policy = {WORLD_UID, {0, 0}, {0x7fffffff, 0x7fffff}};

static void set_policy(struct ipc_policy *set)
{
	static const char *const names[] = {"*", SERVICE};

	set->p_hardened = (struct ipc_uids){.us_count = 1, .us_uid = {WORLD_UID}};
	set->p_filtered = set->p_hardened;
	set->p_rule_count = 2;
	for (unsigned i = 0; i < set->p_rule_count; i++) {
		strcpy(set->p_rules[i].fr_service, names[i]);
		set->p_rules[i].fr_first = policy.first[i];
		set->p_rules[i].fr_last = policy.last[i];
	}
}

static void set_limit(uint64_t *limit, uint64_t value)
{
	if (value != UINT64_MAX)
		*limit = value;
}

void world_start(struct world *world, const struct world_options *options)
{
	struct lab_options lab;

	memset(world, 0, sizeof *world);
	world->options = *options;
	lab_options_init(&lab);
	lab.seed = options->seed;
	if (options->policy)
		set_policy(&lab.policy);
	lab.policy.p_strict_reply = options->strict;
	lab.limits.names_per_task = options->limits.names_per_task;
	set_limit(&lab.limits.names_per_user, options->limits.names);
	set_limit(&lab.limits.ports_per_user, options->limits.ports);
	set_limit(&lab.limits.messages_per_user, options->limits.messages);
	set_limit(&lab.limits.bytes_per_user, options->limits.bytes);
	set_limit(&lab.limits.memfds_per_user, options->limits.memfds);
	set_limit(&lab.limits.memory_per_user, options->limits.memory);
	lab.record = options->record;
	lab.slice = options->slice;
	world->lab = lab_start(&lab);
	LAB_TRUE(world->lab->host);
	world->names = calloc(options->ops_max + 1, sizeof *world->names);
	LAB_TRUE(world->names);
	model_start(&world->model, &options->limits, options->policy ? &policy : NULL,
		    world->lab->now, options->mutation);
	world->model.strict = options->strict;
}

void world_stop(struct world *world)
{
	for (unsigned i = 0; i < world->actor_count; i++)
		ahead_forget(&world->actors[i]);
	lab_stop(world->lab);
	model_stop(&world->model);
	free(world->names);
}

struct actor *world_actor(struct world *world, uint32_t origin)
{
	for (unsigned i = 0; i < world->actor_count; i++)
		if (world->actors[i].origin == origin)
			return &world->actors[i];
	return NULL;
}

struct actor *world_idle(struct world *world, const struct m_task *task)
{
	for (unsigned i = 0; i < world->actor_count; i++)
		if (world->actors[i].model->task == task && !m_waits(world->actors[i].model))
			return &world->actors[i];
	return NULL;
}

mach_port_name_t world_name(const struct world *world, const struct op_name *name)
{
	mach_port_name_t value;

	if (name->origin == 0)
		return name->literal;
	value = world->names[name->origin / OP_NAMES][name->origin % OP_NAMES];
	return value ? value : NO_SUCH;
}

/* What the machine has said. */
static uint32_t code_of(const struct lab_thread *lab)
{
	uint32_t code = KERN_SUCCESS;

	if (lab->answered)
		memcpy(&code, lab->packet + sizeof(struct machd_frame), sizeof code);
	return code;
}

/* The machine has had its turn: now the model knows the time and whom the machine answered. */
void world_machine_done(struct world *world)
{
	world->model.now = world->lab->now;
	for (unsigned i = 0; i < world->actor_count; i++) {
		struct actor *actor = &world->actors[i];
		uint32_t code = code_of(actor->lab);

		actor->model->heard = actor->lab->answered;
		actor->model->refused = code == KERN_RESOURCE_SHORTAGE ||
					code == BOOTSTRAP_NO_MEMORY || code == MACH_SEND_NO_BUFFER;
		actor->model->lost = code == (MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_KERNEL);
	}
}

/* --- coming and going --- */

static void add_actor(struct world *world, struct lab_thread *lab, struct m_task *task)
{
	struct m_thread *thread = model_thread(&world->model, task);

	LAB_TRUE(world->actor_count < WORLD_ACTORS);
	thread->origin = world->op->number;
	world->actors[world->actor_count++] =
		(struct actor){.lab = lab, .model = thread, .origin = world->op->number};
}

static void name_special(struct world *world, struct m_task *task, mach_port_name_t name)
{
	m_find(task, name)->origin = world->op->number * OP_NAMES + world->named;
	world->names[world->op->number][world->named++] = name;
}

static void do_task(struct world *world)
{
	uint32_t uid = world->op->count % 4 ? WORLD_UID : 0;
	unsigned word = world->op->count / 4 % 3 ? 64 : 32;
	struct lab_task *lab;
	struct m_task *task;

	if (world->actor_count == WORLD_ACTORS)
		return;
	world->lab->word = word;
	lab = lab_task(world->lab, uid);
	if (!lab && model_task_refused(&world->model, uid))
		return;
	LAB_TRUE(lab);
	task = model_task(&world->model, word, lab->uid, (uint32_t)lab->pid,
			  (uint32_t)lab->thread->channel, lab->self, lab->host, lab->bootstrap);
	task->origin = world->op->number;
	add_actor(world, lab->thread, task);
	name_special(world, task, lab->self);
	name_special(world, task, lab->host);
	name_special(world, task, lab->bootstrap);
}

static void do_thread(struct world *world, const struct actor *peer)
{
	struct lab_thread *lab;

	if (world->actor_count == WORLD_ACTORS)
		return;
	world->lab->word = peer->model->task->word;
	lab = lab_thread(peer->lab->task);
	LAB_TRUE(lab);
	add_actor(world, lab, peer->model->task);
}

static void do_cancel(struct world *world, struct actor *actor)
{
	LAB_TRUE(lab_cancel(actor->lab));
	world_machine_done(world);
	model_cancel(&world->model, actor->model);
}

static void do_leave(struct world *world, struct actor *actor)
{
	struct m_thread *model = actor->model;

	if (!m_may_vanish(&world->model, model)) {
		do_cancel(world, actor);
		world_compare(world);
	}
	lab_close(actor->lab);
	ahead_forget(actor);
	*actor = world->actors[--world->actor_count];
	world_machine_done(world);
	model_leave(&world->model, model);
}

/* --- requests --- */

void world_request(struct world *world, struct actor *actor, const struct lab_frame *frame)
{
	if (!lab_request_frame(actor->lab, frame))
		ck_abort_msg("thread %u is dropped: %s", actor->origin, world->lab->why);
	world_machine_done(world);
}

void world_call(struct world *world, struct actor *actor, uint32_t routine, mach_port_name_t target,
		const uint32_t *args, unsigned words)
{
	struct machd_call call = {.routine = routine, .target = target};
	struct lab_frame frame = {
		.op = MACHD_OP_CALL,
		.parts = {{&call, sizeof call}, {args, words * sizeof *args}},
	};

	if (world->failed)
		return;
	world_request(world, actor, &frame);
	model_call(&world->model, actor->model, routine, target, args, words);
	world_compare(world);
}

static void do_call(struct world *world, struct actor *actor)
{
	const struct op *op = world->op;
	uint32_t words[80] = {0};
	unsigned count = 0;

	if (op_has_service(op)) {
		words[0] = '0' + op->service;
		count = 32;
	}
	for (unsigned i = 0; i < op->words; i++)
		words[count++] = world_name(world, &op->arg[i]);
	if (op->routine == MACHD_ROUTINE_machd_construct_service_port) {
		memcpy(words + count, SERVICE, sizeof SERVICE);
		((uint8_t *)(words + count))[DOMAIN_AT] = op->service % 2 ? 7 : 0;
		count += M_INFO_WORDS;
	}
	world_call(world, actor, op->routine, world_name(world, &op->target), words, count);
}

static void make_file(struct world *world, struct actor *actor, const struct op *op,
		      struct machd_fileport *request, struct lab_frame *frame)
{
	static const uint8_t states[] = {TRAP_FD_FIXED, TRAP_FD_SEALED, TRAP_FD_UNSEALED,
					 TRAP_FD_CONNECTION, TRAP_FD_NO_ROOM};
	struct trap_fd fd = {.handle = lab_fd(world->lab),
			     .size = op->file.size,
			     .sealed = states[op->file.state]};
	struct m_file file = {.fd = {.handle = fd.handle, .size = fd.size},
			      .memory = op->file.memory,
			      .fixed = op->file.state <= OP_FILE_SEALED};

	request->extent = (struct machd_extent){.offset = op->file.offset,
						.size = op->file.part,
						.protection = op->file.protection};
	file.part = request->extent;
	frame->fds = &fd;
	frame->fd_count = 1;
	world_request(world, actor, frame);
	model_file(&world->model, actor->model, &file,
		   op->file.state == OP_FILE_CONNECTION ? KERN_INVALID_ARGUMENT
		   : op->file.state == OP_FILE_NO_ROOM	? KERN_RESOURCE_SHORTAGE
							: KERN_SUCCESS);
}

static void do_file(struct world *world, struct actor *actor)
{
	const struct op *op = world->op;
	struct machd_fileport request = {.kind = op->file.memory ? MACHD_FILE_MEMORY
								 : MACHD_FILE_ANY};
	struct lab_frame frame = {.op = MACHD_OP_FILEPORT, .parts = {{&request, sizeof request}}};

	if (op->file.makes) {
		make_file(world, actor, op, &request, &frame);
		return;
	}
	request.port = world_name(world, &op->target);
	world_request(world, actor, &frame);
	model_file_of(&world->model, actor->model, request.port, op->file.memory);
}

static void do_bell(struct world *world, struct actor *actor)
{
	uint64_t state = world->op->count ? TRAP_FD_SOCKET : TRAP_FD_NO_ROOM;
	struct trap_fd fds[2];
	struct lab_frame frame = {.op = MACHD_OP_BELL, .fds = fds, .fd_count = 2};

	for (unsigned i = 0; i < 2; i++)
		fds[i] = (struct trap_fd){.handle = lab_fd(world->lab), .sealed = state};
	world_request(world, actor, &frame);
	model_bell(&world->model, actor->model, fds[0].handle, fds[1].handle, world->op->count);
}

/* --- time --- */

/* The machine's own alarm rings. */
static void ring(struct world *world)
{
	struct trap_input input = {.kind = TRAP_ALARM};

	if (world->lab->now < world->lab->alarm)
		world->lab->now = world->lab->alarm;
	LAB_TRUE(!lab_feed(world->lab, &input));
	world_machine_done(world);
	model_timers(&world->model);
	world_compare(world);
}

static struct actor *first_due(struct world *world, uint64_t end)
{
	struct actor *first = NULL;

	for (unsigned i = 0; i < world->actor_count; i++) {
		struct actor *actor = &world->actors[i];

		if (actor->lab->deadline == 0 || actor->lab->deadline > end)
			continue;
		if (!first || actor->lab->deadline < first->lab->deadline)
			first = actor;
	}
	return first;
}

static void do_clock(struct world *world)
{
	uint64_t end = world->lab->now + world->op->timeout * NS_PER_MS;
	struct actor *actor;

	while (!world->failed) {
		uint64_t alarm = world->lab->alarm;
		struct trap_input input = {.kind = TRAP_TIMEOUT};

		actor = first_due(world, alarm && alarm < end ? alarm : end);
		if (!actor && alarm && alarm <= end)
			ring(world);
		if (!actor && !(alarm && alarm <= end))
			break;
		if (!actor)
			continue;
		input.thread = actor->lab->ipc;
		if (world->lab->now < actor->lab->deadline)
			world->lab->now = actor->lab->deadline;
		LAB_TRUE(!lab_feed(world->lab, &input));
		world_machine_done(world);
		model_timeout(&world->model, actor->model);
		model_timers(&world->model);
		world_compare(world);
	}
	world->lab->now = end;
}

/* --- one operation --- */

static bool is_request(const struct op *op)
{
	return op->kind == OP_CALL || op->kind == OP_MESSAGE || op->kind == OP_FILE ||
	       op->kind == OP_BOARD || op->kind == OP_BELL;
}

static void dispatch(struct world *world, struct actor *actor)
{
	switch (world->op->kind) {
	case OP_TASK:
		do_task(world);
		break;
	case OP_THREAD:
		do_thread(world, actor);
		break;
	case OP_LEAVE:
		do_leave(world, actor);
		break;
	case OP_CALL:
		do_call(world, actor);
		break;
	case OP_FILE:
		do_file(world, actor);
		break;
	case OP_BOARD:
		ahead_board(world, actor);
		break;
	case OP_BELL:
		do_bell(world, actor);
		break;
	case OP_MESSAGE:
		world_message(world, actor);
		break;
	case OP_CANCEL:
		do_cancel(world, actor);
		break;
	case OP_CLOCK:
		do_clock(world);
		break;
	case OP_COMPARE:
		lab_audit(world->lab);
		world_look_at_all(world);
		break;
	}
}

static const struct m_entry *entry_of(const struct world *world, const struct m_task *task,
				      const struct op_name *name)
{
	return m_find(task, world_name(world, name));
}

static bool special_port_good(const struct world *world, const struct m_task *task)
{
	const struct m_entry *entry = entry_of(world, task, &world->op->arg[1]);

	if (world_name(world, &world->op->arg[1]) == MACH_PORT_NULL)
		return true;
	return entry && entry->type & MACH_PORT_TYPE_SEND;
}

/* A value that is told as a text, in whatever words, if there is room for any. */
static bool has_text(const struct m_port *voucher, uint32_t key, uint32_t room)
{
	if (key == MACH_VOUCHER_ATTR_KEY_BANK)
		return room >= BANK_LEAST && voucher->values[key - 1].bank.known;
	return key == MACH_VOUCHER_ATTR_KEY_IMPORTANCE && room >= 1 &&
	       voucher->values[key - 1].boosting;
}

/* The same of one that a call wants, or of any. */
static bool tells_text(const struct world *world, const struct m_entry *target)
{
	const struct m_port *voucher = target ? target->port : NULL;
	uint32_t key = world->op->arg[0].literal, size = world->op->arg[1].literal;

	switch (world->op->routine) {
	case MACHD_ROUTINE_mach_voucher_extract_attr_content:
	case MACHD_ROUTINE_mach_voucher_extract_attr_recipe:
		return voucher && voucher->voucher && has_text(voucher, key, size);
	case MACHD_ROUTINE_mach_voucher_debug_info:
	case MACHD_ROUTINE_mach_voucher_extract_all_attr_recipes:
		return voucher && voucher->voucher &&
		       (has_text(voucher, MACH_VOUCHER_ATTR_KEY_BANK, UINT32_MAX) ||
			has_text(voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE, UINT32_MAX));
	}
	return false;
}

/* Arguments of which the contract does not say what is wrong with them first. */
static bool call_open(const struct world *world, const struct actor *actor)
{
	const struct m_task *task = actor->model->task;
	const struct m_entry *target = entry_of(world, task, &world->op->target);
	uint32_t routine = world->op->routine;

	/* No right at all for another task. */
	if (routine == MACHD_ROUTINE_mach_port_insert_right && target &&
	    target->port != task->self && !entry_of(world, task, &world->op->arg[1]))
		return !MACH_PORT_VALID(world_name(world, &world->op->arg[1]));

	if (routine == MACHD_ROUTINE_mach_voucher_debug_info && target && target->port &&
	    target->port->task) {
		if (tells_text(world, entry_of(world, target->port->task, &world->op->arg[0])))
			return true;
	} else if (tells_text(world, target))
		return true;

	/* A service that is no task's: its name would last for ever. */
	if (routine == MACHD_ROUTINE_bootstrap_register) {
		const struct m_entry *service = entry_of(world, task, &world->op->arg[0]);

		return service && service->port &&
		       (service->port->voucher || service->port->semaphore || service->port->file ||
			service->port->eventlink || service->port->thread);
	}

	/* Nor does the host give a file back when the machine stops. */
	if (routine == MACHD_ROUTINE_host_set_special_port) {
		const struct m_entry *file = entry_of(world, task, &world->op->arg[1]);

		if (file && file->port && file->port->file)
			return true;
	}

	/* Nor a wrong one as a special port. */
	return (routine == MACHD_ROUTINE_task_set_special_port ||
		routine == MACHD_ROUTINE_host_set_special_port) &&
	       !special_port_good(world, task);
}

/* A message from the daemon to itself. */
static bool message_open(const struct world *world, const struct actor *actor)
{
	const struct m_entry *dest = entry_of(world, actor->model->task, &world->op->dest);
	const struct m_entry *reply = entry_of(world, actor->model->task, &world->op->reply);

	if (!dest || !dest->port || !dest->port->kernel)
		return false;
	return m_tight(&world->model) || (reply && reply->port && reply->port->kernel);
}

/* Where the contract does not say what happens. */
static bool open_question(const struct world *world, const struct actor *actor)
{
	if (world->op->kind == OP_CALL)
		return call_open(world, actor);
	return world->op->kind == OP_MESSAGE && message_open(world, actor);
}

bool world_do(struct world *world, const struct op *op)
{
	struct actor *actor = op->who ? world_actor(world, op->who) : NULL;
	struct m_task *task = actor ? actor->model->task : NULL;

	if (op->who && !actor)
		return true;
	if (is_request(op) && m_waits(actor->model))
		return true;
	world->op = op;
	world->named = 0;
	world->looking = op->kind == OP_COMPARE;
	if (actor && open_question(world, actor))
		return true;
	if (world->options.trace) {
		op_print(world->options.trace, op);
		fputc('\n', world->options.trace);
		fflush(world->options.trace);
	}
	dispatch(world, actor);
	if (!world->failed)
		world_compare(world);
	world->looking = true;
	if (op->check == OP_CHECK_ALL && !world->failed)
		world_look_at_all(world);
	if (op->check == OP_CHECK_USED && task && !task->dead && !world->failed)
		world_look_at_used(world, task);
	return !world->failed;
}
