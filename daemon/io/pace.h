/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pace: what may be done for whom while others wait for their answers.
 *
 * Who calls and waits, through a ring, is served each time the rings are looked at, and costs a
 * microsecond. All else the daemon does for its clients costs more, or comes in any quantity:
 * taking connections, greeting, closing, requests that come by sockets, and the streams of those
 * who send and receive without asking for each message. If that came whenever it liked, nobody's
 * call would take as long as when he is alone. So it has a pace. It is done at once
 *
 *   - when no such call came for a moment (MACHD_PACE_GAP_US) in which rings were looked at: nobody
 *     is in its way; and
 *   - for a task that has not had much of late. Each has some of the daemon's time in hand
 *     (MACHD_PACE_TASK_US, and its user MACHD_PACE_USER_US); it spends that, and gets it back, at a
 *     quarter of the time, as long as nothing of its waits here. What takes long costs more than it
 *     takes: twice as long, it makes twice as many wait, each of them twice as long
 *     (MACHD_PACE_SHORT_US).
 *
 * Else it waits for a turn (MACHD_PACE_TURN_US) that comes every so often (MACHD_PACE_EVERY_US).
 * Then users have a job done by turns, and within each of them its tasks, whatever number of
 * connections each has. So everybody's turn comes: after as many jobs as there are tasks at work at
 * most for the first job of a task that has none waiting.
 *
 * That few turns come, and do much, is on purpose: a call is late if it meets one, and of those
 * there shall be less than one in a hundred.
 *
 * Nothing here reads a clock: all times are given, in ns of one clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/hash.h"
#include "daemon/base/list.h"

/* Time in hand. */
struct pace_purse {
	uint64_t left;	 /* ns */
	uint64_t filled; /* when something was last put into it */
	bool empty;	 /* it was, and is not half full again */
};

/* A task, as far as io knows: a process of a user. */
struct pace_payer {
	int32_t pid;
	unsigned refs; /* connections */
	struct pace_user *user;
	struct pace_purse purse;
	struct list jobs;    /* that wait, by job->link */
	struct list waiting; /* in user->payers while there are such; else in pace->gone if it is */
	UT_hash_handle hh;   /* in user->known */
};

struct pace_user {
	uint32_t uid;
	struct pace_purse purse;
	struct pace_payer *known; /* all, by pid */
	struct list payers;	  /* with jobs that wait */
	struct list waiting;	  /* in pace->users while there are such */
	UT_hash_handle hh;	  /* in pace->known */
};

/* What is to be done for a payer; belongs to whoever will do it. */
struct pace_job {
	struct list link;
	struct pace_payer *payer;
	void (*run)(struct pace_job *job);
};

struct pace {
	struct pace_user *known; /* by uid */
	struct list users;	 /* with jobs that wait */
	struct list gone; /* payers without connections, until they have all their time again */
	struct pace_user nobody; /* what no user has asked for, or there was no memory for */
	struct pace_payer common;
	struct pace_payer upkeep; /* the machine's own work, such as to free what a task had */
	uint64_t called;	  /* when somebody came last who waits for an answer */
	uint64_t looked;	  /* up to when it is known that nobody else did */
	uint64_t ended;		  /* when the last turn was over */
	uint64_t left;		  /* of the turn that is on; 0: none is */
};

void pace_init(struct pace *pace);
void pace_free(struct pace *pace);

/*
 * One more connection of a process, and one less. Without memory it is one of all those there was
 * none for, which share.
 */
struct pace_payer *pace_join(struct pace *pace, uint32_t uid, int32_t pid, uint64_t now);
void pace_leave(struct pace *pace, struct pace_payer *payer, uint64_t now);

/* Somebody called who waits for his answer. */
static inline void pace_called(struct pace *pace, uint64_t now)
{
	pace->called = pace->looked = now;
}

/* Rings are looked at: who called up to now will have said so when something else is asked here. */
static inline void pace_looked(struct pace *pace, uint64_t now)
{
	pace->looked = now;
}

/* It has time in hand, and nothing of it need wait. */
static inline bool pace_rich(const struct pace_payer *payer)
{
	return !payer->purse.empty && !payer->user->purse.empty;
}

/* May something be done for this payer now? */
bool pace_admits(struct pace *pace, struct pace_payer *payer, uint64_t now);

/*
 * Something was done for it that took as long, until now: in small pieces, between which others
 * were heard, or in one.
 */
void pace_spent(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now);
void pace_held(struct pace *pace, struct pace_payer *payer, uint64_t spent, uint64_t now);

/* Have a job wait; it may wait already. And no more. */
void pace_wait(struct pace *pace, struct pace_job *job, uint64_t now);
void pace_drop(struct pace *pace, struct pace_job *job, uint64_t now);

/* The job whose turn it is: it waits no more. NULL: there is none, or it is nobody's turn. */
struct pace_job *pace_next(struct pace *pace, uint64_t now);

/* A turn is on: what comes now may be done now. There is nothing more to be done in it. */
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
