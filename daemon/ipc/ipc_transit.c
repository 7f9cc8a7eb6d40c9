/* SPDX-License-Identifier: Apache-2.0 */
/* Euler tours of the trees of ports in transit, kept in treaps with parent pointers. */
#include "daemon/ipc/ipc_transit.h"

#include "daemon/ipc/ipc_host.h"

typedef struct ipc_transit_node node_t;

static uint32_t sum(const node_t *node)
{
	return node ? node->tn_sum : 0;
}

static const node_t *top(const node_t *node)
{
	while (node->tn_up)
		node = node->tn_up;
	return node;
}

bool ipc_transit_together(const struct ipc_transit *a, const struct ipc_transit *b)
{
	return a == b || top(&a->t_open) == top(&b->t_open);
}

/* Two sequences become one. */
static node_t *join(node_t *a, node_t *b)
{
	node_t *first = NULL, *up = NULL, **hole = &first;

	while (a && b) {
		node_t *heavy = a->tn_weight > b->tn_weight ? a : b;

		*hole = heavy;
		heavy->tn_up = up;
		up = heavy;
		hole = heavy == a ? &a->tn_right : &b->tn_left;
		if (heavy == a) {
			heavy->tn_sum += sum(b);
			a = a->tn_right;
		} else {
			heavy->tn_sum += sum(a);
			b = b->tn_left;
		}
	}
	*hole = a ? a : b;
	if (*hole)
		(*hole)->tn_up = up;
	return first;
}

static void set_left(node_t *node, node_t *left)
{
	node->tn_left = left;
	if (left)
		left->tn_up = node;
}

static void set_right(node_t *node, node_t *right)
{
	node->tn_right = right;
	if (right)
		right->tn_up = node;
}

/*
 * Cut the sequence before or behind `node`. *a and *b start as the parts below it; the parts above
 * are merged in on the way up.
 */
static void cut_above(node_t *node, node_t *up, node_t **a, node_t **b)
{
	const node_t *child = node;

	while (up) {
		node_t *next = up->tn_up;
		bool left = up->tn_left == child;

		child = up;
		/* What was below it is in the two parts now; it keeps one of them. */
		if (left) {
			up->tn_sum -= sum(*a);
			set_left(up, *b);
			*b = up;
		} else {
			up->tn_sum -= sum(*b);
			set_right(up, *a);
			*a = up;
		}
		up = next;
	}
	if (*a)
		(*a)->tn_up = NULL;
	if (*b)
		(*b)->tn_up = NULL;
}

static void cut_before(node_t *node, node_t **a, node_t **b)
{
	*a = node->tn_left;
	*b = node;
	node->tn_sum -= sum(*a);
	node->tn_left = NULL;
	cut_above(node, node->tn_up, a, b);
}

static void cut_behind(node_t *node, node_t **a, node_t **b)
{
	*a = node;
	*b = node->tn_right;
	node->tn_sum -= sum(*b);
	node->tn_right = NULL;
	cut_above(node, node->tn_up, a, b);
}

static uint32_t weight(struct ipc_host *host)
{
	return (uint32_t)ipc_host_random(host) | 1;
}

/* A port that was never in transit is a tree of its own. */
static void begin(struct ipc_host *host, struct ipc_transit *transit)
{
	if (transit->t_open.tn_weight)
		return;
	transit->t_open.tn_weight = weight(host);
	transit->t_close.tn_weight = weight(host);
	join(&transit->t_open, &transit->t_close);
}

void ipc_transit_put(struct ipc_host *host, struct ipc_transit *transit, struct ipc_transit *dest)
{
	node_t *tree, *before, *behind;

	begin(host, transit);
	begin(host, dest);
	tree = (node_t *)top(&transit->t_open);
	cut_behind(&dest->t_open, &before, &behind);
	join(join(before, tree), behind);
}

void ipc_transit_take(struct ipc_transit *transit)
{
	node_t *before, *tree, *behind;

	cut_before(&transit->t_open, &before, &tree);
	cut_behind(&transit->t_close, &tree, &behind);
	join(before, behind);
}

void ipc_transit_count(struct ipc_transit *transit, int32_t delta)
{
	for (node_t *node = &transit->t_open; node; node = node->tn_up)
		node->tn_sum += (uint32_t)delta;
}

/* The sum of all nodes before this one in its sequence. */
static uint32_t sum_before(const node_t *node)
{
	uint32_t before = sum(node->tn_left);

	for (const node_t *up = node->tn_up; up; node = up, up = up->tn_up)
		if (up->tn_right == node)
			before += up->tn_sum - node->tn_sum;
	return before;
}

uint32_t ipc_transit_sum(const struct ipc_transit *transit)
{
	if (transit->t_open.tn_weight == 0)
		return transit->t_open.tn_sum;
	return sum_before(&transit->t_close) - sum_before(&transit->t_open);
}

struct ipc_transit *ipc_transit_root(struct ipc_transit *transit)
{
	const node_t *first = top(&transit->t_open);

	while (first->tn_left)
		first = first->tn_left;
	return (struct ipc_transit *)first; /* it is a t_open, the first member */
}
