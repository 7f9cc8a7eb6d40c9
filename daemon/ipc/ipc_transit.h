/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which receive rights are inside which: ports on their way in messages form trees, a port under
 * the one whose queue holds it. Before a receive right is put into a message the daemon has to know
 * whether the message's destination is somewhere below it, for that would be a circle [8.9].
 *
 * To walk up would take as many steps as there are ports in the chain, and a client chooses those.
 * Here a tree is written down as a sequence, "(" and ")" of each port around those below it, and
 * the sequence is kept in a treap: putting a tree into another, taking one out, asking whether two
 * ports are in the same one, and adding up what a port and those below it have (boosts, see
 * ipc_importance.h) take a number of steps that grows with the logarithm of their size. The nodes
 * are part of the ports, so none of this can fail.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

struct ipc_transit_node {
	struct ipc_transit_node *tn_up, *tn_left, *tn_right;
	uint32_t tn_weight; /* larger than those below it; 0: not in use yet */
	uint32_t tn_sum;    /* of what it and those below it in the treap have */
};

/* A port's two ends of its part of the sequence. */
struct ipc_transit {
	struct ipc_transit_node t_open, t_close;
};

/* Are both in the same tree? */
bool ipc_transit_together(const struct ipc_transit *a, const struct ipc_transit *b);

/* The tree whose top is `transit` goes below `dest`, which is in another one. */
void ipc_transit_put(struct ipc_host *host, struct ipc_transit *transit, struct ipc_transit *dest);

/* The port has more, or less. */
void ipc_transit_count(struct ipc_transit *transit, int32_t delta);

/* What the port and all below it have. */
uint32_t ipc_transit_sum(const struct ipc_transit *transit);

/* The top of the tree that the port is in. */
struct ipc_transit *ipc_transit_root(struct ipc_transit *transit);

/* Take `transit`, with all below it, out from under another port: it is the top of a tree again. */
void ipc_transit_take(struct ipc_transit *transit);
