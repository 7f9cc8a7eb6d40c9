/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the model test as data. A name is given by its origin (the third name returned by
 * operation 17), not by its value, so a list of operations stays valid when the shrinker removes
 * some of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { OP_ARGS = 20, OP_DESCRIPTORS = 8, OP_ARRAY = 12, OP_NAMES = 32 };

/* Name `origin % OP_NAMES` of those that operation `origin / OP_NAMES` returned; 0: the literal. */
struct op_name {
	uint32_t origin;
	uint32_t literal;
};

enum op_kind {
	OP_TASK = 1, /* a process connects */
	OP_THREAD,   /* a thread joins the task of thread `who` */
	OP_LEAVE,    /* the connection of `who` breaks */
	OP_CALL,
	OP_MESSAGE,
	OP_FILE,  /* a right is made of a descriptor, or asked for one */
	OP_BOARD, /* from now on the thread sends and receives ahead, if it can */
	OP_BELL,  /* a bell is made */
	OP_CANCEL,
	OP_CLOCK,   /* `timeout` ms pass */
	OP_COMPARE, /* everything that can be seen is compared */
};

enum op_check {
	OP_CHECK_NONE,
	OP_CHECK_USED, /* the names that it used */
	OP_CHECK_ALL,
};

/* A descriptor; what a field means depends on its type. */
struct op_descriptor {
	struct op_name name;
	uint8_t disposition, type;
	uint8_t flags;	   /* of a guarded port */
	uint8_t copy;	   /* of memory */
	uint8_t gives;	   /* the sender gives it away */
	uint8_t source;	   /* enum machd_memory_source */
	uint8_t first;	   /* an array's names: so many from here on in op->array, */
	uint8_t different; /* then the same again */
	uint32_t count;	   /* of an array's names, or bytes of memory */
	uint32_t context;  /* a guard, or where memory begins */
};

enum op_fault {
	OP_FAULT_NONE,
	OP_FAULT_UNGATHERED, /* nobody looked at the memory of the message */
	OP_FAULT_SHORT,	     /* its bytes are fewer than it says */
	OP_FAULT_UNSEALED,   /* or in a memfd that can change */
};

/* What a descriptor that a right is made of is. */
enum op_file {
	OP_FILE_FIXED, /* a memfd that cannot change its size */
	OP_FILE_SEALED,
	OP_FILE_PLAIN,
	OP_FILE_CONNECTION, /* to the machine itself */
	OP_FILE_NO_ROOM,    /* which cannot have another */
};

struct op {
	uint32_t number;
	uint8_t kind;
	uint8_t check; /* what to look at when it is done: enum op_check */
	uint8_t count; /* OP_TASK: what kind of a task, by chance; OP_BOARD, OP_BELL: 0: no room */
	uint32_t who;  /* the operation that made the thread */

	/* OP_CALL */
	uint32_t routine;
	struct op_name target, arg[OP_ARGS]; /* the words of the arguments, names or not */
	uint8_t words, service;

	/* OP_FILE: of what is in `target`, or made of a descriptor */
	struct {
		uint8_t makes, memory, state; /* enum op_file */
		uint32_t size, offset, part, protection;
	} file;

	/* OP_MESSAGE */
	uint64_t option;
	uint32_t bits, size, id;
	struct op_name dest, reply, voucher, receive;
	uint32_t aux_size, receive_aux_size;
	uint32_t receive_size, timeout, priority, thread_priority;
	uint32_t tail;	/* bytes of the body that go in a descriptor, if there are as many */
	uint8_t filler; /* descriptors with a null name, in front of the others */
	uint8_t fault;	/* enum op_fault */
	uint8_t descriptors;
	uint32_t announced; /* how many descriptors the message says it has */
	struct op_descriptor descriptor[OP_DESCRIPTORS];
	uint8_t array_count;
	struct op_name array[OP_ARRAY];
};

/* The bytes of a message up to the end of its descriptors. */
uint32_t op_least_size(const struct op *op, unsigned word);

/* One line for an operation, without its end. */
void op_print(FILE *file, const struct op *op);

/* A call about a service. */
bool op_has_service(const struct op *op);

/* The name of a routine's number. */
const char *op_routine(uint32_t routine);
