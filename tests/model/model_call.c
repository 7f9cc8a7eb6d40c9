/* SPDX-License-Identifier: Apache-2.0 */
/* The routines on name spaces: which one it is, and those on names and their counts [2, 20]. */
#include <stdlib.h>

#include "tests/model/model_call.h"

struct m_answer *call_give(struct call *call, uint32_t words)
{
	m_answer(call->model, call->thread, KERN_SUCCESS, CALL_HEAD + words * 4);
	return &call->thread->answer;
}

void call_give_name(struct call *call, uint32_t word, struct m_entry *entry, mach_port_name_t name)
{
	if (entry)
		m_answer_name(&call->thread->answer, OUT(word), entry);
	else
		m_answer_word(&call->thread->answer, OUT(word), name);
}

/* --- looking up --- */

uint32_t call_look_up(struct call *call, mach_port_name_t name, uint32_t type,
		      struct m_entry **entry)
{
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_RIGHT;
	*entry = m_look(call->task, name);
	if (!*entry || (*entry)->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	return (*entry)->type & type ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

uint32_t call_look_up_named(struct call *call, mach_port_name_t name, uint32_t type,
			    struct m_entry **entry)
{
	return MACH_PORT_VALID(name) ? call_look_up(call, name, type, entry) : KERN_INVALID_NAME;
}

uint32_t call_look_up_port(struct call *call, mach_port_name_t name, struct m_port **port)
{
	struct m_entry *entry;
	uint32_t code = call_look_up(call, name, MACH_PORT_TYPE_RECEIVE, &entry);

	if (code == KERN_SUCCESS)
		*port = entry->port;
	return code;
}

/* --- names: types and counts --- */

int call_by_name(const void *a, const void *b)
{
	const struct m_entry *x = *(struct m_entry *const *)a, *y = *(struct m_entry *const *)b;

	return (MACH_PORT_INDEX(x->name) > MACH_PORT_INDEX(y->name)) -
	       (MACH_PORT_INDEX(x->name) < MACH_PORT_INDEX(y->name));
}

static uint32_t names(struct call *call)
{
	struct m_entry *entry, **sorted = m_alloc(call->model, (call->task->entry_count + 1) *
								       sizeof(struct m_entry *));
	struct m_answer *answer;
	unsigned count = 0;

	TAILQ_FOREACH (entry, &call->task->entries, link)
		sorted[count++] = m_look(call->task, entry->name);
	qsort(sorted, count, sizeof *sorted, call_by_name);
	answer = call_give(call, 1 + 2 * count);
	for (unsigned i = 0; i < count; i++) {
		m_answer_word(answer, OUT(1 + 2 * i), sorted[i]->name);
		m_answer_word(answer, OUT(2 + 2 * i), m_type_bits(sorted[i]));
	}
	return M_ANSWERED;
}

static uint32_t type(struct call *call)
{
	struct m_entry *entry = m_look(call->task, call->args[0]);
	uint32_t bits;

	if (call->args[0] == MACH_PORT_DEAD)
		bits = MACH_PORT_TYPE_DEAD_NAME;
	else if (entry)
		bits = m_type_bits(entry) &
		       ~(MACH_PORT_TYPE_SPREQUEST | MACH_PORT_TYPE_SPREQUEST_DELAYED);
	else
		return KERN_INVALID_NAME;
	m_answer_word(call_give(call, 1), OUT(0), bits);
	return M_ANSWERED;
}

static uint32_t get_refs(struct call *call)
{
	uint32_t right = call->args[1], refs = 0;
	struct m_entry *entry = m_look(call->task, call->args[0]);
	bool send = right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_SEND_ONCE;

	if (right >= MACH_PORT_RIGHT_NUMBER)
		return KERN_INVALID_VALUE;
	if (MACH_PORT_VALID(call->args[0]) ? !entry : !send)
		return KERN_INVALID_NAME;
	if (!entry)
		refs = 1;
	else if (entry->type & MACH_PORT_TYPE(right))
		refs = right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME
			       ? entry->urefs
			       : 1;
	m_answer_word(call_give(call, 1), OUT(0), refs);
	return M_ANSWERED;
}

static struct m_entry *allocate_entry(struct call *call, uint32_t right)
{
	struct model *model = call->model;
	struct m_entry *entry = m_entry_new(model, call->task, MACH_PORT_TYPE(right),
					    right == MACH_PORT_RIGHT_DEAD_NAME);

	if (right == MACH_PORT_RIGHT_RECEIVE) {
		entry->port = m_port_new(model, call->task->user);
		entry->port->holder = entry;
	} else if (right == MACH_PORT_RIGHT_PORT_SET) {
		entry->set = m_alloc(model, sizeof *entry->set);
		entry->set->holder = entry;
		call->task->user->ports++;
		TAILQ_INIT(&entry->set->members);
		TAILQ_INIT(&entry->set->ready);
		TAILQ_INIT(&entry->set->receivers);
		TAILQ_INIT(&entry->set->knotes);
	}
	return entry;
}

static bool may_allocate(uint32_t right)
{
	return right == MACH_PORT_RIGHT_RECEIVE || right == MACH_PORT_RIGHT_PORT_SET ||
	       right == MACH_PORT_RIGHT_DEAD_NAME;
}

static bool may_make(struct call *call, uint32_t right)
{
	return right == MACH_PORT_RIGHT_DEAD_NAME ||
	       m_may_make_port(call->model, call->thread, call->task->user);
}

static uint32_t allocate(struct call *call)
{
	uint32_t lack;

	if (!may_allocate(call->args[0]))
		return KERN_INVALID_VALUE;
	lack = m_lack(call->model, call->task, 1);
	if (lack != KERN_SUCCESS)
		return lack;
	if (!may_make(call, call->args[0]))
		return KERN_RESOURCE_SHORTAGE;
	call_give(call, 1);
	call_give_name(call, 0, allocate_entry(call, call->args[0]), 0);
	return M_ANSWERED;
}

uint32_t call_check_name(struct call *call, mach_port_name_t name, struct m_entry **same)
{
	struct m_entry *entry;
	uint32_t code;

	*same = m_find(call->task, name);
	if (MACH_PORT_INDEX(name) >= call->model->limits.names_per_task)
		return KERN_NO_SPACE;
	if ((name & 3) != 3)
		return KERN_INVALID_VALUE;
	if (MACH_PORT_INDEX(name) == 0)
		return KERN_FAILURE;
	code = m_grow_to(call->model, call->task, MACH_PORT_INDEX(name));
	if (code != KERN_SUCCESS)
		return code;
	TAILQ_FOREACH (entry, &call->task->entries, link)
		if (MACH_PORT_INDEX(entry->name) == MACH_PORT_INDEX(name) && entry != *same)
			return KERN_FAILURE;
	return KERN_SUCCESS;
}

static uint32_t allocate_name(struct call *call)
{
	struct m_entry *same;
	uint32_t code;

	if (!MACH_PORT_VALID(call->args[1]) || !may_allocate(call->args[0]))
		return KERN_INVALID_VALUE;
	code = call_check_name(call, call->args[1], &same);
	if (code == KERN_SUCCESS && same)
		code = KERN_NAME_EXISTS;
	if (code == KERN_SUCCESS && !may_make(call, call->args[0])) {
		m_name_freed(call->task, call->args[1]);
		code = KERN_RESOURCE_SHORTAGE;
	}
	if (code == KERN_SUCCESS)
		allocate_entry(call, call->args[0])->name = call->args[1];
	return code;
}

static uint32_t destroy(struct call *call)
{
	struct m_entry *entry = m_look(call->task, call->args[0]);

	if (!MACH_PORT_VALID(call->args[0]))
		return KERN_SUCCESS;
	if (!entry)
		return KERN_INVALID_NAME;
	if (m_pinned(entry))
		return KERN_INVALID_CAPABILITY;
	if (entry->type & MACH_PORT_TYPE_RECEIVE && entry->port->guarded && entry->port->context)
		return KERN_INVALID_RIGHT;
	m_entry_destroy(call->model, entry);
	return KERN_SUCCESS;
}

void call_drop_sends(struct call *call, struct m_entry *entry, uint32_t count)
{
	struct m_port *notify = NULL;

	if (count < entry->urefs) {
		entry->urefs -= count;
		return;
	}
	if (entry->type & MACH_PORT_TYPE_RECEIVE) {
		entry->type = MACH_PORT_TYPE_RECEIVE;
		entry->urefs = 0;
	} else {
		notify = m_request_take(entry);
		m_entry_free(entry);
	}
	m_release_send(call->model, entry->port);
	if (notify)
		m_notify_word(call->model, notify, MACH_NOTIFY_PORT_DELETED, entry->name, 0);
}

static void drop_dead(struct m_entry *entry, uint32_t count)
{
	if (count < entry->urefs)
		entry->urefs -= count;
	else
		m_entry_free(entry);
}

static uint32_t deallocate(struct call *call)
{
	struct m_entry *entry = m_look(call->task, call->args[0]);
	bool pegged = entry && entry->urefs == MACHD_UREFS_MAX;

	if (!MACH_PORT_VALID(call->args[0]))
		return KERN_SUCCESS;
	if (!entry)
		return KERN_INVALID_NAME;
	if (entry->type == MACH_PORT_TYPE_RECEIVE)
		return KERN_INVALID_RIGHT;
	if (m_pinned(entry) && entry->urefs == 1)
		return KERN_INVALID_CAPABILITY;
	if (entry->type & (MACH_PORT_TYPE_PORT_SET | MACH_PORT_TYPE_SEND_ONCE))
		m_entry_destroy(call->model, entry);
	else if (entry->type & MACH_PORT_TYPE_SEND && !pegged)
		call_drop_sends(call, entry, 1);
	else if (entry->type == MACH_PORT_TYPE_DEAD_NAME && !pegged)
		drop_dead(entry, 1);
	return KERN_SUCCESS;
}

void call_drop_receive(struct call *call, struct m_entry *entry)
{
	struct m_port *port = entry->port, *notify = NULL;

	if (entry->type & MACH_PORT_TYPE_SEND) {
		entry->type = MACH_PORT_TYPE_SEND;
		call->model->ended = port->destroyed || port->kept ? NULL : entry;
	} else {
		notify = m_request_take(entry);
		m_entry_free(entry);
	}
	m_port_end(call->model, port);
	call->model->ended = NULL;
	if (notify)
		m_notify_word(call->model, notify, MACH_NOTIFY_PORT_DELETED, entry->name, 0);
}

static uint32_t change_count(struct call *call, struct m_entry *entry, int32_t delta)
{
	if (delta < -MACHD_UREFS_MAX || delta > MACHD_UREFS_MAX)
		return KERN_INVALID_VALUE;
	if (entry->urefs == MACHD_UREFS_MAX && delta != -MACHD_UREFS_MAX)
		return KERN_SUCCESS;
	if ((int64_t)entry->urefs + delta < 0)
		return KERN_INVALID_VALUE;
	if (m_pinned(entry) && entry->urefs + delta == 0)
		return KERN_INVALID_CAPABILITY;
	if (delta >= 0)
		entry->urefs = m_urefs(entry->urefs, delta);
	else if (entry->type & MACH_PORT_TYPE_SEND)
		call_drop_sends(call, entry, (uint32_t)-delta);
	else
		drop_dead(entry, (uint32_t)-delta);
	return KERN_SUCCESS;
}

static uint32_t mod_refs(struct call *call)
{
	uint32_t right = call->args[1];
	int32_t delta = (int32_t)call->args[2];
	struct m_entry *entry = m_look(call->task, call->args[0]);

	if (right >= MACH_PORT_RIGHT_NUMBER)
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(call->args[0]))
		return right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_SEND_ONCE
			       ? KERN_SUCCESS
			       : KERN_INVALID_NAME;
	if (!entry)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE(right)))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME)
		return change_count(call, entry, delta);
	if (delta != 0 && delta != -1)
		return KERN_INVALID_VALUE;
	if (delta == 0)
		return KERN_SUCCESS;
	if (right == MACH_PORT_RIGHT_RECEIVE && entry->port->guarded)
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_RECEIVE)
		call_drop_receive(call, entry);
	else
		m_entry_destroy(call->model, entry);
	return KERN_SUCCESS;
}

/* --- dispatch --- */

/* The table of names as a whole: the bits of a generation, its size, and how much of it is used. */
static uint32_t basic_info(struct call *call)
{
	struct m_answer *answer = call_give(call, 6);

	m_answer_word(answer, OUT(0), 0xff);
	m_answer_word(answer, OUT(1), call->task->table);
	/* Rights that are lent make a small table larger before anybody has them. */
	if (call->task->borrows && call->task->table < 256)
		m_answer_ignore(answer, OUT(1), sizeof(uint32_t));
	m_answer_word(answer, OUT(3), call->task->entry_count);
	return M_ANSWERED;
}

static uint32_t ports_register(struct call *call)
{
	return m_ports_register(call->model, call->thread, call->task, call->args, call->words);
}

static uint32_t ports_lookup(struct call *call)
{
	return m_ports_lookup(call->model, call->thread, call->task);
}

static uint32_t special_get(struct call *call)
{
	return m_special_port_get(call->model, call->thread, call->task, (int32_t)call->args[0]);
}

static uint32_t special_set(struct call *call)
{
	return m_special_port_set(call->model, call->thread, call->task, (int32_t)call->args[0],
				  call->args[1]);
}

#define ROW(name, function)                    \
	{                                      \
		MACHD_ROUTINE_##name, function \
	}

static const struct {
	uint32_t routine;
	uint32_t (*run)(struct call *call);
} table[] = {
	ROW(mach_port_names, names),
	ROW(mach_port_type, type),
	ROW(mach_port_allocate_name, allocate_name),
	ROW(mach_port_allocate, allocate),
	ROW(mach_port_destroy, destroy),
	ROW(mach_port_deallocate, deallocate),
	ROW(mach_port_get_refs, get_refs),
	ROW(mach_port_mod_refs, mod_refs),
	ROW(mach_port_set_mscount, call_set_mscount),
	ROW(mach_port_get_set_status, call_get_set_status),
	ROW(mach_port_move_member, call_move_member),
	ROW(mach_port_request_notification, call_request_notification),
	ROW(mach_port_insert_right, call_insert_right),
	ROW(mach_port_extract_right, call_extract_right),
	ROW(mach_port_set_seqno, call_set_seqno),
	ROW(mach_port_get_attributes, call_get_attributes),
	ROW(mach_port_set_attributes, call_set_attributes),
	ROW(mach_port_get_srights, call_get_srights),
	ROW(mach_port_insert_member, call_insert_member),
	ROW(mach_port_extract_member, call_extract_member),
	ROW(mach_port_get_context, call_get_context),
	ROW(mach_port_set_context, call_set_context),
	ROW(mach_port_guard, call_guard),
	ROW(mach_port_guard_with_flags, call_guard_with_flags),
	ROW(mach_port_unguard, call_unguard),
	ROW(mach_port_swap_guard, call_swap_guard),
	ROW(mach_port_assert_attributes, call_assert_attributes),
	ROW(machd_construct_service_port, call_construct_service),
	ROW(mach_port_is_connection_for_service, call_is_connection),
	ROW(mach_port_get_service_port_info, call_service_info),
	ROW(mach_thread_self, call_thread_self),
	ROW(thread_get_special_reply_port, call_special_reply_port),
	ROW(mach_port_construct, call_construct),
	ROW(mach_port_destruct, call_destruct),
	ROW(mach_port_kobject, call_kobject),
	ROW(mach_port_dnrequest_info, call_dnrequest_info),
	ROW(mach_port_peek, call_peek),
	ROW(host_create_mach_voucher, call_create_voucher),
	ROW(mach_voucher_extract_attr_content, call_extract_content),
	ROW(mach_voucher_extract_attr_recipe, call_extract_recipe),
	ROW(mach_voucher_extract_all_attr_recipes, call_extract_all),
	ROW(mach_voucher_attr_command, call_attr_command),
	ROW(mach_voucher_debug_info, call_debug_info),
	ROW(process_policy, call_process_policy),
	ROW(machd_bell_close, call_bell_close),
	ROW(machd_bell_add, call_bell_add),
	ROW(machd_bell_remove, call_bell_remove),
	ROW(machd_bell_next, call_bell_next),
	ROW(thread_set_mach_voucher, call_thread_set_voucher),
	ROW(thread_get_mach_voucher, call_thread_get_voucher),
	ROW(mach_eventlink_create, call_eventlink),
	ROW(mach_eventlink_destroy, call_eventlink),
	ROW(mach_eventlink_associate, call_eventlink),
	ROW(mach_eventlink_disassociate, call_eventlink),
	ROW(mach_eventlink_signal, call_eventlink),
	ROW(mach_eventlink_wait_until, call_eventlink),
	ROW(mach_eventlink_signal_wait_until, call_eventlink),
	ROW(mach_ports_register, ports_register),
	ROW(mach_port_space_basic_info, basic_info),
	ROW(host_get_special_port, call_host_special_get),
	ROW(host_set_special_port, call_host_special_set),
	ROW(mach_ports_lookup, ports_lookup),
	ROW(task_get_special_port, special_get),
	ROW(task_set_special_port, special_set),
};

static uint32_t run(struct call *call)
{
	uint32_t code;

	for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].routine == call->routine)
			return table[i].run(call);
	if (call_object(call, call->routine, &code))
		return code;
	return call_bootstrap(call);
}

/* A name that is no send right to a task's port is a bad destination. */
static bool find_target(struct call *call, uint32_t routine, mach_port_name_t target)
{
	struct m_entry *entry = m_look(call->thread->task, target);

	if (!entry || !(entry->type & MACH_PORT_TYPE_SEND))
		return false;
	call->target = entry->port;
	if (machd_routine_find(routine)->object == MACHD_OBJECT_BOOTSTRAP)
		return entry->port->table;
	if (machd_routine_find(routine)->object == MACHD_OBJECT_HOST)
		return entry->port == call->model->host || entry->port == call->model->host_priv;
	if (machd_routine_find(routine)->object == MACHD_OBJECT_EVENTLINK)
		return entry->port->eventlink;
	if (machd_routine_find(routine)->object == MACHD_OBJECT_VOUCHER)
		return entry->port->voucher;
	if (machd_routine_find(routine)->object == MACHD_OBJECT_THREAD)
		return entry->port->thread;
	call->task = entry->port->task;
	return call->task != NULL;
}

void model_call(struct model *model, struct m_thread *thread, uint32_t routine,
		mach_port_name_t target, const uint32_t *args, unsigned words)
{
	struct call call = {
		.model = model, .thread = thread, .routine = routine, .args = args, .words = words};
	uint32_t code = MACH_SEND_INVALID_DEST;

	if (find_target(&call, routine, target))
		code = run(&call);
	if (code != M_ANSWERED && code != M_BLOCKED) {
		m_answer(model, thread, code, CALL_HEAD);
		if (call.other_code)
			thread->answer.other_code = call.other_code;
	}
	m_settle(model);
}
