/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine answered against what the model says is due. */
#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_feed.h"
#include "tests/model/world_private.h"

#define FRAME	sizeof(struct machd_frame)
#define HEAD	sizeof(struct machd_message_answer)
#define WORD_IN 8		      /* a notification's body */
#define WORD_AT (HEAD + 24 + WORD_IN) /* the same in an answer */

static uint32_t word_at(const uint8_t *bytes, size_t offset)
{
	uint32_t word;

	memcpy(&word, bytes + offset, sizeof word);
	return word;
}

/* A name that the machine has made up: free, well formed, and not the one just freed. */
static bool name_good(struct world *world, const struct m_entry *entry, mach_port_name_t name)
{
	const struct m_task *task = entry->task;
	const struct m_entry *other;

	if ((name & 3) != 3 || MACH_PORT_INDEX(name) == 0 ||
	    MACH_PORT_INDEX(name) >= world->options.limits.names_per_task)
		return false;
	TAILQ_FOREACH (other, &task->entries, link)
		if (other != entry && MACH_PORT_INDEX(other->name) == MACH_PORT_INDEX(name))
			return false;
	for (unsigned i = 1; i <= M_FREED; i++) {
		mach_port_name_t freed = task->freed[(task->freed_count - i) % M_FREED];

		if (MACH_PORT_INDEX(freed) == MACH_PORT_INDEX(name))
			return freed != name;
	}
	return true;
}

static void compare_name(struct world *world, const struct actor *actor, const struct m_name *slot,
			 mach_port_name_t name)
{
	struct m_entry *entry = slot->entry;

	if (entry->name != 0) {
		if (name != entry->name)
			world_fail(world, "thread %u: offset %#x: the name is %#x, must be %#x",
				   actor->origin, slot->offset, name, entry->name);
		return;
	}
	if (!name_good(world, entry, name))
		world_fail(world, "thread %u: offset %#x: %#x cannot be a new name", actor->origin,
			   slot->offset, name);
	entry->name = name;
	if (world->named < OP_NAMES) {
		entry->origin = world->op->number * OP_NAMES + world->named;
		world->names[world->op->number][world->named++] = name;
	}
}

/* Is there a notification of the same event, waiting or answered just now, with this word? */
static bool swap_note(struct world *world, struct m_answer *answer, uint32_t word)
{
	struct m_msg *note = answer->note, *msg;
	uint32_t mine = word_at(answer->bytes, WORD_AT);

	TAILQ_FOREACH (msg, &note->dest.port->queue, link) {
		if (msg->group != note->group || word_at(msg->body, WORD_IN) != word)
			continue;
		memcpy(msg->body + WORD_IN, &mine, sizeof mine);
		memcpy(answer->bytes + WORD_AT, &word, sizeof word);
		return true;
	}
	for (unsigned i = 0; i < world->actor_count; i++) {
		struct m_answer *other = &world->actors[i].model->answer;

		if (!other->due || !other->note || other->note->group != note->group ||
		    word_at(other->bytes, WORD_AT) != word)
			continue;
		memcpy(other->bytes + WORD_AT, &mine, sizeof mine);
		memcpy(answer->bytes + WORD_AT, &word, sizeof word);
		return true;
	}
	return false;
}

/* The machine has told the id of a new bell: half of its eight bytes are enough. */
static void learn_bell(struct world *world, struct m_bell *bell, const uint8_t *bytes)
{
	const uint32_t at = offsetof(struct machd_bell_answer, bell);

	bell->id = word_at(bytes, at);
	if (bell->id == 0 || word_at(bytes, at + 4))
		world_fail(world, "a bell's id is %#x and %#x", bell->id, word_at(bytes, at + 4));
	bell->origin = world->op->number * OP_NAMES + world->named;
	world->names[world->op->number][world->named++] = bell->id;
}

static void compare_bytes(struct world *world, const struct actor *actor, const uint8_t *bytes)
{
	struct m_answer *answer = &actor->model->answer;

	if (answer->bell)
		learn_bell(world, answer->bell, bytes);

	if (answer->note && word_at(bytes, WORD_AT) != word_at(answer->bytes, WORD_AT))
		swap_note(world, answer, word_at(bytes, WORD_AT));
	for (unsigned i = 0; i < answer->name_count; i++) {
		compare_name(world, actor, &answer->name[i],
			     word_at(bytes, answer->name[i].offset));
		memset(answer->care + answer->name[i].offset, 0, sizeof(uint32_t));
	}
	for (uint32_t i = 0; i < answer->size; i++) {
		uint32_t word = i & ~3u;

		if (!((bytes[i] ^ answer->bytes[i]) & answer->care[i]))
			continue;
		world_fail(world, "thread %u: offset %#x of the answer is %#x, must be %#x",
			   actor->origin, word, word_at(bytes, word), word_at(answer->bytes, word));
		return;
	}
}

static bool same_fds(const struct actor *actor)
{
	const struct m_answer *answer = &actor->model->answer;

	return actor->lab->fd_count == answer->fds &&
	       memcmp(actor->lab->fds, answer->fd, answer->fds * sizeof *answer->fd) == 0;
}

/* `bytes`: of the answer's packet, and behind that of the one with its memory. */
static void compare_answer(struct world *world, const struct actor *actor, const uint8_t *bytes,
			   size_t size, size_t memory)
{
	struct m_answer *answer = &actor->model->answer;
	uint32_t code = word_at(bytes, 0), due = word_at(answer->bytes, 0);

	world->compared++;
	if (world->options.trace && (!world->looking || code != due))
		fprintf(world->options.trace, "    thread %u gets %#x, %zu bytes\n", actor->origin,
			code, size);
	if (code != due && code != answer->other_code)
		world_fail(world, "thread %u: the code is %#x, must be %#x", actor->origin, code,
			   due);
	else if (!same_fds(actor))
		world_fail(world, "thread %u: %u descriptors came, due are %u, or others",
			   actor->origin, actor->lab->fd_count, answer->fds);
	else if (size != answer->size || memory != (answer->memory ? size - answer->memory : 0))
		world_fail(world,
			   "thread %u: the answer has %zu bytes, %zu of memory, must have %u, %u",
			   actor->origin, size, memory, answer->size,
			   answer->memory ? answer->size - answer->memory : 0);
	else {
		memset(answer->care, 0, sizeof code);
		compare_bytes(world, actor, bytes);
	}
}

/* How many messages come with an answer beside its own; nobody can tell, so it says none. */
static uint32_t take_loans(const struct lab_thread *lab, uint8_t *packet, size_t size)
{
	const size_t at = FRAME + offsetof(struct machd_message_answer, loans);
	uint32_t loans;

	if (lab->op != MACHD_OP_MESSAGE || size < FRAME + HEAD)
		return 0;
	loans = word_at(packet, at);
	memset(packet + at, 0, sizeof loans);
	return loans;
}

/* What is in both packets of an answer. */
static uint8_t *take_packets(struct world *world, struct actor *actor, size_t *size, size_t *memory)
{
	struct lab_thread *lab = actor->lab;
	uint8_t *packet = lab_take_answer(lab, size), *bytes;
	uint32_t loans = take_loans(lab, packet, *size);

	if (loans)
		ahead_lend(world, actor, loans);
	*size -= FRAME;
	*memory = lab->memory && !loans ? lab->memory_size - FRAME : 0;
	bytes = malloc(*size + *memory);
	LAB_TRUE(bytes);
	memcpy(bytes, packet + FRAME, *size);
	if (*memory)
		memcpy(bytes + *size, lab->memory + FRAME, *memory);
	*size += *memory;
	free(packet);
	return bytes;
}

void world_compare_one(struct world *world, struct actor *actor, const uint8_t *bytes, size_t size)
{
	if (actor->model->answer.due)
		compare_answer(world, actor, bytes, size, 0);
	else
		world_fail(world, "thread %u: it knows its answer, and has to wait", actor->origin);
	actor->model->answer.due = false;
}

static void compare_actor(struct world *world, struct actor *actor)
{
	struct m_answer *answer = &actor->model->answer;
	uint64_t deadline = actor->model->deadline;
	size_t size, memory;
	uint8_t *bytes;

	if (!actor->lab->answered && answer->due)
		world_fail(world, "thread %u: no answer came, due is code %#x", actor->origin,
			   word_at(answer->bytes, 0));
	if (!actor->lab->answered)
		goto out;
	bytes = take_packets(world, actor, &size, &memory);
	if (answer->due)
		compare_answer(world, actor, bytes, size, memory);
	else
		world_fail(world, "thread %u: an answer came with code %#x, none is due",
			   actor->origin, word_at(bytes, 0));
	free(bytes);
out:
	answer->due = false;
	if (actor->lab->deadline != deadline)
		world_fail(world, "thread %u: its time-out is at %llu, must be %llu", actor->origin,
			   (unsigned long long)actor->lab->deadline, (unsigned long long)deadline);
}

static void compare_bell(struct world *world, const struct m_bell *bell)
{
	bool rings = bell->task && !TAILQ_EMPTY(&bell->ready);

	if (world->lab->rings[bell->ring] != rings && bell->task)
		world_fail(world, "bell %u %s", bell->id, rings ? "must ring" : "must not ring");
	for (unsigned i = 0; i < 2; i++)
		if ((world->lab->fds[i ? bell->quiet : bell->ring] == LAB_FD_INSIDE) !=
		    (bell->task != NULL))
			world_fail(world, "bell %u: its descriptors are%s there", bell->id,
				   bell->task ? " not" : "");
}

void world_compare(struct world *world)
{
	struct m_bell *bell;

	for (unsigned i = 0; i < world->actor_count; i++)
		compare_actor(world, &world->actors[i]);
	TAILQ_FOREACH (bell, &world->model.bells, link)
		compare_bell(world, bell);
}
