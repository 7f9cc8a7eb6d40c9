/* SPDX-License-Identifier: Apache-2.0 */
/* Random calls of routines. */
#include <mach/task_special_ports.h>

#include "tests/model/gen.h"

#define R(name) MACHD_ROUTINE_##name

static const uint32_t routines[][2] = {
	{13, R(mach_port_allocate)},
	{3, R(mach_port_allocate_name)},
	{5, R(mach_port_destroy)},
	{8, R(mach_port_deallocate)},
	{3, R(mach_port_get_refs)},
	{9, R(mach_port_mod_refs)},
	{2, R(mach_port_set_mscount)},
	{1, R(mach_port_set_seqno)},
	{2, R(mach_port_get_set_status)},
	{4, R(mach_port_move_member)},
	{14, R(mach_port_request_notification)},
	{15, R(mach_port_insert_right)},
	{6, R(mach_port_extract_right)},
	{2, R(mach_port_get_attributes)},
	{5, R(mach_port_set_attributes)},
	{2, R(mach_port_get_srights)},
	{6, R(mach_port_insert_member)},
	{3, R(mach_port_extract_member)},
	{1, R(mach_port_get_context)},
	{2, R(mach_port_set_context)},
	{2, R(mach_port_type)},
	{3, R(mach_port_guard)},
	{2, R(mach_port_guard_with_flags)},
	{4, R(mach_port_unguard)},
	{2, R(mach_port_swap_guard)},
	{1, R(mach_port_assert_attributes)},
	{5, R(mach_port_construct)},
	{4, R(mach_port_destruct)},
	{1, R(mach_port_kobject)},
	{1, R(mach_port_dnrequest_info)},
	{3, R(mach_port_peek)},
	{1, R(mach_port_names)},
	{7, R(bootstrap_look_up)},
	{4, R(bootstrap_register)},
	{4, R(bootstrap_check_in)},
	{4, R(bootstrap_create_service)},
	{1, R(bootstrap_status)},
	{3, R(bootstrap_subset)},
	{1, R(bootstrap_parent)},
	{1, R(bootstrap_unprivileged)},
	{1, R(task_get_special_port)},
	{2, R(task_set_special_port)},
	{1, R(host_get_special_port)},
	{1, R(host_set_special_port)},
	{1, R(semaphore_signal_thread)},
	{1, R(mach_port_space_basic_info)},
	{3, R(semaphore_create)},
	{1, R(semaphore_destroy)},
	{4, R(semaphore_signal)},
	{1, R(semaphore_signal_all)},
	{2, R(semaphore_wait)},
	{2, R(semaphore_wait_signal)},
	{2, R(semaphore_timedwait)},
	{2, R(semaphore_timedwait_signal)},
	{2, R(mk_timer_create)},
	{7, R(mk_timer_arm)},
	{2, R(mk_timer_cancel)},
	{1, R(mk_timer_destroy)},
	{2, R(mach_ports_register)},
	{1, R(mach_ports_lookup)},
	{2, R(thread_get_special_reply_port)},
	{1, R(mach_thread_self)},
	{3, R(mach_eventlink_create)},
	{1, R(mach_eventlink_destroy)},
	{7, R(mach_eventlink_associate)},
	{1, R(mach_eventlink_disassociate)},
	{7, R(mach_eventlink_signal)},
	{6, R(mach_eventlink_wait_until)},
	{3, R(mach_eventlink_signal_wait_until)},
	{2, R(machd_construct_service_port)},
	{1, R(mach_port_is_connection_for_service)},
	{1, R(mach_port_get_service_port_info)},
	{9, R(host_create_mach_voucher)},
	{1, R(mach_voucher_extract_attr_content)},
	{2, R(mach_voucher_extract_attr_recipe)},
	{1, R(mach_voucher_extract_all_attr_recipes)},
	{1, R(mach_voucher_attr_command)},
	{1, R(mach_voucher_debug_info)},
	{4, R(thread_set_mach_voucher)},
	{5, R(process_policy)},
	{1, R(thread_get_mach_voucher)},
	{0, 0},
};

static const uint32_t rights[][2] = {
	{12, MACH_PORT_RIGHT_SEND},	{6, MACH_PORT_RIGHT_RECEIVE},
	{4, MACH_PORT_RIGHT_SEND_ONCE}, {2, MACH_PORT_RIGHT_PORT_SET},
	{5, MACH_PORT_RIGHT_DEAD_NAME}, {1, MACH_PORT_RIGHT_LABELH},
	{1, MACH_PORT_RIGHT_NUMBER},	{0, 0},
};

static const uint32_t deltas[][2] = {
	{10, 1},	 {20, UINT32_MAX},
	{4, 2},		 {6, UINT32_MAX - 1},
	{3, 0},		 {2, 65533},
	{1, 65535},	 {3, (uint32_t)-65535},
	{1, 65536},	 {1, (uint32_t)-65536},
	{1, 0x80000000}, {0, 0},
};

static const uint32_t dispositions[][2] = {
	{12, MACH_MSG_TYPE_MAKE_SEND},
	{5, MACH_MSG_TYPE_COPY_SEND},
	{4, MACH_MSG_TYPE_MOVE_SEND},
	{6, MACH_MSG_TYPE_MAKE_SEND_ONCE},
	{3, MACH_MSG_TYPE_MOVE_SEND_ONCE},
	{3, MACH_MSG_TYPE_MOVE_RECEIVE},
	{1, MACH_MSG_TYPE_COPY_RECEIVE},
	{1, MACH_MSG_TYPE_DISPOSE_SEND},
	{0, 0},
};

static const uint32_t notifications[][2] = {
	{10, MACH_NOTIFY_DEAD_NAME},
	{10, MACH_NOTIFY_SEND_POSSIBLE},
	{10, MACH_NOTIFY_NO_SENDERS},
	{6, MACH_NOTIFY_PORT_DESTROYED},
	{1, 99},
	{0, 0},
};

static const uint32_t flavors[][2] = {
	{8, MACH_PORT_LIMITS_INFO},
	{2, MACH_PORT_DNREQUESTS_SIZE},
	{3, MACH_PORT_RECEIVE_STATUS},
	{2, MACH_PORT_INFO_EXT},
	{8, MACH_PORT_IMPORTANCE_RECEIVER},
	{1, MACH_PORT_DENAP_RECEIVER},
	{1, MACH_PORT_TEMPOWNER},
	{1, 77},
	{0, 0},
};

void gen_word(struct op *op, uint32_t value)
{
	op->arg[op->words++] = (struct op_name){.literal = value};
}

void gen_arg(struct gen *gen, const struct m_task *task, struct op *op, uint32_t types)
{
	op->arg[op->words++] = gen_name(gen, task, types);
}

/* A name that the caller chooses: mostly one that could be free. */
static void chosen_name(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t index = 1 + gen_below(gen, 90);

	if (gen_percent(gen, 25))
		gen_arg(gen, task, op, ~0u);
	else if (gen_percent(gen, 90))
		gen_word(op, index << 8 | 3 | gen_below(gen, 3) << 2);
	else
		gen_word(op,
			 gen_percent(gen, 50) ? index << 8 | 1 : gen_below(gen, 200000) << 8 | 3);
}

static void insert_right(struct gen *gen, const struct m_task *caller, const struct m_task *task,
			 struct op *op)
{
	uint32_t disposition;
	struct op_name right = gen_right(gen, caller, dispositions, &disposition);

	if (gen_percent(gen, 60))
		op->arg[op->words++] = right;
	else
		chosen_name(gen, task, op);
	op->arg[op->words++] = right;
	gen_word(op, disposition);
}

static void extract_right(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t disposition;

	op->arg[op->words++] = gen_right(gen, task, dispositions, &disposition);
	gen_word(op, disposition);
}

static void request_notification(struct gen *gen, const struct m_task *caller,
				 const struct m_task *task, struct op *op)
{
	uint32_t id = gen_weighted(gen, notifications);
	bool receive = id == MACH_NOTIFY_NO_SENDERS || id == MACH_NOTIFY_PORT_DESTROYED;
	bool make = gen_percent(gen, 80);

	gen_arg(gen, task, op, receive ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_PORT_OR_DEAD);
	gen_word(op, id);
	gen_word(op,
		 id == MACH_NOTIFY_PORT_DESTROYED && gen_percent(gen, 90) ? 0 : gen_below(gen, 3));
	if (gen_percent(gen, 10))
		gen_word(op, gen_percent(gen, 70) ? MACH_PORT_NULL : MACH_PORT_DEAD);
	else
		gen_arg(gen, caller, op, make ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_SEND_ONCE);
	gen_word(op, make ? MACH_MSG_TYPE_MAKE_SEND_ONCE : MACH_MSG_TYPE_MOVE_SEND_ONCE);
}

static void mod_refs(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t right = gen_weighted(gen, rights);

	gen_arg(gen, task, op, right < MACH_PORT_RIGHT_LABELH ? MACH_PORT_TYPE(right) : ~0u);
	gen_word(op, right);
	gen_word(op, gen_weighted(gen, deltas));
}

static void set_attributes(struct gen *gen, const struct m_task *task, struct op *op)
{
	gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
	gen_word(op, gen_weighted(gen, flavors));
	if (gen_percent(gen, 95))
		gen_word(op, gen_percent(gen, 95) ? gen_below(gen, 8) : 1020 + gen_below(gen, 8));
}

static void get_attributes(struct gen *gen, const struct m_task *task, struct op *op)
{
	gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
	gen_word(op, gen_weighted(gen, flavors));
	gen_word(op, gen_percent(gen, 80) ? 32 : gen_below(gen, 18));
}

static void allocate(struct gen *gen, struct op *op)
{
	static const uint32_t table[][2] = {{12, MACH_PORT_RIGHT_RECEIVE},
					    {4, MACH_PORT_RIGHT_PORT_SET},
					    {2, MACH_PORT_RIGHT_DEAD_NAME},
					    {1, MACH_PORT_RIGHT_SEND},
					    {0, 0}};

	gen_word(op, gen_weighted(gen, table));
}

/* Routines whose arguments are one or two names, or a name and a number. */
static void plain(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t left;

	switch (op->routine) {
	case R(mach_port_destroy):
	case R(mach_port_type):
		gen_arg(gen, task, op, ~0u);
		break;
	case R(mach_port_deallocate):
		gen_arg(gen, task, op, ~(MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET));
		break;
	case R(mach_port_get_refs):
		gen_arg(gen, task, op, ~0u);
		gen_word(op, gen_weighted(gen, rights));
		break;
	case R(mach_port_kobject):
		gen_arg(gen, task, op, MACH_PORT_TYPE_SEND_RECEIVE);
		break;
	case R(mach_port_peek):
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
		gen_word(op, gen_below(gen, 6) << 24);
		gen_word(op, gen_below(gen, 4));
		gen_word(op, gen_percent(gen, 90) ? MAX_TRAILER_SIZE
						  : gen_below(gen, MAX_TRAILER_SIZE));
		break;
	case R(mach_port_dnrequest_info):
	case R(mach_port_get_srights):
	case R(mach_port_get_context):
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
		break;
	case R(mach_port_set_mscount):
	case R(mach_port_set_seqno):
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
		gen_word(op, gen_below(gen, 10));
		break;
	case R(mach_port_set_context):
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
		gen_word(op, gen_below(gen, UINT32_MAX));
		gen_word(op, gen_below(gen, UINT32_MAX));
		break;
	case R(mach_port_get_set_status):
		gen_arg(gen, task, op, MACH_PORT_TYPE_PORT_SET);
		gen_word(op, 0);
		break;
	case R(mach_port_names):
		gen_word(op, 0);
		break;
	case R(mach_ports_register):
		for (unsigned i = gen_below(gen, TASK_PORT_REGISTER_MAX + 2); i > 0; i--)
			gen_arg(gen, task, op, MACH_PORT_TYPE_SEND);
		break;
	case R(mach_ports_lookup): /* one without room for all does not say what it did give */
		left = model_names_left(&gen->world->model, task);
		if (left > 0 && left < TASK_PORT_REGISTER_MAX) {
			op->routine = R(mach_port_names);
			gen_word(op, 0);
		}
		break;
	default: /* members */
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
		gen_arg(gen, task, op, MACH_PORT_TYPE_PORT_SET);
	}
}

/* Keep the number of names in bounds, below and above. */
static uint32_t routine_for(struct gen *gen, const struct m_task *task)
{
	const struct m_entry *entry;
	unsigned receive = 0, send = 0, vouchers = 0;

	TAILQ_FOREACH (entry, &task->entries, link) {
		vouchers += entry->port && entry->port->voucher;
		receive += (entry->type & MACH_PORT_TYPE_RECEIVE) != 0;
		send += (entry->type & MACH_PORT_TYPE_SEND) != 0;
	}
	if (receive < 6 && gen_percent(gen, 60))
		return R(mach_port_allocate);
	if (send < 8 && gen_percent(gen, 40))
		return gen_percent(gen, 50) ? R(mach_port_insert_right) : R(bootstrap_look_up);
	if (vouchers < 4 && gen_percent(gen, 8))
		return R(host_create_mach_voucher);
	if (vouchers > 0 && gen_percent(gen, 4))
		return R(mach_voucher_attr_command);
	if (task->entry_count > 50 && gen_percent(gen, 30))
		return gen_percent(gen, 70) ? R(mach_port_destroy) : R(mach_port_mod_refs);
	return gen_weighted(gen, routines);
}

static void bootstrap(struct gen *gen, const struct m_task *task, struct op *op)
{
	op->service = (uint8_t)gen_below(gen, M_SERVICES);
	op->target = gen_percent(gen, 60) ? (struct op_name){.origin = task->origin * OP_NAMES + 2}
					  : gen_boot(gen, task);
	if (op->routine == R(bootstrap_subset) && gen_percent(gen, 30)) /* it ends with the task */
		op->arg[op->words++].origin = task->origin * OP_NAMES;
	else if (op->routine == R(bootstrap_subset))
		gen_arg(gen, task, op, MACH_PORT_TYPE_SEND);
	if (op->routine != R(bootstrap_register))
		return;
	if (gen_percent(gen, 25))
		gen_word(op, MACH_PORT_NULL);
	else if (gen_percent(gen, 15)) /* for others to work on its space */
		op->arg[op->words++].origin = task->origin * OP_NAMES;
	else
		gen_arg(gen, task, op, MACH_PORT_TYPE_SEND);
}

/* A guard: mostly the one that the port has. */
static void guard_value(struct gen *gen, const struct m_task *task, const struct op_name *port,
			struct op *op)
{
	const struct m_entry *entry = m_find(task, world_name(gen->world, port));
	uint64_t value = gen_below(gen, 3);

	if (entry && entry->type & MACH_PORT_TYPE_RECEIVE && gen_percent(gen, 80))
		value = entry->port->context;
	gen_word(op, (uint32_t)value);
	gen_word(op, (uint32_t)(value >> 32));
}

static void guard_call(struct gen *gen, const struct m_task *task, struct op *op)
{
	static const uint32_t srdeltas[][2] = {
		{10, 0}, {10, UINT32_MAX}, {3, UINT32_MAX - 1}, {1, 1}, {0, 0}};
	struct op_name port = gen_name(gen, task, MACH_PORT_TYPE_RECEIVE);
	bool makes =
		op->routine == R(mach_port_guard) || op->routine == R(mach_port_guard_with_flags);

	op->arg[op->words++] = port;
	if (op->routine == R(mach_port_destruct))
		gen_word(op, gen_weighted(gen, srdeltas));
	if (makes)
		gen_word(op, gen_below(gen, 4));
	if (makes)
		gen_word(op, 0);
	else
		guard_value(gen, task, &port, op);
	if (op->routine == R(mach_port_swap_guard)) {
		gen_word(op, gen_below(gen, 4));
		gen_word(op, 0);
	} else if (op->routine == R(mach_port_guard_with_flags)) {
		gen_word(op, gen_below(gen, 8));
		gen_word(op, 0);
	} else if (op->routine == R(mach_port_guard)) {
		gen_word(op, gen_below(gen, 2));
	}
}

static void assert_attributes(struct gen *gen, const struct m_task *task, struct op *op)
{
	gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
	gen_word(op, gen_percent(gen, 80) ? MACH_PORT_GUARD_INFO : MACH_PORT_LIMITS_INFO);
	guard_value(gen, task, &op->arg[0], op);
}

static void host_port(struct gen *gen, const struct m_task *caller, struct op *op)
{
	static const uint32_t table[][2] = {{1, 0},  {1, 1},  {1, 2}, {8, 20},
					    {8, 35}, {1, 36}, {0, 0}};

	op->target.origin = caller->origin * OP_NAMES + 1;
	if (op->routine == R(host_get_special_port))
		gen_word(op, 0);
	gen_word(op, gen_weighted(gen, table));
	if (op->routine == R(host_get_special_port))
		return;
	if (gen_percent(gen, 20))
		gen_word(op, MACH_PORT_NULL);
	else
		gen_arg(gen, caller, op, MACH_PORT_TYPE_SEND);
}

static void special_port(struct gen *gen, const struct m_task *caller, struct op *op)
{
	static const uint32_t table[][2] = {{2, TASK_KERNEL_PORT},
					    {2, TASK_HOST_PORT},
					    {8, TASK_BOOTSTRAP_PORT},
					    {3, TASK_ACCESS_PORT},
					    {3, TASK_DEBUG_CONTROL_PORT},
					    {1, 99},
					    {0, 0}};

	gen_word(op, gen_weighted(gen, table));
	if (op->routine != R(task_set_special_port))
		return;
	if (gen_percent(gen, 20))
		gen_word(op, MACH_PORT_NULL);
	else
		gen_arg(gen, caller, op, MACH_PORT_TYPE_SEND);
}

/* Whose space the call is about: mostly the caller's, now and then one that it has a right to. */
static const struct m_task *choose_space(struct gen *gen, const struct m_task *caller,
					 struct op *op)
{
	const struct m_entry *entry;

	op->target.origin = caller->origin * OP_NAMES;
	if (!gen_percent(gen, 10))
		return caller;
	TAILQ_FOREACH (entry, &caller->entries, link) {
		const struct m_task *task = entry->port ? entry->port->task : NULL;

		if (!task || task == caller || !entry->origin)
			continue;
		op->target.origin = entry->origin;
		return task;
	}
	return caller;
}

void gen_call(struct gen *gen, const struct m_task *caller, struct op *op)
{
	const struct m_task *task = choose_space(gen, caller, op);

	op->kind = OP_CALL;
	op->routine = routine_for(gen, task);
	if (gen_object(gen, caller, task, op) || gen_voucher_call(gen, caller, task, op))
		return;
	switch (op->routine) {
	case R(mach_port_allocate):
		allocate(gen, op);
		break;
	case R(mach_port_allocate_name):
		allocate(gen, op);
		chosen_name(gen, task, op);
		break;
	case R(mach_port_mod_refs):
		mod_refs(gen, task, op);
		break;
	case R(mach_port_insert_right):
		insert_right(gen, caller, task, op);
		break;
	case R(mach_port_extract_right):
		extract_right(gen, task, op);
		break;
	case R(mach_port_request_notification):
		request_notification(gen, caller, task, op);
		break;
	case R(mach_port_get_attributes):
		get_attributes(gen, task, op);
		break;
	case R(mach_port_set_attributes):
		set_attributes(gen, task, op);
		break;
	case R(bootstrap_look_up):
	case R(bootstrap_register):
	case R(bootstrap_check_in):
	case R(bootstrap_create_service):
	case R(bootstrap_status):
	case R(bootstrap_subset):
	case R(bootstrap_parent):
	case R(bootstrap_unprivileged):
		bootstrap(gen, caller, op);
		break;
	case R(mach_port_guard):
	case R(mach_port_guard_with_flags):
	case R(mach_port_unguard):
	case R(mach_port_swap_guard):
	case R(mach_port_destruct):
		guard_call(gen, task, op);
		break;
	case R(mach_port_assert_attributes):
		assert_attributes(gen, task, op);
		break;
	case R(mach_port_space_basic_info): /* no arguments */
		break;
	case R(host_get_special_port):
	case R(host_set_special_port):
		host_port(gen, caller, op);
		break;
	case R(task_get_special_port):
	case R(task_set_special_port):
		special_port(gen, caller, op);
		break;
	default:
		plain(gen, task, op);
	}
}
