/* SPDX-License-Identifier: Apache-2.0 */
/* The budgets, and the round-robin queue of jobs. */
#include "daemon/io/pace.h"

#include <assert.h>
#include <mach/clock_types.h>

#include "protocol/limits.h"

#define GAP   (MACHD_PACE_GAP_US * NSEC_PER_USEC)
#define EVERY (MACHD_PACE_EVERY_US * NSEC_PER_USEC)
#define TURN  (MACHD_PACE_TURN_US * NSEC_PER_USEC)
#define TASK  (MACHD_PACE_TASK_US * NSEC_PER_USEC)
#define USER  (MACHD_PACE_USER_US * NSEC_PER_USEC)
#define SHORT (MACHD_PACE_SHORT_US * NSEC_PER_USEC)

/* A budget refills at this fraction of real time. */
#define FILL_PART 4

/* Gone payers that are checked at each connection: more than one, so that their number shrinks. */
#define GONE_AT_ONCE 2

/* Times are read at different places: `then` may be a little later than `now`. */
static uint64_t since(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}

/* Purses. */

static void purse_init(struct pace_purse *purse, uint64_t room, uint64_t now)
{
	*purse = (struct pace_purse){.left = room, .filled = now};
}

static void purse_fill(struct pace_purse *purse, uint64_t room, uint64_t now)
{
	uint64_t more = since(purse->filled, now) / FILL_PART;

	purse->left = more < room - purse->left ? purse->left + more : room;
	if (purse->left >= room / 2)
		purse->empty = false;
	if (now > purse->filled)
		purse->filled = now;
}

static void empty(struct pace_purse *purse)
{
	purse->left = 0;
	purse->empty = true;
}

static void purse_take(struct pace_purse *purse, uint64_t spent)
{
	if (spent < purse->left)
		purse->left -= spent;
	else
		empty(purse);
}

/* A payer with waiting jobs gets no refill. */
static void payer_fill(struct pace_payer *payer, uint64_t now)
{
	if (list_empty(&payer->jobs))
		purse_fill(&payer->purse, TASK, now);
	purse_fill(&payer->user->purse, USER, now);
}

/* Users and tasks. */

static void payer_init(struct pace_payer *payer, struct pace_user *user, int32_t pid, uint64_t now)
{
	payer->pid = pid;
	payer->user = user;
	purse_init(&payer->purse, TASK, now);
	list_init(&payer->jobs);
	list_init(&payer->waiting);
}

static void user_init(struct pace_user *user, uint32_t uid, uint64_t now)
{
	user->uid = uid;
	purse_init(&user->purse, USER, now);
	list_init(&user->payers);
	list_init(&user->waiting);
}

void pace_init(struct pace *pace)
{
	*pace = (struct pace){.known = NULL};
	list_init(&pace->users);
	list_init(&pace->gone);
	user_init(&pace->nobody, 0, 0);
	payer_init(&pace->common, &pace->nobody, 0, 0);
	payer_init(&pace->upkeep, &pace->nobody, 0, 0);
	pace->looked = GAP; /* nobody has called */
}

static struct pace_user *find_user(struct pace *pace, uint32_t uid, uint64_t now)
{
	struct pace_user *user;

	HASH_FIND(hh, pace->known, &uid, sizeof uid, user);
	if (user)
		return user;
	user = mem_alloc(sizeof *user);
	if (!user)
		return NULL;
	user_init(user, uid, now);
	HASH_ADD(hh, pace->known, uid, sizeof user->uid, user);
	if (user->hh.tbl)
		return user;
	mem_free(user);
	return NULL;
}

/* A user stays as long as it has tasks. */
static void forget_user(struct pace *pace, struct pace_user *user)
{
	if (user->known)
		return;
	assert(pace->known);
	HASH_DEL(pace->known, user);
	mem_free(user);
}

static void forget(struct pace *pace, struct pace_payer *payer)
{
	struct pace_user *user = payer->user;

	HASH_DEL(user->known, payer);
	list_remove(&payer->waiting);
	mem_free(payer);
	forget_user(pace, user);
}

static struct pace_payer *find_payer(struct pace_user *user, int32_t pid, uint64_t now)
{
	struct pace_payer *payer;

	HASH_FIND(hh, user->known, &pid, sizeof pid, payer);
	if (payer)
		return payer;
	payer = mem_alloc(sizeof *payer);
	if (!payer)
		return NULL;
	payer_init(payer, user, pid, now);
	HASH_ADD(hh, user->known, pid, sizeof payer->pid, payer);
	if (payer->hh.tbl)
		return payer;
	mem_free(payer);
	return NULL;
}

/* Forget payers that have been gone long enough for a full budget. */
static void forget_gone(struct pace *pace, uint64_t now)
{
	struct pace_payer *payer;
	unsigned most = GONE_AT_ONCE;

	while (most-- && (payer = list_first(&pace->gone, struct pace_payer, waiting)) &&
	       since(payer->purse.filled, now) >= FILL_PART * TASK)
		forget(pace, payer);
}

struct pace_payer *pace_join(struct pace *pace, uint32_t uid, int32_t pid, uint64_t now)
{
	struct pace_user *user;
	struct pace_payer *payer = NULL;

	forget_gone(pace, now);
	user = find_user(pace, uid, now);
	if (user)
		payer = find_payer(user, pid, now);
	if (user && !payer)
		forget_user(pace, user);
	if (!payer)
		return &pace->common;
	if (payer->refs++ == 0)
		list_remove(&payer->waiting);
	return payer;
}

void pace_leave(struct pace *pace, struct pace_payer *payer, uint64_t now)
{
	if (payer == &pace->common || --payer->refs > 0)
		return;
	payer_fill(payer, now);
	list_append(&pace->gone, &payer->waiting);
}

void pace_free(struct pace *pace)
{
	struct pace_payer *payer;

	while ((payer = list_first(&pace->gone, struct pace_payer, waiting)))
		forget(pace, payer);
}

/* Admission and charging. */

/* No call for a while. Time in which no rings were looked at does not count. */
static bool in_nobodys_way(const struct pace *pace)
{
	return since(pace->called, pace->looked) >= GAP;
}

bool pace_calm(const struct pace *pace)
{
	return pace_turn(pace) || in_nobodys_way(pace);
}

bool pace_admits(struct pace *pace, struct pace_payer *payer, uint64_t now)
{
	if (pace_calm(pace))
		return true;
	payer_fill(payer, now);
	return pace_rich(payer) && list_empty(&payer->jobs);
}

/* Charge `spent` if nobody was delayed, else `price`. */
static void spend(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t price,
		  uint64_t now)
{
	payer_fill(payer, now);
	if (pace_calm(pace)) {
		purse_take(&payer->purse, spent);
	} else {
		purse_take(&payer->purse, price);
		purse_take(&payer->user->purse, price);
	}
	if (pace->left > spent)
		pace->left -= spent;
	else if (pace_turn(pace))
		pace_end_turn(pace, now);
}

void pace_spent(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now)
{
	spend(pace, payer, spent, spent, now);
}

/* At most a full budget: the daemon itself may have been off the CPU for part of the time. */
void pace_held(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now)
{
	uint64_t held = spent < TASK ? spent : TASK;
	uint64_t price = held > SHORT ? held * held / SHORT : held;

	spend(pace, payer, spent, price < TASK ? price : TASK, now);
}

void pace_accepted(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now)
{
	if (payer == &pace->common)
		return;
	payer_fill(payer, now);
	purse_take(&payer->purse, spent);
	if (!pace_admits(pace, payer, now))
		empty(&pace->common.purse);
}

/* The queue. */

void pace_wait(struct pace *pace, struct pace_job *job, uint64_t now)
{
	struct pace_payer *payer = job->payer;

	if (pace_job_waits(job))
		return;
	payer_fill(payer, now);
	list_append(&payer->jobs, &job->link);
	if (list_empty(&payer->waiting))
		list_append(&payer->user->payers, &payer->waiting);
	if (list_empty(&payer->user->waiting))
		list_append(&pace->users, &payer->user->waiting);
}

/* Move to the end of the list, or off it. */
static void go_behind(struct list *list, struct list *node, bool stays)
{
	list_remove(node);
	if (stays)
		list_append(list, node);
}

void pace_drop(struct pace *pace, struct pace_job *job, uint64_t now)
{
	struct pace_payer *payer = job->payer;
	struct pace_user *user = payer->user;

	if (!pace_job_waits(job))
		return;
	list_remove(&job->link);
	payer->purse.filled = now; /* no refill for the time that it waited */
	go_behind(&user->payers, &payer->waiting, !list_empty(&payer->jobs));
	go_behind(&pace->users, &user->waiting, !list_empty(&user->payers));
}

void pace_end_turn(struct pace *pace, uint64_t now)
{
	pace->left = 0;
	pace->ended = now;
}

struct pace_job *pace_next(struct pace *pace, uint64_t now)
{
	struct pace_user *user = list_first(&pace->users, struct pace_user, waiting);
	struct pace_payer *payer;
	struct pace_job *job;

	if (!user)
		return NULL;
	if (!pace_calm(pace)) {
		if (since(pace->ended, now) < EVERY)
			return NULL;
		pace->left = TURN;
	}
	payer = list_first(&user->payers, struct pace_payer, waiting);
	job = list_first(&payer->jobs, struct pace_job, link);
	pace_drop(pace, job, now);
	return job;
}
