/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the ring: steps of tests/fuzz/fuzz_ring.c. */
#include "tests/fuzz/seeds.h"

enum { SET_TAIL, SET_HEAD, BYTES, PUT, WAKE, ANSWER, SLEEP, READ };

static void put_word(uint32_t word)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		seed_put_u8(word >> shift & 0xff);
}

static void put_step(unsigned step, uint32_t word)
{
	seed_put_u8(step);
	put_word(word);
}

static void set_index(unsigned step, uint32_t word)
{
	seed_put_u8(step);
	seed_put_u8(0);
	put_word(word);
}

void seed_rings(void)
{
	for (unsigned i = 0; i < 60; i++) {
		put_step(PUT, i * 997);
		seed_put_u8(READ);
	}
	seed_save("ring", "requests");
	for (unsigned i = 0; i < 60; i++) {
		put_step(PUT, 100);
		put_step(ANSWER, i * 997);
		seed_put_u8(READ);
		put_step(WAKE, i % 4);
	}
	seed_save("ring", "answers-unread");
	set_index(SET_TAIL, 262144);
	seed_put_u8(BYTES);
	seed_put_u8(0);
	put_word(262136);
	seed_put_u8(READ);
	seed_put_u8(READ);
	seed_save("ring", "as-large-as-can-be");
	put_step(PUT, 5000);
	seed_put_u8(READ);
	seed_put_u8(SLEEP);
	seed_put_u8(2);
	put_step(PUT, 5000);
	seed_put_u8(READ);
	set_index(SET_TAIL, 0xfffffff0);
	seed_put_u8(READ);
	seed_save("ring", "turns");
	put_step(ANSWER, 200000);
	set_index(SET_HEAD, 200008);
	put_step(ANSWER, 200000);
	set_index(SET_HEAD, 4);
	put_step(ANSWER, 100000);
	seed_save("ring", "head");
}
