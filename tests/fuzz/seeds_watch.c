/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of watch requests: steps of tests/fuzz/fuzz_watch.c. */
#include "protocol/watch.h"
#include "tests/fuzz/seeds.h"

enum { ALLOCATE, SEND, NAME, DESTROY, LEAVE, WATCH, SET = 8, GOES_ON = 4 };

static void put_step(unsigned kind, unsigned who)
{
	seed_put_u8(kind);
	seed_put_u8(who);
}

/* Ports with messages and names, at each of the three tasks. */
static void put_tasks(unsigned ports)
{
	for (unsigned i = 0; i < ports; i++) {
		put_step(i % 5 ? ALLOCATE : ALLOCATE + SET, i % 3);
		put_step(SEND, i % 3);
		if (i % 4 == 0)
			put_step(NAME + SET * (i % 20), i % 3);
	}
}

static void put_watch(unsigned who, unsigned how, unsigned table)
{
	put_step(WATCH, who);
	seed_put_u8(how);
	seed_put_u8(table);
}

void seed_watches(void)
{
	put_tasks(20);
	for (unsigned table = 0; table < 10; table++) {
		put_watch(0, 0, table);
		put_watch(0, GOES_ON, table);
	}
	seed_save("watch", "tables");
	put_tasks(70);
	for (unsigned i = 0; i < 8; i++) {
		put_watch(i, i ? GOES_ON : 0, MACHD_WATCH_PORTS);
		put_step(i % 2 ? DESTROY : LEAVE, i % 3);
	}
	seed_save("watch", "pages");
	put_tasks(6);
	put_watch(1, 0, MACHD_WATCH_POLICY);
	seed_put_u8(3);
	seed_put_u8(2);
	seed_put("a.b", 3);
	put_watch(1, 2 + 8 + 16, MACHD_WATCH_QUEUES);
	seed_put("\x20\x03\xff", 3);
	put_step(LEAVE + SET, 1);
	put_watch(1, GOES_ON, MACHD_WATCH_MESSAGES);
	seed_save("watch", "odd");
}
