/* SPDX-License-Identifier: Apache-2.0 */
/* Operations as readable lines. */
#include "tests/model/op.h"

#include <mach/message.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/model/layout.h"

/* What the words of a routine's arguments are: n a name, r a right, d a disposition, m a message
 * id, other letters a number. */
static const char *signature(uint32_t routine)
{
	switch (routine) {
	case MACHD_ROUTINE_mach_port_allocate:
		return "r";
	case MACHD_ROUTINE_mach_port_allocate_name:
		return "rn";
	case MACHD_ROUTINE_mach_port_get_refs:
		return "nr";
	case MACHD_ROUTINE_mach_port_mod_refs:
		return "nri";
	case MACHD_ROUTINE_mach_port_set_context:
		return "uun";
	case MACHD_ROUTINE_mach_port_move_member:
	case MACHD_ROUTINE_mach_port_insert_member:
	case MACHD_ROUTINE_mach_port_extract_member:
		return "nn";
	case MACHD_ROUTINE_mach_port_insert_right:
		return "nnd";
	case MACHD_ROUTINE_mach_port_extract_right:
		return "nd";
	case MACHD_ROUTINE_mach_port_request_notification:
		return "nmund";
	case MACHD_ROUTINE_mach_port_names:
		return "u";
	case MACHD_ROUTINE_mach_port_guard:
	case MACHD_ROUTINE_mach_port_unguard:
	case MACHD_ROUTINE_mach_port_destruct:
		return "uuni";
	case MACHD_ROUTINE_mach_port_guard_with_flags:
	case MACHD_ROUTINE_mach_port_swap_guard:
		return "uuuun";
	case MACHD_ROUTINE_mach_port_construct:
		return "uuuuu";
	case MACHD_ROUTINE_task_set_special_port:
	case MACHD_ROUTINE_host_set_special_port:
	case MACHD_ROUTINE_host_get_special_port:
		return "un";
	case MACHD_ROUTINE_semaphore_signal_thread:
		return "nn";
	case MACHD_ROUTINE_mk_timer_arm:
		return "uun";
	case MACHD_ROUTINE_semaphore_create:
		return "ii";
	case MACHD_ROUTINE_semaphore_wait_signal:
	case MACHD_ROUTINE_semaphore_timedwait_signal:
		return "nnuu";
	case MACHD_ROUTINE_mach_ports_register:
		return "nnnn";
	case MACHD_ROUTINE_machd_bell_add:
	case MACHD_ROUTINE_machd_bell_remove:
		return "nun";
	}
	return "nuuuu";
}

const char *op_routine(uint32_t routine)
{
	const struct machd_routine_row *row = machd_routine_find(routine);

	return row ? row->name : "?";
}

uint32_t op_least_size(const struct op *op, unsigned word)
{
	uint32_t size = sizeof(mach_msg_base_t);

	if (!(op->bits & MACH_MSGH_BITS_COMPLEX))
		return sizeof(mach_msg_header_t);
	size += op->filler * layout_bytes(word, MACH_MSG_PORT_DESCRIPTOR);
	for (unsigned i = 0; i < op->descriptors; i++)
		size += layout_bytes(word, op->descriptor[i].type);
	return size;
}

static void print_name(FILE *file, const struct op_name *name)
{
	if (name->origin)
		fprintf(file, "#%u.%u", name->origin / OP_NAMES, name->origin % OP_NAMES);
	else if (name->literal == MACH_PORT_NULL)
		fprintf(file, "NULL");
	else if (name->literal == MACH_PORT_DEAD)
		fprintf(file, "DEAD");
	else
		fprintf(file, "%#x", name->literal);
}

static void print_disposition(FILE *file, uint32_t disposition)
{
	static const char *const names[] = {"MOVE_RECEIVE", "MOVE_SEND", "MOVE_SEND_ONCE",
					    "COPY_SEND",    "MAKE_SEND", "MAKE_SEND_ONCE"};

	if (disposition >= MACH_MSG_TYPE_MOVE_RECEIVE &&
	    disposition <= MACH_MSG_TYPE_MAKE_SEND_ONCE)
		fprintf(file, "%s", names[disposition - MACH_MSG_TYPE_MOVE_RECEIVE]);
	else
		fprintf(file, "%u", disposition);
}

static void print_word(FILE *file, char kind, const struct op_name *word)
{
	static const char *const rights[] = {"SEND",	 "RECEIVE",   "SEND_ONCE",
					     "PORT_SET", "DEAD_NAME", "LABELH"};
	uint32_t value = word->literal;

	if (kind == 'n')
		print_name(file, word);
	else if (kind == 'r' && value < MACH_PORT_RIGHT_NUMBER)
		fprintf(file, "%s", rights[value]);
	else if (kind == 'd')
		print_disposition(file, value);
	else if (kind == 'm' && value == MACH_NOTIFY_NO_SENDERS)
		fprintf(file, "NO_SENDERS");
	else if (kind == 'm' && value == MACH_NOTIFY_PORT_DESTROYED)
		fprintf(file, "PORT_DESTROYED");
	else if (kind == 'm' && value == MACH_NOTIFY_DEAD_NAME)
		fprintf(file, "DEAD_NAME");
	else if (kind == 'm' && value == MACH_NOTIFY_SEND_POSSIBLE)
		fprintf(file, "SEND_POSSIBLE");
	else
		fprintf(file, "%d", (int32_t)value);
}

bool op_has_service(const struct op *op)
{
	switch (op->routine) {
	case MACHD_ROUTINE_bootstrap_parent:
	case MACHD_ROUTINE_bootstrap_subset:
	case MACHD_ROUTINE_bootstrap_unprivileged:
		return false;
	}
	return machd_routine_find(op->routine)->object == MACHD_OBJECT_BOOTSTRAP;
}

static void print_call(FILE *file, const struct op *op)
{
	const char *kinds = op_has_service(op) ? "" : signature(op->routine);
	size_t known = strlen(kinds);

	fprintf(file, "%s(", op_routine(op->routine));
	print_name(file, &op->target);
	if (op_has_service(op))
		fprintf(file, ", service %u", op->service);
	for (unsigned i = 0; i < op->words; i++) {
		fprintf(file, ", ");
		print_word(file, i < known ? kinds[i] : 'n', &op->arg[i]);
	}
	fprintf(file, ")");
}

static void print_options(FILE *file, uint64_t option)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{MACH_SEND_MSG, "SEND"},
		{MACH_RCV_MSG, "RCV"},
		{MACH_SEND_TIMEOUT, "SEND_TIMEOUT"},
		{MACH_RCV_TIMEOUT, "RCV_TIMEOUT"},
		{MACH_SEND_NOTIFY, "SEND_NOTIFY"},
		{MACH_SEND_OVERRIDE, "SEND_OVERRIDE"},
		{MACH_SEND_PROPAGATE_QOS, "SEND_PROPAGATE_QOS"},
		{MACH_RCV_LARGE, "RCV_LARGE"},
		{MACH_RCV_LARGE_IDENTITY, "RCV_LARGE_IDENTITY"},
		{MACH_RCV_VOUCHER, "RCV_VOUCHER"},
		{MACH_RCV_GUARDED_DESC, "RCV_GUARDED_DESC"},
		{MACH64_SEND_KOBJECT_CALL, "KOBJECT"},
		{MACH64_SEND_MQ_CALL, "MQ"},
		{MACH64_SEND_ANY, "ANY"},
		{MACH64_MSG_VECTOR, "VECTOR"},
		{MACHD_RCV_LINEAR, "LINEAR"},
		{MACHD_SEND_RETURN, "SEND_RETURN"},
	};
	const char *bar = "";

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (!(option & names[i].bit))
			continue;
		fprintf(file, "%s%s", bar, names[i].name);
		bar = "|";
		option &= ~names[i].bit;
	}
	if (option)
		fprintf(file, "%s%#llx", bar, (unsigned long long)option);
}

static void print_memory(FILE *file, const struct op_descriptor *desc)
{
	static const char *const sources[] = {"nowhere", "the frame", "a memfd", "a hole"};

	fprintf(file, "%u bytes in %s, copy %u%s", desc->count,
		desc->source < 4 ? sources[desc->source] : "?", desc->copy,
		desc->gives ? ", given away" : "");
}

static void print_array(FILE *file, const struct op *op, const struct op_descriptor *desc)
{
	print_disposition(file, desc->disposition);
	fprintf(file, " of %u:", desc->count);
	for (unsigned i = 0; i < desc->different; i++) {
		fputc(' ', file);
		print_name(file, &op->array[desc->first + i]);
	}
}

static void print_descriptor(FILE *file, const struct op *op, const struct op_descriptor *desc)
{
	fprintf(file, ", [");
	if (desc->type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
		print_array(file, op, desc);
	} else if (layout_memory(desc->type)) {
		print_memory(file, desc);
	} else {
		print_name(file, &desc->name);
		fputc(' ', file);
		print_disposition(file, desc->disposition);
	}
	if (desc->type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		fprintf(file, " guarded by %u, flags %u", desc->context, desc->flags);
	else if (desc->type)
		fprintf(file, " type %u", desc->type);
	fprintf(file, "]");
}

static void print_send(FILE *file, const struct op *op)
{
	fprintf(file, ", size %u", op->size);
	if (op->aux_size)
		fprintf(file, "+%u", op->aux_size);
	fprintf(file, ", to ");
	print_name(file, &op->dest);
	fprintf(file, " ");
	print_disposition(file, MACH_MSGH_BITS_REMOTE(op->bits));
	fprintf(file, ", reply ");
	print_name(file, &op->reply);
	fprintf(file, " ");
	print_disposition(file, MACH_MSGH_BITS_LOCAL(op->bits));
	fprintf(file, ", id %d", (int)op->id);
	if (op->bits & ~(MACH_MSGH_BITS_COMPLEX | 0x1f1fu) || op->voucher.literal ||
	    op->voucher.origin) {
		fprintf(file, ", bits %#x, voucher ", op->bits);
		print_name(file, &op->voucher);
	}
	if (op->priority || op->thread_priority)
		fprintf(file, ", priority %#x, thread %#x", op->priority, op->thread_priority);
	if (op->tail)
		fprintf(file, ", %u of them in a descriptor", op->tail);
	if (op->filler + op->descriptors != op->announced)
		fprintf(file, ", announces %u", op->announced);
	if (op->bits & MACH_MSGH_BITS_COMPLEX)
		fprintf(file, ", complex");
	if (op->filler)
		fprintf(file, ", %u null names", op->filler);
	for (unsigned i = 0; i < op->descriptors; i++)
		print_descriptor(file, op, &op->descriptor[i]);
	if (op->fault)
		fprintf(file, ", %s",
			op->fault == OP_FAULT_UNGATHERED ? "memory not gathered"
			: op->fault == OP_FAULT_SHORT	 ? "memory cut short"
							 : "memory not sealed");
}

static void print_message(FILE *file, const struct op *op)
{
	fprintf(file, "mach_msg(");
	print_options(file, op->option);
	if (op->option & MACH_SEND_MSG)
		print_send(file, op);
	if (op->option & MACH_RCV_MSG) {
		fprintf(file, ", from ");
		print_name(file, &op->receive);
		fprintf(file, " size %u", op->receive_size);
		if (op->receive_aux_size)
			fprintf(file, "+%u", op->receive_aux_size);
	}
	fprintf(file, ", %u ms)", op->timeout);
}

static void print_file(FILE *file, const struct op *op)
{
	const char *what = op->file.memory ? "memory" : "file";

	if (!op->file.makes) {
		fprintf(file, "%s of ", what);
		print_name(file, &op->target);
		return;
	}
	fprintf(file, "%s of a descriptor, state %u, %u bytes", what, op->file.state,
		op->file.size);
	if (op->file.memory)
		fprintf(file, ", %u at %u, protection %u", op->file.part, op->file.offset,
			op->file.protection);
}

void op_print(FILE *file, const struct op *op)
{
	fprintf(file, "#%u ", op->number);
	if (op->who)
		fprintf(file, "thread %u: ", op->who);
	switch (op->kind) {
	case OP_TASK:
		fprintf(file, "a task connects, %u", op->count);
		break;
	case OP_THREAD:
		fprintf(file, "another thread of its task connects");
		break;
	case OP_LEAVE:
		fprintf(file, "disconnects");
		break;
	case OP_CALL:
		print_call(file, op);
		break;
	case OP_MESSAGE:
		print_message(file, op);
		break;
	case OP_FILE:
		print_file(file, op);
		break;
	case OP_BOARD:
		fprintf(file, "has a board%s", op->count ? "" : ", for which there is no room");
		break;
	case OP_BELL:
		fprintf(file, "makes a bell%s", op->count ? "" : ", for which there is no room");
		break;
	case OP_CANCEL:
		fprintf(file, "cancels");
		break;
	case OP_CLOCK:
		fprintf(file, "%u ms pass", op->timeout);
		break;
	case OP_COMPARE:
		fprintf(file, "compare everything");
		break;
	}
	if (op->check)
		fprintf(file, op->check == OP_CHECK_ALL ? " (all checked)" : " (checked)");
}
