/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees of ports in transit: they say what walking up from port to port says, and the way to
 * that answer is short however deep or wide a tree is.
 */
#include <check.h>
#include <stdlib.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_transit.h"

static struct ipc_host host;

static void begin(void)
{
	host.h_random = 1;
}

/* Steps from a node to the top of the treap that it is in. */
static unsigned steps(const struct ipc_transit_node *node)
{
	unsigned count = 0;

	for (; node->tn_up; node = node->tn_up)
		count++;
	return count;
}

static unsigned longest_way(const struct ipc_transit *ports, unsigned count)
{
	unsigned most = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned open = steps(&ports[i].t_open), close = steps(&ports[i].t_close);

		most = open > most ? open : most;
		most = close > most ? close : most;
	}
	return most;
}

/* Far above what chance gives a treap of that size, and far below the size. */
#define LONG_WAY 120

START_TEST(a_chain_is_no_longer_than_its_logarithm)
{
	enum { LENGTH = 200000 };
	struct ipc_transit *ports = calloc(LENGTH, sizeof *ports);

	begin();
	for (unsigned i = 1; i < LENGTH; i++) {
		ck_assert(!ipc_transit_together(&ports[i - 1], &ports[i]));
		ipc_transit_put(&host, &ports[i - 1], &ports[i]);
	}
	ck_assert(ipc_transit_together(&ports[0], &ports[LENGTH - 1]));
	ck_assert_uint_lt(longest_way(ports, LENGTH), LONG_WAY);
	for (unsigned i = LENGTH - 1; i > 0; i--) { /* as it is destroyed */
		ipc_transit_take(&ports[i - 1]);
		ck_assert(!ipc_transit_together(&ports[i - 1], &ports[i]));
	}
	ck_assert_uint_eq(longest_way(ports, LENGTH), 1);
	free(ports);
}
END_TEST

START_TEST(nor_is_a_chain_that_grows_at_its_lower_end_or_is_wide)
{
	enum { LENGTH = 100000 };
	struct ipc_transit *ports = calloc(LENGTH, sizeof *ports);

	begin();
	for (unsigned i = 1; i < LENGTH; i++)
		ipc_transit_put(&host, &ports[i], &ports[i % 2 ? 0 : i - 1]);
	ck_assert(ipc_transit_together(&ports[LENGTH - 1], &ports[LENGTH - 2]));
	ck_assert_uint_lt(longest_way(ports, LENGTH), LONG_WAY);
	free(ports);
}
END_TEST

enum { PORTS = 200 };

static unsigned above[PORTS]; /* the port that each is below, or itself */

static unsigned outermost(unsigned port)
{
	while (above[port] != port)
		port = above[port];
	return port;
}

START_TEST(puts_and_takes_by_chance_agree_with_walking)
{
	static struct ipc_transit ports[PORTS];
	unsigned put = 0, refused = 0;

	begin();
	srandom(7);
	for (unsigned i = 0; i < PORTS; i++)
		above[i] = i;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned port = (unsigned)random() % PORTS, dest = (unsigned)random() % PORTS;
		bool circle = outermost(dest) == outermost(port);

		ck_assert(ipc_transit_together(&ports[port], &ports[dest]) == circle);
		if (above[port] != port) {
			ipc_transit_take(&ports[port]);
			above[port] = port;
		} else if (!circle) {
			ipc_transit_put(&host, &ports[port], &ports[dest]);
			above[port] = dest;
			put++;
		} else {
			refused++;
		}
	}
	ck_assert_uint_gt(put, 1000);
	ck_assert_uint_gt(refused, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_transit");
	TCase *tcase = tcase_create("ipc_transit");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_chain_is_no_longer_than_its_logarithm);
	tcase_add_test(tcase, nor_is_a_chain_that_grows_at_its_lower_end_or_is_wide);
	tcase_add_test(tcase, puts_and_takes_by_chance_agree_with_walking);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
