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

/* The mach_msg of the current operation (compose.c). */
void world_message(struct world *world, struct actor *actor);

/* A routine called and compared. */
void world_call(struct world *world, struct actor *actor, uint32_t routine, mach_port_name_t target,
		const uint32_t *args, unsigned words);

/* Look at names, at all names, through more calls (look.c). */
void world_look(struct world *world, struct m_task *task, mach_port_name_t name);
void world_look_at_used(struct world *world, struct m_task *task);
void world_look_at_all(struct world *world);
