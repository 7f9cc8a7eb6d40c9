/* SPDX-License-Identifier: Apache-2.0 */
/* The model's objects, and the doors through which requests come in. */
#include "tests/model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/model_private.h"

#define CHUNK_BYTES 65536u

struct m_chunk {
	struct m_chunk *next;
	size_t used;
	_Alignas(16) uint8_t bytes[CHUNK_BYTES];
};

void *m_alloc(struct model *model, size_t size)
{
	struct m_chunk *chunk = model->chunks;
	void *memory;

	size = (size + 15) & ~(size_t)15;
	assert(size <= CHUNK_BYTES);
	if (!chunk || chunk->used + size > CHUNK_BYTES) {
		chunk = malloc(sizeof *chunk);
		assert(chunk);
		chunk->next = model->chunks;
		chunk->used = 0;
		model->chunks = chunk;
	}
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memset(memory, 0, size);
}

struct m_port *m_port_new(struct model *model, struct m_user *user)
{
	struct m_port *port = m_alloc(model, sizeof *port);

	port->user = user;
	if (user)
		user->ports++;
	TAILQ_INSERT_TAIL(&model->ports, port, of_model);

	port->qlimit = MACH_PORT_QLIMIT_DEFAULT;
	TAILQ_INIT(&port->queue);
	TAILQ_INIT(&port->senders);
	TAILQ_INIT(&port->receivers);
	TAILQ_INIT(&port->requests);
	TAILQ_INIT(&port->sets);
	TAILQ_INIT(&port->knotes);
	return port;
}

void m_port_doubt(struct m_port *port)
{
	if (port->user && !port->doubtful)
		port->user->ports--;
	port->doubtful = true;
}

static struct m_port *kernel_port(struct model *model)
{
	struct m_port *port = m_port_new(model, NULL);

	port->kernel = true;
	return port;
}

void model_start(struct model *model, const struct m_limits *limits, const struct m_policy *policy,
		 uint64_t now, enum model_mutation mutation)
{
	memset(model, 0, sizeof *model);
	model->limits = *limits;
	model->policy = policy;
	model->now = now;
	model->mutation = mutation;
	TAILQ_INIT(&model->tasks);
	TAILQ_INIT(&model->ports);
	TAILQ_INIT(&model->reap);
	TAILQ_INIT(&model->woken);
	TAILQ_INIT(&model->vouchers);
	TAILQ_INIT(&model->inherits);
	TAILQ_INIT(&model->semaphores);
	TAILQ_INIT(&model->timers);
	TAILQ_INIT(&model->bells);
	TAILQ_INIT(&model->tables);
	TAILQ_INIT(&model->ending);
	model->host = kernel_port(model);
	model->host_priv = kernel_port(model);
	model->bootstrap = kernel_port(model);
	m_table_new(model, model->bootstrap, NULL);
}

void model_stop(struct model *model)
{
	while (model->chunks) {
		struct m_chunk *next = model->chunks->next;

		free(model->chunks);
		model->chunks = next;
	}
}

struct m_entry *m_entry_new(struct model *model, struct m_task *task, uint32_t type, uint32_t urefs)
{
	struct m_entry *entry = m_alloc(model, sizeof *entry);

	entry->task = task;
	entry->type = type;
	entry->urefs = urefs;
	TAILQ_INSERT_TAIL(&task->entries, entry, link);
	task->entry_count++;
	return entry;
}

void m_name_freed(struct m_task *task, mach_port_name_t name)
{
	task->freed[task->freed_count++ % M_FREED] = name;
}

void m_entry_free(struct m_entry *entry)
{
	TAILQ_REMOVE(&entry->task->entries, entry, link);
	entry->task->entry_count--;
	m_name_freed(entry->task, entry->name);
	entry->type = 0;
}

struct m_entry *m_find(const struct m_task *task, mach_port_name_t name)
{
	struct m_entry *entry;

	if (!MACH_PORT_VALID(name))
		return NULL;
	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->name == name)
			return entry;
	return NULL;
}

struct m_entry *m_find_port(const struct m_task *task, const struct m_port *port)
{
	struct m_entry *entry;

	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->port == port && (entry->type & MACH_PORT_TYPE_SEND_RECEIVE))
			return entry;
	return NULL;
}

struct m_entry *m_look(const struct m_task *task, mach_port_name_t name)
{
	struct m_entry *entry = m_find(task, name);

	if (!entry)
		return NULL;
	entry->died_asked = false;
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME)
		entry->boosts = false;
	entry->corpse = NULL;
	if (entry->type == MACH_PORT_TYPE_SEND_ONCE && entry->port->dead) {
		entry->type = MACH_PORT_TYPE_DEAD_NAME;
		entry->port = NULL;
		entry->boosts = false;
	}
	return entry;
}

uint32_t m_urefs(uint32_t urefs, int64_t delta)
{
	if (urefs == MACHD_UREFS_MAX)
		return urefs;
	return urefs + delta >= MACHD_UREFS_MAX ? MACHD_UREFS_MAX : (uint32_t)(urefs + delta);
}

uint32_t m_type_bits(const struct m_entry *entry)
{
	const struct m_request *request = entry->request;
	uint32_t bits = entry->type;

	if (!request || !request->notify)
		return bits;
	bits |= MACH_PORT_TYPE_DNREQUEST;
	if (request->send_possible)
		bits |= MACH_PORT_TYPE_SPREQUEST;
	if (request->send_possible && !request->armed)
		bits |= MACH_PORT_TYPE_SPREQUEST_DELAYED;
	return bits;
}

/* --- answers --- */

void m_answer(struct model *model, struct m_thread *thread, uint32_t code, uint32_t size)
{
	struct m_answer *answer = &thread->answer;

	assert(!answer->due);
	memset(answer, 0, offsetof(struct m_answer, name));
	answer->due = true;
	answer->size = size;
	answer->other_code = code;
	answer->bytes = m_alloc(model, size);
	answer->care = m_alloc(model, size);
	memset(answer->care, 0xff, size);
	m_answer_word(answer, 0, code);
	thread->state = M_IDLE;
	thread->deadline = 0;
}

void m_message_answer(struct model *model, struct m_thread *thread, uint32_t code, uint32_t size)
{
	m_answer(model, thread, code, sizeof(struct machd_message_answer) + size);
	m_answer_word(&thread->answer, offsetof(struct machd_message_answer, memory_taken),
		      thread->memory_taken);
}

void m_answer_word(struct m_answer *answer, uint32_t offset, uint32_t word)
{
	assert(offset + sizeof word <= answer->size);
	memcpy(answer->bytes + offset, &word, sizeof word);
}

void m_answer_name(struct m_answer *answer, uint32_t offset, struct m_entry *entry)
{
	assert(answer->name_count < M_NAMES);
	assert(offset + sizeof(uint32_t) <= answer->size);
	answer->name[answer->name_count++] = (struct m_name){offset, entry};
}

void m_answer_ignore(struct m_answer *answer, uint32_t offset, uint32_t size)
{
	assert(offset + size <= answer->size);
	memset(answer->care + offset, 0, size);
}

/* --- tasks and threads --- */

static void special_name(struct model *model, struct m_task *task, struct m_port *port,
			 mach_port_name_t name)
{
	struct m_entry *entry = m_entry_new(model, task, MACH_PORT_TYPE_SEND, 1);

	entry->port = port;
	entry->name = name;
	port->srights++;
}

struct m_task *model_task(struct model *model, unsigned word, uint32_t uid, uint32_t pid,
			  uint32_t pidversion, mach_port_name_t self, mach_port_name_t host,
			  mach_port_name_t bootstrap)
{
	struct m_task *task = m_alloc(model, sizeof *task);

	TAILQ_INIT(&task->entries);
	task->uid = uid;
	task->gid = uid + 1;
	task->pid = pid;
	task->pidversion = pidversion;
	task->word = word;
	task->suspect = model->policy && model->policy->uid == uid;
	task->user = m_user_of(model, uid);
	m_grow_to(model, task, 0);
	task->self = kernel_port(model);
	task->self->task = task;
	special_name(model, task, task->self, self);
	task->host = uid == 0 ? model->host_priv : model->host;
	special_name(model, task, task->host, host);
	special_name(model, task, model->bootstrap, bootstrap);
	task->special[TASK_BOOTSTRAP_PORT].port = model->bootstrap;
	model->bootstrap->srights++;
	TAILQ_INSERT_TAIL(&model->tasks, task, link);
	return task;
}

struct m_thread *model_thread(struct model *model, struct m_task *task)
{
	struct m_thread *thread = m_alloc(model, sizeof *thread);

	thread->task = task;
	task->threads++;
	return thread;
}

static struct m_entry *lowest_index(struct m_task *task)
{
	struct m_entry *entry, *lowest = NULL;

	TAILQ_FOREACH (entry, &task->entries, link)
		if (!lowest || MACH_PORT_INDEX(entry->name) < MACH_PORT_INDEX(lowest->name))
			lowest = entry;
	return lowest;
}

static void task_end(struct model *model, struct m_task *task)
{
	struct m_entry *entry;

	task->dead = true;
	m_bells_end(model, task);
	m_port_end(model, task->self);
	for (unsigned i = 0; i < M_SPECIALS; i++)
		if (task->special[i].port)
			m_release_send(model, task->special[i].port);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		if (task->registered[i].port)
			m_release_send(model, task->registered[i].port);
	m_semaphores_end(model, task);
	while ((entry = lowest_index(task)))
		m_entry_destroy(model, entry);
	task->user->names -= task->table;
	TAILQ_REMOVE(&model->tasks, task, link);
}

/* Does putting this right into the task make no new name? */
static bool merges(const struct m_task *task, const struct m_right *right)
{
	return !right->port || right->port->dead ||
	       (right->type == MACH_MSG_TYPE_PORT_SEND && m_find_port(task, right->port));
}

bool m_may_vanish(struct model *model, const struct m_thread *thread)
{
	const struct m_msg *msg = thread->msg;

	if (!msg || msg->from_kernel)
		return true;
	for (unsigned i = 0; i < msg->right_count; i++)
		if (!merges(thread->task, &msg->right[i]))
			return false;
	if (msg->voucher_type == MACH_MSG_TYPE_MOVE_SEND &&
	    !merges(thread->task, &msg->voucher_right))
		return false;
	return merges(thread->task, &msg->dest) &&
	       (m_swallowed(msg) || merges(thread->task, &msg->reply)) &&
	       m_room(model, thread->task);
}

/* The rights of a message that nobody sends any more go back to the task. */
static void take_back(struct model *model, struct m_task *task, struct m_msg *msg)
{
	mach_port_name_t name;
	uint32_t full = 0;

	m_copyout(model, task, msg->dest, &name, &full);
	if (m_swallowed(msg))
		msg->reply.port->sorights--;
	else
		m_copyout(model, task, msg->reply, &name, &full);
	if (msg->voucher_type == MACH_MSG_TYPE_MOVE_SEND)
		m_copyout(model, task, msg->voucher_right, &name, &full);
	else
		m_right_destroy(model, msg->voucher_right);
	for (unsigned i = 0; i < msg->right_count; i++)
		m_copyout(model, task, msg->right[i], &name, &full);
	m_msg_over(model, msg);
}

void model_leave(struct model *model, struct m_thread *thread)
{
	struct m_msg *msg = thread->msg;

	m_stop_waiting(thread);
	thread->state = M_GONE;
	if (msg && msg->from_kernel)
		m_msg_destroy(model, msg);
	else if (msg)
		take_back(model, thread->task, msg);
	m_thread_end(model, thread);
	if (--thread->task->threads == 0)
		task_end(model, thread->task);
	m_settle(model);
}

/* --- mach_msg --- */

/* A send names one kind of destination, and a vector is for no object of the daemon. */
static bool options_good(uint64_t option)
{
	const uint64_t kinds = MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL | MACH64_SEND_ANY |
			       MACH64_SEND_DK_CALL;

	if (option & MACH64_MSG_VECTOR && !(option & (MACH64_SEND_MQ_CALL | MACH64_SEND_ANY)))
		return false;
	return __builtin_popcountll(option & kinds) == 1;
}

/* A message that is not sent: who has let go of its memory gets the descriptors back. */
static void refuse(struct model *model, struct m_thread *thread, const struct m_sent *sent,
		   uint32_t code)
{
	m_message_answer(model, thread, code, 0);
	if (!(thread->args.option & MACHD_SEND_RETURN))
		return;
	thread->answer.fds = sent->fds;
	for (unsigned i = 0; i < sent->fds; i++)
		thread->answer.fd[i] = sent->fd[i].handle;
}

void model_message(struct model *model, struct m_thread *thread,
		   const struct machd_message_args *args, const struct m_sent *sent)
{
	uint32_t code = MACH_MSG_SUCCESS;

	thread->args = *args;
	thread->memory_taken = 0;
	if (args->option & MACH_SEND_MSG)
		code = options_good(args->option) ? m_send(model, thread, sent)
						  : MACH_SEND_INVALID_OPTIONS;
	if (code == MACH_MSG_SUCCESS && m_receives(thread))
		m_receive(model, thread);
	else if (code == MACH_MSG_SUCCESS)
		m_message_answer(model, thread, code, 0);
	else if (code != M_BLOCKED && code != M_ANSWERED)
		refuse(model, thread, sent, code);
	m_settle(model);
}

static void give_up(struct model *model, struct m_thread *thread, uint32_t send, uint32_t receive,
		    uint32_t call)
{
	struct m_msg *msg = thread->msg;
	bool waited = thread->state == M_WAITING, linked = thread->side;

	m_stop_waiting(thread);
	if (msg && msg->from_kernel)
		m_lose_reply(model, thread, msg);
	else if (msg)
		m_give_back(model, thread, msg, send);
	else if (linked)
		m_eventlink_give_up(model, thread, call);
	else if (waited)
		m_answer(model, thread, call, sizeof(struct machd_call_answer));
	else
		m_message_answer(model, thread, receive, 0);
	m_settle(model);
}

void model_cancel(struct model *model, struct m_thread *thread)
{
	bool replies = m_waits(thread) && thread->msg && thread->msg->from_kernel;

	if (m_waits(thread))
		give_up(model, thread, MACH_SEND_INTERRUPTED, MACH_RCV_INTERRUPTED, KERN_ABORTED);
	if (replies && m_waits(thread))
		give_up(model, thread, MACH_SEND_INTERRUPTED, MACH_RCV_INTERRUPTED, KERN_ABORTED);
}

void model_timeout(struct model *model, struct m_thread *thread)
{
	give_up(model, thread, MACH_SEND_TIMED_OUT, MACH_RCV_TIMED_OUT, KERN_OPERATION_TIMED_OUT);
}
