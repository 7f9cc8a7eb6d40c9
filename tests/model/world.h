/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine and the model side by side. Each operation is fed to the machine first; then the model
 * says which answers are due, and all that came is compared with them.
 */
#pragma once

#include "tests/lab/lab.h"
#include "tests/model/model.h"
#include "tests/model/op.h"

enum { WORLD_ACTORS = 64 };

/* A thread in both worlds. */
struct actor {
	struct lab_thread *lab;
	struct m_thread *model;
	uint32_t origin; /* the operation that made it */
	struct {	 /* the messages lent to it last, and the receive that they came with */
		uint8_t *bytes;
		size_t size, at;
		uint32_t count, taken;
		mach_port_name_t name;
		uint64_t option;
		struct op_name op_name;
	} loan;
};

struct world_options {
	uint64_t seed; /* of the machine */
	struct m_limits limits;
	bool policy; /* some users are under one */
	bool strict; /* replies are enforced */
	enum model_mutation mutation;
	const char *record; /* write a record there, or NULL */
	uint32_t slice;	    /* steps of work in one input of the machine, 0: as many as it does */
	FILE *trace;	    /* a line for every operation, or NULL */
	uint32_t ops_max;   /* the highest number of an operation */
};

struct world {
	struct world_options options;
	struct lab *lab;
	struct model model;
	struct actor actors[WORLD_ACTORS];
	unsigned actor_count;
	const struct op *op;
	mach_port_name_t (*names)[OP_NAMES]; /* by operation */
	unsigned named;			     /* names that the current operation brought */
	bool looking;			     /* answers are to calls of the test itself */
	unsigned long compared;		     /* answers */
	unsigned long unanswered, borrowed;  /* messages sent so, and received so */
	bool failed;
	char text[1024]; /* what is wrong */
};

void world_start(struct world *world, const struct world_options *options);

/* Ends everything; the lab checks that nothing is left. */
void world_stop(struct world *world);

/*
 * Do one operation; one that makes no sense now is skipped. False if machine and model differ.
 */
bool world_do(struct world *world, const struct op *op);

/* The thread that an operation made, or NULL. */
struct actor *world_actor(struct world *world, uint32_t origin);

/* A thread of this task that can make a request, or NULL. */
struct actor *world_idle(struct world *world, const struct m_task *task);

/* There are messages lent to the thread that it has not taken, and the machine not taken back. */
bool world_loan(const struct actor *actor);

/* The name that it may reply to with the next of them, and not be answered; or NULL. */
mach_port_name_t world_promised_reply(const struct actor *actor);

/* The value of a name in this world. */
mach_port_name_t world_name(const struct world *world, const struct op_name *name);
