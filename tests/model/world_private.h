/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the model test's world. */
#pragma once

#include "tests/model/world.h"

/* Machine and model differ; the first time counts. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What came against what is due, for all threads (compare.c). */
void world_compare(struct world *world);

/* A request, which the machine has to take. */
void world_request(struct world *world, struct actor *actor, const struct lab_frame *frame);

/*
 * A mach_msg as a thread with a board makes it (ahead.c). `flags` are those of its request. False:
 * the machine is not asked, what it would say is known; ahead_finish() does the rest.
 */
bool ahead_begin(struct world *world, struct actor *actor, const struct machd_message_args *args,
		 const uint8_t *message, uint32_t *flags);

/* The model has had its turn. */
void ahead_finish(struct world *world, struct actor *actor, uint32_t flags);

/* The machine's answer has lent messages: its second packet. */
void ahead_lend(struct world *world, struct actor *actor, uint32_t count);
void ahead_forget(struct actor *actor);

/* OP_BOARD. */
void ahead_board(struct world *world, struct actor *actor);

/* An answer that came from elsewhere than the machine, against what is due (compare.c). */
void world_compare_one(struct world *world, struct actor *actor, const uint8_t *bytes, size_t size);

/* The machine has had its turn (world.c). */
void world_machine_done(struct world *world);

/* The mach_msg of the current operation (compose.c). */
void world_message(struct world *world, struct actor *actor);

/* A routine called and compared. */
void world_call(struct world *world, struct actor *actor, uint32_t routine, mach_port_name_t target,
		const uint32_t *args, unsigned words);

/* Look at names, at all names, through more calls (look.c). */
void world_look(struct world *world, struct m_task *task, mach_port_name_t name);
void world_look_at_used(struct world *world, struct m_task *task);
void world_look_at_all(struct world *world);
