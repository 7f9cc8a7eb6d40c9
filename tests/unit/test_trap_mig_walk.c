/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every routine that a message reaches, with requests of the right shape and of all wrong ones:
 * what is wrong is refused with MIG's codes and changes nothing [29]. And calls without memory, or
 * over a limit: they are answered or not made.
 */
#include <mach/mig_errors.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "tests/lab/lab_mig.h"

/* What is wrong with a request. */
enum flaw {
	NOTHING,
	TOO_SHORT,
	TOO_LONG,
	EMPTY,
	COMPLEX_BIT, /* it has no descriptors and says so, or the other way round */
	MORE_PORTS,  /* one more descriptor */
	WRONG_TYPE,  /* the first descriptor is of another kind */
	WRONG_RIGHT, /* a right of another kind in it */
	WRONG_COUNT, /* an array says that it is longer than it is */
	FLAWS,
};

struct world {
	struct lab *lab;
	struct lab_thread *a;
	mach_port_name_t reply, any; /* a service of a */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.reply = lab_new_port(world.a);
	world.any = lab_new_service(world.a);
	return world;
}

/* What the fields make of a request: how many of each thing there are. */
struct request {
	unsigned ports, typed, refs, arrays, ool; /* descriptors of each kind; inline arrays */
	bool late;				  /* a word comes behind the array */
	uint32_t words[2048], count;
};

static void put_words(struct request *request, uint32_t word, unsigned count)
{
	while (count-- > 0)
		request->words[request->count++] = word;
}

/* The disposition that makes a right of a type from a name with both rights. */
static uint32_t disposition_for(uint8_t type)
{
	return type == MACH_MSG_TYPE_PORT_SEND_ONCE ? MAKE_ONCE
	       : type == MACH_MSG_TYPE_PORT_RECEIVE ? MOVE_RECEIVE
						    : COPY_SEND;
}

static void add_port(const struct machd_field *field, enum flaw flaw)
{
	uint32_t disposition = disposition_for(field->f_type);

	if (flaw == WRONG_RIGHT && field->f_type)
		disposition = disposition == MAKE_ONCE ? COPY_SEND : MAKE_ONCE;
	letter_add_port(MACH_PORT_NULL, disposition);
}

static void add_other_type(uint8_t kind)
{
	if (kind == MACHD_FIELD_PORT || kind == MACHD_FIELD_POLY) {
		letter_add_memory(0, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
		letter_entry_inline("", 0);
	} else {
		letter_add_port(MACH_PORT_NULL, COPY_SEND);
	}
}

/* Descriptors and words of a REF or FRAME; the field moves to its end. */
static void add_group(const struct machd_field **field, enum flaw flaw, bool first)
{
	static const uint8_t zeros[4096];
	bool ref = (*field)->f_kind == MACHD_FIELD_REF;
	uint32_t size = 0;

	while ((++*field)->f_kind != MACHD_FIELD_END)
		size += (*field)->f_size;
	if (ref && first && flaw == WRONG_TYPE) {
		add_other_type(MACHD_FIELD_REF);
	} else if (ref) {
		letter_add_memory(size, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
		letter_entry_inline(zeros, size);
	}
}

static void add_field(struct request *request, const struct machd_field *field, enum flaw flaw)
{
	const mach_port_name_t none = MACH_PORT_NULL;

	switch (field->f_kind) {
	case MACHD_FIELD_DATA:
		put_words(request, 0, field->f_size / 4);
		break;
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		add_port(field, flaw);
		break;
	case MACHD_FIELD_LATE:
		request->late = true;
		break;
	case MACHD_FIELD_ARRAY:
	case MACHD_FIELD_BYTES:
		put_words(request, (flaw == WRONG_COUNT ? 2 : 1) * (4 / field->f_size), 1);
		put_words(request, 0, 1 + request->late);
		break;
	case MACHD_FIELD_OOL_PORTS:
		letter_add_ports(1, flaw == WRONG_RIGHT ? MAKE_ONCE : COPY_SEND);
		letter_entry_inline(&none, sizeof none);
		put_words(request, flaw == WRONG_COUNT ? 2 : 1, 1);
		break;
	}
}

/* Put the request together; counts what its fields are. */
static void make(const struct world *world, const struct machd_routine_row *row, enum flaw flaw,
		 struct request *request)
{
	const struct lab_task *task = world->a->task;
	mach_port_name_t dest = task->self;
	bool first = true;

	if (row->object == MACHD_OBJECT_BOOTSTRAP)
		dest = task->bootstrap;
	*request = (struct request){0};
	mig_start((int32_t)row->number, dest, world->reply);
	for (const struct machd_field *field = row->in; field->f_kind != MACHD_FIELD_END; field++) {
		uint8_t kind = field->f_kind;
		bool descriptor = kind == MACHD_FIELD_PORT || kind == MACHD_FIELD_POLY ||
				  kind == MACHD_FIELD_REF || kind == MACHD_FIELD_OOL_PORTS;

		request->ports += descriptor;
		request->typed += kind == MACHD_FIELD_OOL_PORTS || field->f_type != 0;
		request->arrays += kind >= MACHD_FIELD_ARRAY;
		request->ool += kind == MACHD_FIELD_OOL_PORTS;
		if (kind == MACHD_FIELD_REF || kind == MACHD_FIELD_FRAME)
			add_group(&field, flaw, first);
		else if (descriptor && first && flaw == WRONG_TYPE)
			add_other_type(kind), put_words(request, 0, kind == MACHD_FIELD_OOL_PORTS);
		else
			add_field(request, field, flaw);
		first = first && !descriptor;
	}
	if (flaw == MORE_PORTS)
		letter_add_port(MACH_PORT_NULL, COPY_SEND);
}

/* Send a request with a flaw. False: the routine cannot have that one. */
static bool send_flawed(const struct world *world, const struct machd_routine_row *row,
			enum flaw flaw, struct request *request)
{
	make(world, row, flaw, request);
	if ((flaw == WRONG_TYPE && !request->ports) || (flaw == WRONG_RIGHT && !request->typed) ||
	    (flaw == WRONG_COUNT && !request->arrays))
		return false;
	if ((flaw == TOO_SHORT || flaw == EMPTY) && !request->count)
		return false;
	if (flaw == TOO_SHORT)
		request->count--;
	if (flaw == TOO_LONG)
		put_words(request, 0, 1);
	if (request->count && flaw != EMPTY)
		mig_words(request->words, request->count);
	if (flaw == COMPLEX_BIT && request->ports) /* the same bytes without the bit */
		return false;
	if (flaw == COMPLEX_BIT)
		mig_set_complex();
	lab_ok(mig_send(world->a));
	return true;
}

static kern_return_t expected(enum flaw flaw, const struct request *request)
{
	if (flaw == WRONG_TYPE || flaw == WRONG_RIGHT)
		return MIG_TYPE_ERROR;
	return flaw == WRONG_COUNT && request->ool ? MIG_TYPE_ERROR : MIG_BAD_ARGUMENTS;
}

static unsigned names(const struct world *world)
{
	static mach_port_name_t list[1024];
	static uint32_t types[1024];
	unsigned count;
	uint32_t next;

	lab_ok(lab_names(world->a, 0, list, types, &count, &next));
	return count;
}

START_TEST(what_is_wrong_is_refused_and_changes_nothing)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < machd_routine_count; i++) {
		const struct machd_routine_row *row = &machd_routines[i];

		for (enum flaw flaw = TOO_SHORT; flaw < FLAWS; flaw++) {
			struct world world = begin();
			struct request request;
			unsigned before = names(&world);

			if (row->object != MACHD_OBJECT_TRAP &&
			    send_flawed(&world, row, flaw, &request)) {
				kern_return_t kr =
					mig_receive(world.a, world.reply, (int32_t)row->number);

				LAB_CHECK(kr == expected(flaw, &request), "%s, flaw %d: %d",
					  row->name, flaw, kr);
				LAB_CHECK(mig_reply_size() == 36, "%s, flaw %d", row->name, flaw);
				LAB_CHECK(names(&world) == before, "%s, flaw %d", row->name, flaw);
				refused++;
			}
			lab_silent(world.a, world.any);
			lab_stop(world.lab);
		}
	}
	ck_assert_uint_gt(refused, 4 * machd_routine_count / 2);
}
END_TEST

START_TEST(what_is_right_is_answered)
{
	for (unsigned i = 0; i < machd_routine_count; i++) {
		const struct machd_routine_row *row = &machd_routines[i];
		struct world world = begin();
		struct request request;

		if (row->object != MACHD_OBJECT_TRAP) {
			kern_return_t kr;

			LAB_TRUE(send_flawed(&world, row, NOTHING, &request));
			kr = mig_receive(world.a, world.reply, (int32_t)row->number);
			LAB_CHECK(kr != MIG_BAD_ARGUMENTS && kr != MIG_TYPE_ERROR &&
					  kr != MIG_BAD_ID,
				  "%s: %d", row->name, kr);
		}
		lab_stop(world.lab);
	}
}
END_TEST

/* --- mach_msg2's kinds of calls --- */

static mach_msg_return_t send_as(struct world *world, uint64_t option, unsigned ports,
				 unsigned type)
{
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT | option,
			      .send = &message,
			      .receive_name = world->reply,
			      .receive_size = sizeof message};
	mach_msg_return_t code;

	lab_compose(&message, world->a->task->host, COPY_SEND, world->reply, MAKE_ONCE, 3999);
	while (ports-- > 0)
		lab_add_port(&message, MACH_PORT_NULL, COPY_SEND);
	if (type)
		lab_add_bytes(&message, (const uint32_t[]){0, 0, 0, 0}, 16);
	if (type) {
		message.base.body.msgh_descriptor_count++;
		message.bytes[message.header.msgh_size - 16 + 11] = (uint8_t)type;
	}
	msg.send_size = message.header.msgh_size;
	code = lab_msg(world->a, &msg);
	if (code == MACH_MSG_SUCCESS)
		memcpy(letter_got, &message, sizeof message);
	return code;
}

START_TEST(calls_of_the_daemon_have_three_older_descriptors_at_most)
{
	struct world world = begin();
	const uint64_t kobject = MACH64_SEND_KOBJECT_CALL, any = MACH64_SEND_ANY;

	lab_ok(send_as(&world, kobject, 3, 0));
	lab_is(MACH_SEND_TOO_LARGE, send_as(&world, kobject, 4, 0));
	lab_is(MACH_SEND_INVALID_TYPE,
	       send_as(&world, kobject, 1, MACH_MSG_GUARDED_PORT_DESCRIPTOR));
	lab_is(MACH_SEND_INVALID_TYPE,
	       send_as(&world, kobject, 1, MACH_MSG_OOL_VOLATILE_DESCRIPTOR));
	lab_is(MACH_SEND_INVALID_TYPE,
	       send_as(&world, MACH64_SEND_DK_CALL, 1, MACH_MSG_GUARDED_PORT_DESCRIPTOR));
	/* All four are wrong, but the number is seen first. */
	lab_is(MACH_SEND_TOO_LARGE, send_as(&world, kobject, 3, MACH_MSG_GUARDED_PORT_DESCRIPTOR));
	lab_ok(send_as(&world, any, 4, 0));
	lab_is(MACH_SEND_INVALID_OPTIONS, send_as(&world, MACH64_SEND_MQ_CALL, 1, 0));
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.a, world.reply);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_bootstrap_port_is_called_either_way)
{
	struct world world = begin();
	struct lab_buffer message;
	uint64_t ways[] = {MACH64_SEND_MQ_CALL, MACH64_SEND_KOBJECT_CALL, MACH64_SEND_ANY};

	for (unsigned i = 0; i < 3; i++) {
		struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | ways[i],
				      .send = &message,
				      .send_size = 24,
				      .receive_name = world.reply,
				      .receive_size = sizeof message};

		lab_compose(&message, world.a->task->bootstrap, COPY_SEND, world.reply, MAKE_ONCE,
			    3999);
		lab_ok(lab_msg(world.a, &msg));
		ck_assert_int_eq(message.header.msgh_id, 4099);
	}
	lab_stop(world.lab);
}
END_TEST

/* --- calls without a reply --- */

START_TEST(a_call_without_a_reply_port_is_made)
{
	struct world world = begin();
	unsigned before = names(&world);

	mig_start(3204, world.a->task->self, MACH_PORT_NULL);
	mig_words(WORDS(MACH_PORT_RIGHT_RECEIVE));
	lab_ok(mig_send(world.a));
	ck_assert_uint_eq(names(&world), before + 1);
	/* What it gives is destroyed. */
	mig_start(3215, world.a->task->self, MACH_PORT_NULL);
	mig_words(WORDS(world.any, MAKE_ONCE));
	lab_ok(mig_send(world.a));
	lab_notice(world.a, world.any, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_call_may_destroy_the_port_of_its_reply)
{
	struct world world = begin();

	mig_start(3205, world.a->task->self, world.reply);
	mig_words(&world.reply, 1);
	lab_ok(mig_send(world.a));
	lab_name_is(world.a, world.reply, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

/* --- no memory, and limits --- */

/* Memory did not run out: the next allocation that fails is yet to come. */
static bool failure_is_left(void)
{
	for (unsigned i = 0; i < 200; i++) {
		void *memory = mem_alloc(1);

		if (!memory)
			return true;
		mem_free(memory);
	}
	return false;
}

/* One more name is there exactly if the reply says so. */
static bool told(const struct world *world, int32_t id)
{
	struct lab_buffer message;

	if (lab_receive_now(world->a, world->reply, &message) != MACH_MSG_SUCCESS)
		return false;
	LAB_TRUE(message.header.msgh_id == id + 100 ||
		 message.header.msgh_id == MACH_NOTIFY_SEND_ONCE);
	return message.header.msgh_id == id + 100 &&
	       (message.header.msgh_bits & MACH_MSGH_BITS_COMPLEX || message.bytes[32] == 0);
}

START_TEST(without_memory_nothing_is_done_that_nobody_hears_of)
{
	static const struct {
		int32_t id;
		uint32_t argument;
	} calls[] = {{3204, MACH_PORT_RIGHT_RECEIVE},
		     {3204, MACH_PORT_RIGHT_PORT_SET},
		     {3409, 4},
		     {3418, 0},
		     {3200, 0},
		     {3404, 0}};
	bool done = false;

	for (unsigned n = 1; !done; n++) {
		struct world world = begin();
		unsigned before = names(&world), added = _i < 2;

		LAB_TRUE(n < 100);
		lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_ports_register, world.a->task->self,
				&world.any, sizeof world.any, NULL, 0, NULL));
		mig_start(calls[_i].id, world.a->task->self, world.reply);
		if (calls[_i].id == 3418)
			mig_words(WORDS(0, 0));
		else if (calls[_i].id != 3200 && calls[_i].id != 3404)
			mig_words(&calls[_i].argument, 1);
		mem_fail_after(n);
		LAB_TRUE(mig_send(world.a) != LAB_DROPPED);
		done = failure_is_left();
		mem_fail_after(0);
		if (added)
			LAB_TRUE(names(&world) - before == told(&world, calls[_i].id));
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(over_a_limit_the_call_is_not_made)
{
	struct lab_options options;
	struct world world;
	unsigned before, made = 0;
	struct lab_buffer message;

	lab_options_init(&options);
	options.limits.messages_per_user = 16;
	world.lab = lab_start(&options);
	world.a = lab_task(world.lab, 1000)->thread;
	world.reply = lab_new_port(world.a);
	before = names(&world);
	for (unsigned i = 0; i < 40; i++) {
		mig_start(3204, world.a->task->self, world.reply);
		mig_words(WORDS(MACH_PORT_RIGHT_RECEIVE));
		mig_send(world.a);
	}
	while (lab_receive_now(world.a, world.reply, &message) == MACH_MSG_SUCCESS)
		made += message.header.msgh_id == 3304;
	ck_assert_uint_gt(made, 8);
	ck_assert_uint_lt(made, 17);
	ck_assert_uint_eq(names(&world) - before, made);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, what_is_wrong_is_refused_and_changes_nothing);
	tcase_add_test(tcase, what_is_right_is_answered);
	tcase_add_test(tcase, calls_of_the_daemon_have_three_older_descriptors_at_most);
	tcase_add_test(tcase, the_bootstrap_port_is_called_either_way);
	tcase_add_test(tcase, a_call_without_a_reply_port_is_made);
	tcase_add_test(tcase, a_call_may_destroy_the_port_of_its_reply);
	tcase_add_loop_test(tcase, without_memory_nothing_is_done_that_nobody_hears_of, 0, 6);
	tcase_add_test(tcase, over_a_limit_the_call_is_not_made);
}

int main(void)
{
	return lab_run("trap_mig_walk", add_tests);
}
