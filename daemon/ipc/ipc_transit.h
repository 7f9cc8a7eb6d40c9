/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which receive rights are in transit inside which: ports whose receive rights are in messages form
 * trees, each below the port whose queue holds it. Before a receive right is put into a message the
 * daemon must know whether the message's destination is below it, which would be a circle [8.9].
 *
 * Walking up the chain of destinations takes time that a client can choose. So a tree is kept as
 * its Euler tour: a sequence with "(" and ")" for each port around the ports below it, stored in a
 * treap. Linking two trees, cutting one, asking whether two ports are in the same tree, and summing
 * a count over a port and all below it (boosts, see ipc_importance.h) are logarithmic in the size
 * of the tree. The nodes are embedded in the ports, so none of this can fail.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

struct ipc_transit_node {
	struct ipc_transit_node *tn_up, *tn_left, *tn_right;
	uint32_t tn_weight; /* heap order: larger than those of its children; 0: not in use yet */
	uint32_t tn_sum;    /* the sum of the counts in its part of the treap */
};

/* A port's "(" and ")" in the sequence. */
struct ipc_transit {
	struct ipc_transit_node t_open, t_close;
};

/* Are both in the same tree? */
bool ipc_transit_together(const struct ipc_transit *a, const struct ipc_transit *b);

/* Link: the tree whose root is `transit` goes below `dest`, which is in another tree. */
void ipc_transit_put(struct ipc_host *host, struct ipc_transit *transit, struct ipc_transit *dest);

/* Change the port's own count. */
void ipc_transit_count(struct ipc_transit *transit, int32_t delta);

/* The sum of the counts of the port and all below it. */
uint32_t ipc_transit_sum(const struct ipc_transit *transit);

/* The root of the tree that the port is in. */
struct ipc_transit *ipc_transit_root(struct ipc_transit *transit);

/* Cut `transit`, with all below it, from the port above it: it is the root of a tree again. */
void ipc_transit_take(struct ipc_transit *transit);
