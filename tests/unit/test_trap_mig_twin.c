/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call by frame and the same call by message are one call: a machine gets random calls by frames,
 * and then another the same by messages; all codes and results must be equal, and what is left in
 * the task's name space [20, 24, 29]. The names themselves may differ: who is told the same things
 * in the same order knows them by their place in the order.
 */
#include <string.h>

#include "tests/lab/lab_mig.h"

enum { POOL = 64, WORDS_MAX = 192, STEPS = 500 };

/* What a call gave. */
struct outcome {
	kern_return_t kr;
	uint32_t result; /* the first word of it, or which name of the pool that is */
};

/* What is in a name space: how many names, and what those of the pool are. */
struct listing {
	unsigned count;
	uint32_t types[POOL], urefs[POOL];
};

struct world {
	struct lab *lab;
	struct lab_thread *a;
	mach_port_name_t reply;
	bool by_message;
	uint32_t pool[POOL]; /* words for arguments: names, and numbers */
	unsigned names;
	uint64_t random;
};

static uint32_t draw(struct world *world, uint32_t below)
{
	world->random = world->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(world->random >> 33) % below;
}

static struct world begin(uint64_t seed, bool by_message)
{
	struct world world = {.lab = lab_start(NULL), .random = seed, .by_message = by_message};

	world.a = lab_task(world.lab, 1000)->thread;
	world.reply = lab_new_port(world.a);
	world.pool[world.names++] = MACH_PORT_NULL;
	world.pool[world.names++] = MACH_PORT_DEAD;
	world.pool[world.names++] = world.a->task->self;
	world.pool[world.names++] = world.a->task->host;
	world.pool[world.names++] = 0x70000003; /* no space is so large */
	return world;
}

/* A word for an argument: a name, a small number, or a disposition. */
static uint32_t some_word(struct world *world)
{
	uint32_t kind = draw(world, 8);

	if (kind < 5)
		return world->pool[draw(world, world->names)];
	return kind < 6 ? draw(world, 4) : kind < 7 ? 16 + draw(world, 7) : 64 + draw(world, 9);
}

static bool is_name(uint32_t word)
{
	return (word & 3) == 3 && word > 0xff;
}

/* A word as both machines must have it: a name by its place in the pool. */
static uint32_t common(const struct world *world, uint32_t word)
{
	for (unsigned i = 0; i < world->names; i++)
		if (world->pool[i] == word)
			return i;
	return is_name(word) ? POOL : word;
}

/* This name may be an argument from now on. */
static void learn(struct world *world, mach_port_name_t name)
{
	unsigned slot = world->names < POOL ? world->names++ : 5 + draw(world, POOL - 5);

	world->pool[slot] = name;
}

/* Arguments as the frame has them, and the message made of them. */
struct arguments {
	uint32_t words[WORDS_MAX], count; /* of the frame */
	uint32_t inline_words[WORDS_MAX], inline_count;
	bool rights; /* there are descriptors */
};

static uint32_t put(struct arguments *arguments, uint32_t word)
{
	return arguments->words[arguments->count++] = word;
}

static void put_both(struct arguments *arguments, uint32_t word)
{
	arguments->inline_words[arguments->inline_count++] = put(arguments, word);
}

/*
 * A right. One of another type than the routine takes is lost in a message only, and one that its
 * holder has to keep is given to the daemon in one only.
 */
static void put_port(struct world *world, struct arguments *arguments,
		     const struct machd_field *field)
{
	bool poly = field->f_kind == MACHD_FIELD_POLY;
	bool once = field->f_type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	uint32_t disposition = once ? MAKE_ONCE : COPY_SEND, name;

	do
		name = world->pool[draw(world, world->names)];
	while (poly && name == world->a->task->self);
	if (poly && once && draw(world, 2))
		disposition = MOVE_ONCE;
	else if (poly && !once)
		disposition = 16 + draw(world, 6);
	put(arguments, name);
	if (poly)
		put(arguments, disposition);
	letter_add_port(name, disposition);
	arguments->rights = true;
}

static const struct machd_field *put_group(struct world *world, struct arguments *arguments,
					   const struct machd_field *field)
{
	bool ref = field->f_kind == MACHD_FIELD_REF;
	uint32_t first = arguments->count, size = 0;

	while ((++field)->f_kind != MACHD_FIELD_END)
		size += field->f_size;
	for (uint32_t i = 0; i < size / 4; i++)
		put(arguments, ref ? draw(world, 64) : 0);
	if (ref) {
		letter_add_memory(size, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
		letter_entry_inline(&arguments->words[first], size);
	}
	return field;
}

static const struct machd_field *put_field(struct world *world, struct arguments *arguments,
					   const struct machd_field *field)
{
	uint32_t words;

	switch (field->f_kind) {
	case MACHD_FIELD_DATA:
		for (unsigned i = 0; i < field->f_size / 4u; i++)
			put_both(arguments, i > 1 ? 0 : some_word(world));
		break;
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		put_port(world, arguments, field);
		break;
	case MACHD_FIELD_ARRAY:
		words = draw(world, 4);
		arguments->inline_words[arguments->inline_count++] = words;
		while (words-- > 0)
			put_both(arguments, some_word(world));
		break;
	case MACHD_FIELD_OOL_PORTS:
		words = arguments->words[arguments->count] = world->pool[draw(world, world->names)];
		letter_add_ports(1, COPY_SEND);
		letter_entry_inline(&words, sizeof words);
		arguments->count++;
		arguments->inline_words[arguments->inline_count++] = 1;
		arguments->rights = true;
		break;
	case MACHD_FIELD_REF:
	case MACHD_FIELD_FRAME:
		return put_group(world, arguments, field);
	}
	return field;
}

static mach_port_name_t target(const struct world *world, uint32_t object)
{
	const struct lab_task *task = world->a->task;

	return object == MACHD_OBJECT_BOOTSTRAP ? task->bootstrap
	       : object == MACHD_OBJECT_HOST	? task->host
						: task->self;
}

/*
 * Routines with fields that this test makes, for objects that it has. Not among them: a service
 * name, which may keep alive what its task made, and the lab wants nothing left; and a reference
 * count that changes by a number, which would be a name here.
 */
static bool usable(const struct machd_routine_row *row)
{
	static const uint32_t objects = 1u << MACHD_OBJECT_SPACE | 1u << MACHD_OBJECT_SPACE_READ |
					1u << MACHD_OBJECT_SPACE_INSPECT | 1u << MACHD_OBJECT_TASK |
					1u << MACHD_OBJECT_BOOTSTRAP | 1u << MACHD_OBJECT_HOST;
	const struct machd_field *rest = machd_fields_rest(row->in);

	return (objects & 1u << row->object) && !(rest && rest->f_kind == MACHD_FIELD_BYTES) &&
	       row->number != MACHD_ROUTINE_bootstrap_register &&
	       row->number != MACHD_ROUTINE_mach_port_mod_refs;
}

/* The result's first word, wherever a message has it. */
static uint32_t first_result(const struct machd_routine_row *row)
{
	if (row->out->f_kind == MACHD_FIELD_PORT || row->out->f_kind == MACHD_FIELD_POLY)
		return mig_port(0).name;
	return mig_word(9);
}

/* The result begins with a word that both ways of calling have. */
static bool has_first_word(const struct machd_routine_row *row)
{
	uint8_t kind = row->out->f_kind;

	return kind == MACHD_FIELD_DATA || kind == MACHD_FIELD_PORT || kind == MACHD_FIELD_POLY;
}

static struct outcome call_by_frame(struct world *world, const struct machd_routine_row *row,
				    const struct arguments *arguments)
{
	static uint32_t result[MACHD_FRAME_SIZE_MAX / 4];
	struct outcome outcome = {.result = 0};

	outcome.kr = lab_call(world->a, row->number, target(world, row->object), arguments->words,
			      arguments->count * 4, result, sizeof result, NULL);
	if (outcome.kr == KERN_SUCCESS && has_first_word(row))
		outcome.result = result[0];
	return outcome;
}

/* The message that was put together. */
static struct outcome call_by_message(struct world *world, const struct machd_routine_row *row)
{
	struct outcome outcome = {.kr = mig_send(world->a)};

	if (outcome.kr == MACH_MSG_SUCCESS)
		outcome.kr = mig_receive(world->a, world->reply, (int32_t)row->number);
	else if (outcome.kr != MACH_SEND_INVALID_DEST) /* the reply right is lost */
		lab_notice(world->a, world->reply, MACH_NOTIFY_SEND_ONCE);
	if (outcome.kr == KERN_SUCCESS && has_first_word(row))
		outcome.result = first_result(row);
	return outcome;
}

/* What is wrong with a right in a message has other codes than with one that is named. */
static void compare(const struct machd_routine_row *row, bool rights,
		    const struct outcome *by_frame, const struct outcome *by_message)
{
	bool both_fail = by_frame->kr != KERN_SUCCESS && by_message->kr != KERN_SUCCESS;

	LAB_CHECK(by_frame->kr == by_message->kr || (rights && both_fail),
		  "%s: %d by frame, %d by message", row->name, by_frame->kr, by_message->kr);
	LAB_CHECK(by_frame->result == by_message->result, "%s: %x by frame, %x by message",
		  row->name, by_frame->result, by_message->result);
}

/* A random call. Its outcome goes to `outcome` or, by message, must be that. */
static void step(struct world *world, struct outcome *outcome)
{
	const struct machd_routine_row *row;
	struct arguments arguments = {.count = 0};
	struct outcome got;
	uint32_t name;

	do
		row = &machd_routines[draw(world, machd_routine_count)];
	while (!usable(row));
	mig_start((int32_t)row->number, target(world, row->object), world->reply);
	for (const struct machd_field *field = row->in; field->f_kind != MACHD_FIELD_END; field++)
		field = put_field(world, &arguments, field);
	if (arguments.inline_count)
		mig_words(arguments.inline_words, arguments.inline_count);
	got = world->by_message ? call_by_message(world, row)
				: call_by_frame(world, row, &arguments);
	name = got.result;
	got.result = common(world, name);
	if (world->by_message)
		compare(row, arguments.rights, outcome, &got);
	else
		*outcome = got;
	if (is_name(name))
		learn(world, name);
}

static void list_space(struct world *world, struct listing *listing)
{
	static mach_port_name_t names[4096];
	static uint32_t types[4096];
	uint32_t next;

	lab_ok(lab_names(world->a, 0, names, types, &listing->count, &next));
	for (unsigned i = 0; i < world->names; i++) {
		lab_type(world->a, world->pool[i], &listing->types[i]);
		lab_get_refs(world->a, world->pool[i], MACH_PORT_RIGHT_SEND, &listing->urefs[i]);
	}
}

static void run(uint64_t seed, bool by_message, struct outcome outcomes[STEPS],
		struct listing *listing)
{
	struct world world = begin(seed, by_message);

	for (unsigned i = 0; i < STEPS; i++)
		step(&world, &outcomes[i]);
	list_space(&world, listing);
	lab_stop(world.lab);
}

START_TEST(frames_and_messages_do_the_same)
{
	static struct outcome outcomes[STEPS];
	static struct listing by_frame, by_message;

	run((uint64_t)_i + 1, false, outcomes, &by_frame);
	run((uint64_t)_i + 1, true, outcomes, &by_message);
	ck_assert_uint_eq(by_frame.count, by_message.count);
	ck_assert_mem_eq(by_frame.types, by_message.types, sizeof by_frame.types);
	ck_assert_mem_eq(by_frame.urefs, by_message.urefs, sizeof by_frame.urefs);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, frames_and_messages_do_the_same, 0, 40);
}

int main(void)
{
	return lab_run("trap_mig_twin", add_tests);
}
