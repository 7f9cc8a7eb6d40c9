/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: what is put in comes out, and whatever the other end writes is found out. */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/ring.h"

static struct machd_rings *shared;
static struct machd_ring writer, reader;

static void setup(void)
{
	shared = aligned_alloc(64, sizeof *shared);
	ck_assert_ptr_nonnull(shared);
	memset(shared, 0, sizeof *shared);
	machd_ring_init(&writer, shared, true);
	machd_ring_init(&reader, shared, true);
}

static void teardown(void)
{
	free(shared);
}

/* Bytes that tell which record they are of. */
static void fill(uint8_t *bytes, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number * 7 + i);
}

static enum machd_ring_state put(uint32_t size, uint32_t number)
{
	static uint8_t bytes[MACHD_RING_SIZE];
	enum machd_ring_state state = machd_ring_begin(&writer, MACHD_RECORD_FRAME, size);

	if (state != MACHD_RING_READY)
		return state;
	fill(bytes, size, number);
	machd_ring_add(&writer, bytes, size / 3);
	machd_ring_add(&writer, bytes + size / 3, size - size / 3);
	machd_ring_publish(&writer);
	return state;
}

static void take(uint32_t size, uint32_t number)
{
	static uint8_t expected[MACHD_RING_SIZE], bytes[MACHD_RING_SIZE];

	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_READY);
	ck_assert_uint_eq(reader.record.type, MACHD_RECORD_FRAME);
	ck_assert_uint_eq(reader.record.length, size);
	fill(expected, size, number);
	machd_ring_copy(&reader, 0, bytes, size);
	ck_assert_int_eq(memcmp(bytes, expected, size), 0);
	if (size > 8) {
		machd_ring_copy(&reader, 5, bytes, size - 5);
		ck_assert_int_eq(memcmp(bytes, expected + 5, size - 5), 0);
	}
	machd_ring_consume(&reader);
}

static void none(void)
{
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_EMPTY);
}

START_TEST(what_goes_in_comes_out)
{
	none();
	for (uint32_t size = 0; size < 40; size++) {
		ck_assert_int_eq(put(size, size), MACHD_RING_READY);
		take(size, size);
		none();
	}
}
END_TEST

/* Lengths that wrap at every place, several under way, the index past its 32 bits. */
START_TEST(wraps)
{
	uint32_t first = 0, last = 0, sizes[8], start = UINT32_MAX - 2 * MACHD_RING_SIZE + 1;

	writer.at = writer.next = writer.seen = reader.at = reader.next = reader.seen = start;
	atomic_store(&shared->completion.tail, start);
	atomic_store(&shared->completion.head, start);
	srand(1);
	while (last < 20000) {
		uint32_t size = (uint32_t)rand() % (last % 3 ? 300 : 60000);

		if (last - first < 8 && put(size, last) == MACHD_RING_READY) {
			sizes[last++ % 8] = size;
			continue;
		}
		ck_assert_uint_gt(last, first);
		take(sizes[first % 8], first);
		first++;
	}
	for (; first < last; first++)
		take(sizes[first % 8], first);
	none();
	ck_assert_uint_lt(writer.at, start);
}
END_TEST

START_TEST(full)
{
	uint32_t count = 0, size = 1000;

	ck_assert_int_eq(put(MACHD_RING_SIZE - 7, 0), MACHD_RING_EMPTY);
	ck_assert_int_eq(put(UINT32_MAX, 0), MACHD_RING_EMPTY);
	while (put(size, count) == MACHD_RING_READY)
		count++;
	ck_assert_uint_eq(count, MACHD_RING_SIZE / 1008);
	take(size, 0);
	ck_assert_int_eq(put(size, count), MACHD_RING_READY);
	ck_assert_int_eq(put(size, 0), MACHD_RING_EMPTY);
	for (uint32_t i = 1; i <= count; i++)
		take(size, i);
	none();
}
END_TEST

START_TEST(the_largest)
{
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(put(MACHD_RING_SIZE - 8, i), MACHD_RING_READY);
		ck_assert_int_eq(put(0, i), MACHD_RING_EMPTY);
		take(MACHD_RING_SIZE - 8, i);
	}
}
END_TEST

/* One small message at a time stays in the first pages. */
START_TEST(small_messages_touch_little)
{
	static const uint8_t zero[MACHD_RING_SIZE];

	for (uint32_t i = 0; i < 10000; i++) {
		ck_assert_int_eq(put(i % 500, i), MACHD_RING_READY);
		take(i % 500, i);
	}
	ck_assert_int_eq(memcmp(shared->bytes[1] + 8192, zero, MACHD_RING_SIZE - 8192), 0);
	ck_assert_int_eq(put(100000, 1), MACHD_RING_READY);
	take(100000, 1);
}
END_TEST

/* Many at a time: now and then they do not fit behind a fresh beginning, but not for long. */
START_TEST(who_writes_much_at_a_time_has_room_for_it)
{
	enum { BURST = 128, SIZE = 152, ROUNDS = 100 };
	unsigned short_of = 0, last_short = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t count = 0;

		for (unsigned alone = 0; alone < round % 40; alone++) {
			ck_assert_int_eq(put(SIZE, alone), MACHD_RING_READY);
			take(SIZE, alone);
		}
		while (count < BURST && put(SIZE, count) == MACHD_RING_READY)
			count++;
		short_of += count < BURST;
		last_short = count < BURST ? round : last_short;
		for (uint32_t i = 0; i < count; i++)
			take(SIZE, i);
		none();
	}
	ck_assert_uint_gt(short_of, 0);
	ck_assert_uint_le(short_of, 4);
	ck_assert_uint_lt(last_short, ROUNDS / 2);
}
END_TEST

START_TEST(two_at_once)
{
	ck_assert_int_eq(machd_ring_begin(&writer, MACHD_RECORD_FRAME, 3), MACHD_RING_READY);
	machd_ring_add(&writer, "one", 3);
	ck_assert_int_eq(machd_ring_begin(&writer, MACHD_RECORD_PACKET, 0), MACHD_RING_READY);
	none();
	machd_ring_publish(&writer);
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_READY);
	ck_assert_uint_eq(reader.record.length, 3);
	machd_ring_consume(&reader);
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_READY);
	ck_assert_uint_eq(reader.record.type, MACHD_RECORD_PACKET);
	machd_ring_consume(&reader);
	ck_assert_int_eq(machd_ring_begin(&writer, MACHD_RECORD_FRAME, 3), MACHD_RING_READY);
	machd_ring_abandon(&writer);
	machd_ring_publish(&writer);
	none();
}
END_TEST

/* A reader keeps what it has looked at, whatever becomes of the memory. */
START_TEST(a_record_is_read_once)
{
	ck_assert_int_eq(put(24, 3), MACHD_RING_READY);
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_READY);
	memset(shared->bytes, 0xff, sizeof shared->bytes);
	atomic_store(&shared->completion.tail, 3);
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_READY);
	ck_assert_uint_eq(reader.record.length, 24);
	machd_ring_consume(&reader);
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_BROKEN);
}
END_TEST

/* A tail that is nowhere in the ring, or no place where a record can end. */
START_TEST(every_bad_tail)
{
	for (uint32_t i = 0; i < 200; i++) {
		ck_assert_int_eq(put(100, i), MACHD_RING_READY);
		take(100, i);
	}
	for (uint32_t distance = 1; distance < 4 * MACHD_RING_SIZE; distance++) {
		if (distance % 8 == 0 && distance <= MACHD_RING_SIZE)
			continue;
		atomic_store(&shared->completion.tail, reader.at + distance);
		ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_BROKEN);
	}
	atomic_store(&shared->completion.tail, reader.at - 8);
	ck_assert_int_eq(machd_ring_look(&reader), MACHD_RING_BROKEN);
}
END_TEST

START_TEST(every_bad_head)
{
	static const uint32_t bad[] = {8, 1, 7, 0x80000000, MACHD_RING_SIZE + 8, 0u - 1, 0u - 12};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		teardown();
		setup();
		while (put(1000, 1) == MACHD_RING_READY)
			;
		atomic_store(&shared->completion.head, writer.at + bad[i]);
		ck_assert_int_eq(put(1000, 1), MACHD_RING_BROKEN);
	}
	teardown();
	setup();
	for (unsigned i = 0; i < 50; i++)
		ck_assert_int_eq(put(100, i), MACHD_RING_READY);
	atomic_store(&shared->completion.head, writer.at + 16);
	ck_assert_int_eq(put(100, 1), MACHD_RING_BROKEN);
}
END_TEST

/* The reader looks at a record with this header, `published` bytes being there. */
static enum machd_ring_state look_at(uint32_t at, uint32_t length, uint32_t type,
				     uint32_t published)
{
	struct machd_record record = {length, type};

	machd_ring_init(&reader, shared, true);
	reader.at = reader.next = reader.seen = at;
	memcpy(shared->bytes[1] + at % MACHD_RING_SIZE, &record, sizeof record);
	atomic_store(&shared->completion.tail, at + published);
	return machd_ring_look(&reader);
}

START_TEST(every_bad_length)
{
	ck_assert_int_eq(look_at(0, 8, MACHD_RECORD_FRAME, 16), MACHD_RING_READY);
	ck_assert_int_eq(look_at(0, 9, MACHD_RECORD_FRAME, 16), MACHD_RING_BROKEN);
	ck_assert_int_eq(look_at(0, 1, MACHD_RECORD_FRAME, 8), MACHD_RING_BROKEN);
	for (uint32_t length = 17; length; length <<= 1)
		ck_assert_int_eq(look_at(64, length, MACHD_RECORD_FRAME, 24), MACHD_RING_BROKEN);
	for (uint32_t length = UINT32_MAX; length > UINT32_MAX - 20; length--)
		ck_assert_int_eq(look_at(64, length, MACHD_RECORD_FRAME, MACHD_RING_SIZE),
				 MACHD_RING_BROKEN);
	ck_assert_int_eq(look_at(64, MACHD_RING_SIZE - 8, MACHD_RECORD_FRAME, MACHD_RING_SIZE),
			 MACHD_RING_READY);
}
END_TEST

/* Only to the ring's end, and not round and round. */
START_TEST(every_bad_skip)
{
	uint32_t near = MACHD_RING_SIZE - 64;

	ck_assert_int_eq(look_at(near, 56, MACHD_RECORD_SKIP, 64), MACHD_RING_EMPTY);
	ck_assert_int_eq(look_at(near, 48, MACHD_RECORD_SKIP, 64), MACHD_RING_BROKEN);
	ck_assert_int_eq(look_at(near, 64, MACHD_RECORD_SKIP, 128), MACHD_RING_BROKEN);
	ck_assert_int_eq(look_at(0, MACHD_RING_SIZE - 8, MACHD_RECORD_SKIP, MACHD_RING_SIZE),
			 MACHD_RING_BROKEN);
	memset(shared->bytes, 0, sizeof shared->bytes);
	ck_assert_int_eq(look_at(near, 56, MACHD_RECORD_SKIP, 72), MACHD_RING_READY);
	ck_assert_uint_eq(reader.record.length, 0);
	look_at(0, MACHD_RING_SIZE - 8, MACHD_RECORD_SKIP, 8);
	ck_assert_int_eq(look_at(near, 56, MACHD_RECORD_SKIP, MACHD_RING_SIZE), MACHD_RING_BROKEN);
}
END_TEST

START_TEST(who_sleeps_is_woken_once)
{
	ck_assert_int_eq(machd_ring_wake(&writer), MACHD_RING_AWAKE);
	machd_ring_doze(&reader, MACHD_RING_ON_SOCKET);
	ck_assert_int_eq(machd_ring_wake(&writer), MACHD_RING_ON_SOCKET);
	ck_assert_int_eq(machd_ring_wake(&writer), MACHD_RING_AWAKE);
	ck_assert_int_eq(machd_ring_rouse(&reader), MACHD_RING_AWAKE);
	machd_ring_doze(&reader, MACHD_RING_ASLEEP);
	ck_assert_int_eq(machd_ring_rouse(&reader), MACHD_RING_ASLEEP);
	ck_assert_int_eq(machd_ring_wake(&writer), MACHD_RING_AWAKE);
}
END_TEST

/* The two directions have nothing in common. */
START_TEST(directions)
{
	struct machd_ring other;

	machd_ring_init(&other, shared, false);
	ck_assert_int_eq(put(5000, 1), MACHD_RING_READY);
	ck_assert_int_eq(machd_ring_look(&other), MACHD_RING_EMPTY);
	machd_ring_doze(&other, MACHD_RING_ASLEEP);
	ck_assert_int_eq(machd_ring_wake(&writer), MACHD_RING_AWAKE);
	ck_assert_ptr_eq(other.bytes + MACHD_RING_SIZE, writer.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tests = tcase_create("ring");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_goes_in_comes_out);
	tcase_add_test(tests, wraps);
	tcase_add_test(tests, full);
	tcase_add_test(tests, the_largest);
	tcase_add_test(tests, small_messages_touch_little);
	tcase_add_test(tests, who_writes_much_at_a_time_has_room_for_it);
	tcase_add_test(tests, two_at_once);
	tcase_add_test(tests, a_record_is_read_once);
	tcase_add_test(tests, every_bad_tail);
	tcase_add_test(tests, every_bad_head);
	tcase_add_test(tests, every_bad_length);
	tcase_add_test(tests, every_bad_skip);
	tcase_add_test(tests, who_sleeps_is_woken_once);
	tcase_add_test(tests, directions);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
