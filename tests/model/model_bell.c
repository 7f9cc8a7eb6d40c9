/* SPDX-License-Identifier: Apache-2.0 */
/* Bells [27]: each rings exactly as long as one of its knotes has something to tell. */
#include "tests/model/model_call.h"

#define BELL_AT	    offsetof(struct machd_bell_answer, bell)
#define EVENT_WORDS 3

void model_board(struct model *model, struct m_thread *thread, bool room)
{
	thread->task->borrows |= room;
	m_answer(model, thread, room ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE,
		 sizeof(struct machd_call_answer));
}

void model_bell(struct model *model, struct m_thread *thread, uint64_t ring, uint64_t quiet,
		bool room)
{
	struct m_bell *bell = m_alloc(model, sizeof *bell);

	m_answer(model, thread, room ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE,
		 sizeof(struct machd_bell_answer));
	if (!room)
		return;
	*bell = (struct m_bell){.task = thread->task, .ring = ring, .quiet = quiet};
	TAILQ_INIT(&bell->knotes);
	TAILQ_INIT(&bell->ready);
	TAILQ_INSERT_TAIL(&model->bells, bell, link);
	thread->answer.bell = bell;
	m_answer_ignore(&thread->answer, BELL_AT, sizeof(uint64_t));
}

/* --- knotes --- */

/* `ready`: it has something to tell, and does so when all that are ready now have had their turn.
 */
static void set_ready(struct m_knote *knote, bool ready)
{
	if (knote->ready == ready)
		return;
	if (ready)
		TAILQ_INSERT_TAIL(&knote->bell->ready, knote, in_ready);
	else
		TAILQ_REMOVE(&knote->bell->ready, knote, in_ready);
	knote->ready = ready;
}

void m_knotes_ready(struct m_knotes *knotes)
{
	struct m_knote *knote;

	TAILQ_FOREACH (knote, knotes, of_object)
		set_ready(knote, true);
}

void m_knotes_quiet(struct m_knotes *knotes)
{
	struct m_knote *knote;

	TAILQ_FOREACH (knote, knotes, of_object)
		set_ready(knote, false);
}

void m_knotes_gone(const struct model *model, struct m_knotes *knotes)
{
	struct m_knote *knote;

	if (model->mutation == MODEL_KNOTE_STAYS)
		return;
	while ((knote = TAILQ_FIRST(knotes))) {
		TAILQ_REMOVE(knotes, knote, of_object);
		knote->gone = true;
		set_ready(knote, true);
	}
}

static struct m_knotes *knotes_of(const struct m_entry *entry)
{
	return entry->set ? &entry->set->knotes : &entry->port->knotes;
}

static struct m_knote *find_knote(const struct m_bell *bell, const struct m_entry *entry)
{
	struct m_knote *knote;

	TAILQ_FOREACH (knote, knotes_of(entry), of_object)
		if (knote->bell == bell)
			return knote;
	return NULL;
}

static void knote_end(struct m_knote *knote)
{
	set_ready(knote, false);
	TAILQ_REMOVE(&knote->bell->knotes, knote, of_bell);
	if (!knote->gone)
		TAILQ_REMOVE(knote->set ? &knote->set->knotes : &knote->port->knotes, knote,
			     of_object);
}

static void bell_end(struct m_bell *bell)
{
	while (!TAILQ_EMPTY(&bell->knotes))
		knote_end(TAILQ_FIRST(&bell->knotes));
	bell->task = NULL;
}

void m_bells_end(struct model *model, const struct m_task *task)
{
	struct m_bell *bell;

	TAILQ_FOREACH (bell, &model->bells, link)
		if (bell->task == task)
			bell_end(bell);
}

/* --- routines --- */

static struct m_bell *find_bell(struct call *call)
{
	struct m_bell *bell;

	TAILQ_FOREACH (bell, &call->model->bells, link)
		if (bell->task == call->thread->task && bell->id == call->args[0] &&
		    call->args[1] == 0)
			return bell;
	return NULL;
}

uint32_t call_bell_close(struct call *call)
{
	struct m_bell *bell = find_bell(call);

	if (!bell)
		return KERN_INVALID_ARGUMENT;
	bell_end(bell);
	return KERN_SUCCESS;
}

/* A bell of the caller's, and what it can hang on: a receive right or a set. */
static uint32_t find(struct call *call, struct m_bell **bell, struct m_entry **entry)
{
	*bell = find_bell(call);
	if (!*bell)
		return KERN_INVALID_ARGUMENT;
	*entry = m_look(call->thread->task, call->args[2]);
	if (!*entry || (*entry)->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if ((*entry)->type == MACH_PORT_TYPE_PORT_SET)
		return KERN_SUCCESS;
	return (*entry)->type & MACH_PORT_TYPE_RECEIVE && !(*entry)->port->special
		       ? KERN_SUCCESS
		       : KERN_INVALID_RIGHT;
}

uint32_t call_bell_add(struct call *call)
{
	struct m_bell *bell;
	struct m_entry *entry;
	struct m_knote *knote;
	uint32_t code = find(call, &bell, &entry);

	if (code != KERN_SUCCESS)
		return code;
	if (find_knote(bell, entry))
		return KERN_ALREADY_IN_SET;
	knote = m_alloc(call->model, sizeof *knote);
	*knote = (struct m_knote){
		.bell = bell, .port = entry->port, .set = entry->set, .name = entry->name};
	TAILQ_INSERT_TAIL(&bell->knotes, knote, of_bell);
	TAILQ_INSERT_TAIL(knotes_of(entry), knote, of_object);
	set_ready(knote, entry->set ? !TAILQ_EMPTY(&entry->set->ready) : entry->port->queued > 0);
	return KERN_SUCCESS;
}

uint32_t call_bell_remove(struct call *call)
{
	struct m_bell *bell;
	struct m_entry *entry;
	struct m_knote *knote;
	uint32_t code = find(call, &bell, &entry);

	if (code != KERN_SUCCESS)
		return code;
	knote = find_knote(bell, entry);
	if (!knote)
		return KERN_NOT_IN_SET;
	knote_end(knote);
	return KERN_SUCCESS;
}

/* What the first one has to tell; then it is the last, or no more. */
static void tell(struct call *call, struct m_bell *bell, struct m_answer *answer, uint32_t at)
{
	struct m_knote *knote = TAILQ_FIRST(&bell->ready);

	m_answer_word(answer, OUT(at), knote->name);
	m_answer_word(answer, OUT(at + 2), knote->gone);
	if (knote->gone) {
		knote_end(knote);
		return;
	}
	m_answer_name(answer, OUT(at + 1),
		      (knote->set ? TAILQ_FIRST(&knote->set->ready)->port : knote->port)->holder);
	if (call->model->mutation == MODEL_EVENTS_OUT_OF_TURN)
		return;
	set_ready(knote, false);
	set_ready(knote, true);
}

uint32_t call_bell_next(struct call *call)
{
	struct m_bell *bell = find_bell(call);
	struct m_answer *answer;
	struct m_knote *knote;
	uint32_t count = 0;

	if (!bell)
		return KERN_INVALID_ARGUMENT;
	TAILQ_FOREACH (knote, &bell->ready, in_ready)
		count += count < call->args[2];
	answer = call_give(call, count * EVENT_WORDS);
	for (uint32_t i = 0; i < count; i++)
		tell(call, bell, answer, i * EVENT_WORDS);
	return M_ANSWERED;
}
