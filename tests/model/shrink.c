/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce a failing list of operations to a short one that still fails, and report it. */
#include <mach/message.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/harness.h"

enum { REPLAYS_MAX = 4000, TRACE_LINES = 100, LONG_LIST = 8 };

/* A list that is known to fail, and one to try. */
struct shrink {
	struct outcome *outcome;
	const struct episode *episode;
	struct op *ops;
	uint32_t count;
	unsigned replays;
};

static bool try_list(struct shrink *shrink)
{
	if (++shrink->replays > REPLAYS_MAX)
		return false;
	harness_replay(shrink->outcome, shrink->episode, NULL);
	return shrink->outcome->failed;
}

/* Keep the list that was tried, up to the operation that failed. */
static void take_list(struct shrink *shrink)
{
	shrink->count = shrink->outcome->failed_at + 1;
	memcpy(shrink->ops, shrink->outcome->ops, shrink->count * sizeof *shrink->ops);
}

/* Does it fail earlier if everything is looked at all the time? */
static void check_more(struct shrink *shrink)
{
	struct op *ops = shrink->outcome->ops;

	memcpy(ops, shrink->ops, shrink->count * sizeof *ops);
	for (uint32_t i = 0; i < shrink->count; i++)
		ops[i].check = OP_CHECK_ALL;
	shrink->outcome->count = shrink->count;
	if (try_list(shrink))
		take_list(shrink);
}

/* The list without `size` operations from `at` on. */
static bool try_without(struct shrink *shrink, uint32_t at, uint32_t size)
{
	struct op *ops = shrink->outcome->ops;

	memcpy(ops, shrink->ops, at * sizeof *ops);
	memcpy(ops + at, shrink->ops + at + size, (shrink->count - at - size) * sizeof *ops);
	shrink->outcome->count = shrink->count - size;
	if (!try_list(shrink))
		return false;
	take_list(shrink);
	return true;
}

/* Take parts out, smaller and smaller ones, from the end on; true if any could go. */
static bool remove_parts(struct shrink *shrink)
{
	bool any = false;

	for (uint32_t size = (shrink->count + 1) / 2; size > 0; size /= 2) {
		uint32_t at = shrink->count;

		while (at > 0) {
			uint32_t part = size < at ? size : at;

			at -= part;
			any |= try_without(shrink, at, part);
		}
	}
	return any;
}

/* Try the list with one operation replaced. */
static void try_instead(struct shrink *shrink, uint32_t at, const struct op *op)
{
	if (at >= shrink->count || memcmp(&shrink->ops[at], op, sizeof *op) == 0)
		return;
	memcpy(shrink->outcome->ops, shrink->ops, shrink->count * sizeof *op);
	shrink->outcome->ops[at] = *op;
	shrink->outcome->count = shrink->count;
	if (try_list(shrink))
		take_list(shrink);
}

/* Let the first thread of a task do what others of it did, so that those can go. */
static void simplify_who(struct shrink *shrink, uint32_t at)
{
	for (uint32_t i = 0; i < at && shrink->ops[at].who; i++) {
		struct op op = shrink->ops[at];

		if (shrink->ops[i].kind != OP_TASK && shrink->ops[i].kind != OP_THREAD)
			continue;
		if (shrink->ops[i].number >= op.who)
			return;
		op.who = shrink->ops[i].number;
		try_instead(shrink, at, &op);
	}
}

/* The names in an operation, one after the other; NULL at the end. The target stays out. */
static struct op_name *name_in(struct op *op, unsigned index)
{
	if (index < OP_ARGS)
		return &op->arg[index];
	index -= OP_ARGS;
	if (index < OP_DESCRIPTORS)
		return &op->descriptor[index].name;
	index -= OP_DESCRIPTORS;
	if (index < OP_ARRAY)
		return &op->array[index];
	index -= OP_ARRAY;
	return index == 0 ? &op->dest : index == 1 ? &op->reply : index == 2 ? &op->receive : NULL;
}

/* Use one name in place of another, from some operation on. */
static void try_rename(struct shrink *shrink, uint32_t at, uint32_t from, uint32_t to)
{
	struct op *ops = shrink->outcome->ops;
	struct op_name *name;

	memcpy(ops, shrink->ops, shrink->count * sizeof *ops);
	for (uint32_t i = at; i < shrink->count; i++)
		for (unsigned n = 0; (name = name_in(&ops[i], n)); n++)
			if (name->origin == from)
				name->origin = to;
	shrink->outcome->count = shrink->count;
	if (try_list(shrink))
		take_list(shrink);
}

/* Replace a name by that of a port that was allocated before. */
static void simplify_name(struct shrink *shrink, uint32_t at, uint32_t origin)
{
	for (uint32_t i = 0; i < at && at < shrink->count; i++) {
		uint32_t other = shrink->ops[i].number * OP_NAMES;

		if (shrink->ops[i].routine == MACHD_ROUTINE_mach_port_allocate && other != origin)
			try_rename(shrink, at, origin, other);
	}
}

static void simplify_names(struct shrink *shrink)
{
	struct op_name *name;

	for (uint32_t i = 0; i < shrink->count && shrink->count > LONG_LIST; i++)
		for (unsigned n = 0; (name = name_in(&shrink->ops[i], n)); n++)
			if (name->origin)
				simplify_name(shrink, i, name->origin);
	while (remove_parts(shrink))
		continue;
}

/* Make what is left of an operation plain. */
static void simplify(struct shrink *shrink, uint32_t at)
{
	struct op op = shrink->ops[at];

	op.check = OP_CHECK_NONE;
	try_instead(shrink, at, &op);
	op = shrink->ops[at];
	op.bits &= ~(MACH_MSGH_BITS_VOUCHER_MASK | 0x7fe0e0e0u);
	op.voucher = (struct op_name){0};
	op.tail = 0;
	try_instead(shrink, at, &op);
	op = shrink->ops[at];
	op.bits &= ~MACH_MSGH_BITS_COMPLEX;
	op.descriptors = op.filler = op.fault = 0;
	op.announced = 0;
	op.size = sizeof(mach_msg_header_t);
	try_instead(shrink, at, &op);
	op = shrink->ops[at];
	op.announced -= op.filler;
	op.filler = op.fault = 0;
	op.size = op_least_size(&op, 64);
	try_instead(shrink, at, &op);
	for (unsigned i = 0; i < shrink->ops[at].descriptors; i++) {
		op = shrink->ops[at];
		if (op.descriptor[i].count > 1)
			op.descriptor[i].count = op.descriptor[i].different = 1;
		try_instead(shrink, at, &op);
	}
	for (unsigned i = shrink->ops[at].descriptors; i-- > 0;) {
		op = shrink->ops[at];
		memmove(&op.descriptor[i], &op.descriptor[i + 1],
			(OP_DESCRIPTORS - 1 - i) * sizeof op.descriptor[0]);
		op.descriptors--;
		op.announced = op.filler + op.descriptors;
		op.size = op_least_size(&op, 64); /* for a 32-bit task a few bytes more */
		try_instead(shrink, at, &op);
	}
	for (unsigned bit = 2; bit < 32; bit++) {
		op = shrink->ops[at];
		op.option &= ~(UINT64_C(1) << bit);
		try_instead(shrink, at, &op);
	}
}

void harness_shrink(struct outcome *outcome, const struct episode *episode)
{
	struct shrink shrink = {.outcome = outcome, .episode = episode, .count = outcome->count};
	char text[sizeof outcome->text];

	memcpy(text, outcome->text, sizeof text);
	shrink.ops = malloc(sizeof outcome->ops);
	if (!shrink.ops)
		return;
	memcpy(shrink.ops, outcome->ops, sizeof outcome->ops);
	while (remove_parts(&shrink))
		continue;
	check_more(&shrink);
	while (remove_parts(&shrink))
		continue;
	for (uint32_t i = 0; i < shrink.count; i++) {
		simplify_who(&shrink, i);
		simplify(&shrink, i);
	}
	while (remove_parts(&shrink))
		continue;
	simplify_names(&shrink);
	memcpy(outcome->ops, shrink.ops, shrink.count * sizeof *shrink.ops);
	outcome->count = shrink.count;
	outcome->failed = true;
	memcpy(outcome->text, text, sizeof text);
	free(shrink.ops);
}

/* Copy the last lines of a file. */
static void print_tail(FILE *from, FILE *to)
{
	long at[TRACE_LINES] = {0};
	unsigned count = 0;
	char line[512];

	rewind(from);
	do
		at[count++ % TRACE_LINES] = ftell(from);
	while (fgets(line, sizeof line, from));
	fseek(from, count < TRACE_LINES ? 0 : at[count % TRACE_LINES], SEEK_SET);
	while (fgets(line, sizeof line, from))
		fputs(line, to);
}

static void print_run(struct outcome *outcome, const struct episode *episode, FILE *file)
{
	FILE *trace = tmpfile();

	if (!trace)
		return;
	harness_replay(outcome, episode, trace);
	print_tail(trace, file);
	fprintf(file, "    %s\n", outcome->failed ? outcome->text : "this time it went well");
	fclose(trace);
}

void harness_report(struct outcome *outcome, const struct episode *episode, FILE *file)
{
	fprintf(file, "machine and model differ after %u operations: %s\n", outcome->count,
		outcome->text);
	fprintf(file, "episode seed %#llx, %u names; the last of them:\n",
		(unsigned long long)episode->seed, episode->limits.names_per_task);
	print_run(outcome, episode, file);
	fflush(file);
	harness_shrink(outcome, episode);
	fprintf(file, "\nshrunk to %u operations:\n", outcome->count);
	print_run(outcome, episode, file);
}
