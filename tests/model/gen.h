/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations, chosen with an eye on the model so that most of them make sense, and all of
 * the wrong ones come too.
 */
#pragma once

#include "tests/model/world.h"

struct gen {
	struct world *world;
	uint64_t random;
	uint32_t number;       /* of the last operation */
	struct m_task *doomed; /* its threads leave, one after the other */
	struct {	       /* plain messages to one name, one after the other */
		uint32_t who, left;
		struct op_name dest;
	} burst;
};

void gen_start(struct gen *gen, struct world *world, uint64_t seed);

/* The next operation. */
void gen_next(struct gen *gen, struct op *op);

/* --- for the files of the generator --- */

uint32_t gen_below(struct gen *gen, uint32_t bound);
bool gen_percent(struct gen *gen, uint32_t percent);

/* A number from a table of pairs {weight, value}; the weights end with 0. */
uint32_t gen_weighted(struct gen *gen, const uint32_t (*table)[2]);

/* A name for a task to use, mostly one with one of these rights. */
struct op_name gen_name(struct gen *gen, const struct m_task *task, uint32_t types);

/*
 * A disposition out of a weighted table and a name for it, mostly one that has the right that it
 * needs.
 */
struct op_name gen_right(struct gen *gen, const struct m_task *task, const uint32_t (*table)[2],
			 uint32_t *disposition);

/* Types of names that mostly have what this disposition needs. */
uint32_t gen_type_for(uint32_t disposition);

/* A voucher that the task has; if it has none, and now and then, null or any name. */
struct op_name gen_voucher(struct gen *gen, const struct m_task *task);

/* The next argument of a call: a word, or a name with one of these rights. */
void gen_word(struct op *op, uint32_t value);
void gen_arg(struct gen *gen, const struct m_task *task, struct op *op, uint32_t types);

/* The arguments of a routine that is about an object; false: it is another one. */
bool gen_object(struct gen *gen, const struct m_task *caller, const struct m_task *task,
		struct op *op);

/* A thread that the task has a right to, or any name. */
struct op_name gen_thread(struct gen *gen, const struct m_task *task);

/* The same of a bootstrap port. */
struct op_name gen_boot(struct gen *gen, const struct m_task *task);

/* The same of one about vouchers. */
bool gen_voucher_call(struct gen *gen, const struct m_task *caller, const struct m_task *task,
		      struct op *op);

/* A thread's priority, and words as mach_msg_priority_encode() makes them or pthreads have. */
uint32_t gen_priority(struct gen *gen);

/*
 * What a thread with a board does often: plain sends and receives, of which some can be done
 * without the machine. False: something else.
 */
bool gen_ahead(struct gen *gen, const struct actor *actor, struct op *op);

/* A bell, or a routine about one; false: something else. */
bool gen_bell(struct gen *gen, const struct actor *actor, struct op *op);

/* A port or set, mostly one that has messages. */
struct op_name gen_receive_name(struct gen *gen, const struct m_task *task);

void gen_file(struct gen *gen, const struct m_task *task, struct op *op);
void gen_call(struct gen *gen, const struct m_task *caller, struct op *op);
void gen_message(struct gen *gen, const struct m_task *task, struct op *op);
