/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of boards: steps of tests/fuzz/fuzz_board.c. */
#include "tests/fuzz/seeds.h"

enum { SEND, SEND_TOO, RECEIVE, TAKE, LEAVE, REPLACE, STRANGE, WORK };

static void put_step(unsigned kind, unsigned port, unsigned who)
{
	seed_put_u8(kind + 8 * port);
	seed_put_u8(who);
}

static void take(unsigned who, unsigned count)
{
	put_step(TAKE, 0, who);
	seed_put_u8(count);
}

static void be_strange(unsigned how, unsigned taken)
{
	put_step(STRANGE, 0, 0);
	seed_put_u8(how);
	if (how & 8)
		seed_put_u8(taken);
}

void seed_boards(void)
{
	for (unsigned i = 0; i < 60; i++) {
		put_step(SEND, 0, i % 2);
		if (i % 4 == 3) {
			put_step(RECEIVE, 0, 2);
			take(2, i % 3);
		}
	}
	seed_save("board", "two-send-one-receives");
	for (unsigned i = 0; i < 60; i++) {
		put_step(SEND, i % 3, 0);
		put_step(SEND_TOO, i % 3, 1);
		put_step(RECEIVE, i % 3, i % 2);
		take(i % 2, 1);
		put_step(RECEIVE, i % 3, 2);
	}
	seed_save("board", "loans-are-settled");
	for (unsigned i = 0; i < 40; i++) {
		put_step(SEND, 0, 1);
		put_step(SEND, 0, 2);
		if (i % 5 == 4)
			put_step(LEAVE, 0, 1 + i % 2);
		if (i % 9 == 8)
			put_step(REPLACE, 0, 0);
		put_step(WORK, 0, 0);
		put_step(RECEIVE, 0, 1);
	}
	seed_save("board", "come-and-go");
	for (unsigned i = 0; i < 120; i++) {
		be_strange(i, i * 3);
		put_step(i % 2 ? SEND : RECEIVE, 0, 1);
	}
	seed_save("board", "stranger");
}
