/* SPDX-License-Identifier: Apache-2.0 */
/* Bells in a lab: made, hung on ports, listened to. */
#pragma once

#include "tests/lab/lab.h"

struct lab_bell {
	uint64_t id;
	ipc_fd_t ring, quiet;
};

/* What a bell tells. */
struct lab_event {
	mach_port_name_t name, member;
	uint32_t gone;
};

/* Ask for a bell, with descriptors that are what a bell needs, or in the given states. */
kern_return_t lab_bell(struct lab_thread *thread, struct lab_bell *bell);
kern_return_t lab_bell_with(struct lab_thread *thread, uint64_t state, uint64_t other,
			    struct lab_bell *bell);

kern_return_t lab_bell_add(struct lab_thread *thread, const struct lab_bell *bell,
			   mach_port_name_t name);
kern_return_t lab_bell_remove(struct lab_thread *thread, const struct lab_bell *bell,
			      mach_port_name_t name);
kern_return_t lab_bell_close(struct lab_thread *thread, const struct lab_bell *bell);

/* What it has to tell, up to `max`; *count is how much that is. */
kern_return_t lab_bell_next(struct lab_thread *thread, const struct lab_bell *bell,
			    struct lab_event *events, uint32_t max, unsigned *count);

/* Does it ring? */
bool lab_rings(const struct lab_thread *thread, const struct lab_bell *bell);
