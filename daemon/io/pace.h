/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pace: keeps calls fast beside all other work.
 *
 * A call through a ring, whose sender waits for the answer, is served each time the rings are
 * looked at, and takes about a microsecond. The other work that clients cause takes longer or comes
 * in any quantity: accepting and closing connections, hello, requests through sockets, and streams
 * of messages that are sent and received without a request for each. That work is paced. It is done
 * at once
 *
 *   - if there was no call through a ring for MACHD_PACE_GAP_US (of time in which rings were looked
 *     at): then it delays nobody; or
 *   - if its task and its user have budget left. A budget is a token bucket of the daemon's time,
 *     of MACHD_PACE_TASK_US for a task and MACHD_PACE_USER_US for a user. It refills at a quarter
 *     of real time; a task's does not while the task has jobs waiting. A job longer than
 *     MACHD_PACE_SHORT_US is charged by the square of its time, because a job twice as long makes
 *     twice as many callers wait, each of them twice as long. Budget does not count for the end of
 *     a connection, which nobody waits for (event.c).
 *
 * Otherwise it becomes a job and waits for a turn of up to MACHD_PACE_TURN_US, every
 * MACHD_PACE_EVERY_US. In a turn jobs are taken round robin by user and then by task, however many
 * connections each has. So the first job of a task waits for at most as many others as there are
 * tasks with jobs.
 *
 * Turns are rare and long on purpose: a call that meets one is late, and less than one call in a
 * hundred may be.
 *
 * Nothing here reads a clock: all times are arguments, in ns of one clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/hash.h"
#include "daemon/base/list.h"

/* A budget: a token bucket of the daemon's time. */
struct pace_purse {
	uint64_t left;	 /* ns */
	uint64_t filled; /* when it was last refilled */
	bool empty;	 /* it ran empty, and is not half full again */
};

/* Who is charged: a process of a user, which is what io knows of a task. */
struct pace_payer {
	int32_t pid;
	unsigned refs; /* connections */
	struct pace_user *user;
	struct pace_purse purse;
	struct list jobs; /* waiting ones, by job->link */
	/* In user->payers while it has jobs, in pace->gone without connections. */
	struct list waiting;
	UT_hash_handle hh; /* in user->known */
};

struct pace_user {
	uint32_t uid;
	struct pace_purse purse;
	struct pace_payer *known; /* all, by pid */
	struct list payers;	  /* those with waiting jobs */
	struct list waiting;	  /* in pace->users while there are such */
	UT_hash_handle hh;	  /* in pace->known */
};

/* Paced work for a payer. Embedded in the object that the work is for. */
struct pace_job {
	struct list link;
	struct pace_payer *payer;
	void (*run)(struct pace_job *job);
};

struct pace {
	struct pace_user *known;  /* by uid */
	struct list users;	  /* those with waiting jobs */
	struct list gone;	  /* payers without connections, until their budgets are full */
	struct pace_user nobody;  /* the user of the two payers below */
	struct pace_payer common; /* of new connections, and those without memory for a payer */
	struct pace_payer upkeep; /* of the state machine's own work, such as clearing up */
	uint64_t called;	  /* when the last call through a ring came */
	uint64_t looked;	  /* when rings were last looked at */
	uint64_t ended;		  /* when the last turn ended */
	uint64_t left;		  /* ns of the current turn; 0: there is none */
};

void pace_init(struct pace *pace);
void pace_free(struct pace *pace);

/*
 * One more connection of a process, and one less. Without memory the connection gets the payer that
 * all such connections share.
 */
struct pace_payer *pace_join(struct pace *pace, uint32_t uid, int32_t pid, uint64_t now);
void pace_leave(struct pace *pace, struct pace_payer *payer, uint64_t now);

/* A call came through a ring. */
static inline void pace_called(struct pace *pace, uint64_t now)
{
	pace->called = pace->looked = now;
}

/* Rings are looked at now: calls made before `now` are reported before pace is asked again. */
static inline void pace_looked(struct pace *pace, uint64_t now)
{
	pace->looked = now;
}

/* The payer and its user have budget left. */
static inline bool pace_rich(const struct pace_payer *payer)
{
	return !payer->purse.empty && !payer->user->purse.empty;
}

/* What is done now delays no call that need not be delayed: a turn is on, or nobody calls. */
bool pace_calm(const struct pace *pace);

/* May work for this payer be done now? */
bool pace_admits(struct pace *pace, struct pace_payer *payer, uint64_t now);

/*
 * Charge for work that took `spent` ns: pace_spent() if it was in small pieces between which rings
 * were looked at, pace_held() if it was in one piece.
 */
void pace_spent(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now);
void pace_held(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now);

/*
 * A connection of this payer was accepted, which took `spent` until now. The common payer has been
 * charged for that, because it is not known before whose connection it is; so is this one. If it
 * has no budget left, the common payer has none either, and the next connections wait for a turn.
 */
void pace_accepted(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now);

/* Let a job wait for a turn (it may wait already), or wait no more. */
void pace_wait(struct pace *pace, struct pace_job *job, uint64_t now);
void pace_drop(struct pace *pace, struct pace_job *job, uint64_t now);

/* Take the next job to do. NULL: none waits, or there is no turn now. */
struct pace_job *pace_next(struct pace *pace, uint64_t now);

/* A turn is on: new work may be done in it too. It ends when there is no more to do. */
static inline bool pace_turn(const struct pace *pace)
{
	return pace->left > 0;
}
void pace_end_turn(struct pace *pace, uint64_t now);

static inline void pace_job_init(struct pace_job *job, struct pace_payer *payer,
				 void (*run)(struct pace_job *job))
{
	list_init(&job->link);
	job->payer = payer;
	job->run = run;
}

static inline bool pace_job_waits(const struct pace_job *job)
{
	return !list_empty(&job->link);
}

static inline bool pace_waits(const struct pace *pace)
{
	return !list_empty(&pace->users);
}
