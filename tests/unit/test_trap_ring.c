/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a ring, who pays for it, and when it is given back. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_feed.h"

static kern_return_t ask_with(struct lab_thread *thread, size_t size)
{
	struct machd_ring_answer answer;
	uint8_t *packet;

	if (!lab_request(thread, MACHD_OP_RING, "nonsense", size, NULL, 0, NULL))
		return LAB_DROPPED;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(size == sizeof(struct machd_frame) + sizeof answer);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	free(packet);
	LAB_TRUE(answer.reserved == 0);
	return (kern_return_t)answer.code;
}

static kern_return_t ask(struct lab_thread *thread)
{
	return ask_with(thread, 0);
}

START_TEST(each_user_has_so_many)
{
	struct lab_options options;
	struct lab *lab;
	struct lab_task *task;
	struct lab_thread *threads[3];

	lab_options_init(&options);
	options.limits.rings_per_user = 2;
	lab = lab_start(&options);
	task = lab_task(lab, 1000);
	for (unsigned i = 0; i < 3; i++)
		threads[i] = lab_thread(task);
	lab_ok(ask(threads[0]));
	lab_ok(ask(threads[1]));
	lab_is(KERN_RESOURCE_SHORTAGE, ask(threads[2]));
	lab_ok(ask(lab_task(lab, 1001)->thread));
	lab_audit(lab);
	lab_close(threads[0]);
	lab_audit(lab);
	lab_ok(ask(threads[2]));
	lab_stop(lab);
}
END_TEST

START_TEST(all_have_so_many)
{
	struct lab_options options;
	struct lab *lab;
	struct lab_task *first;

	lab_options_init(&options);
	options.limits.rings = 1;
	lab = lab_start(&options);
	first = lab_task(lab, 1000);
	lab_ok(ask(first->thread));
	lab_is(KERN_RESOURCE_SHORTAGE, ask(lab_task(lab, 1001)->thread));
	lab_kill(first);
	lab_ok(ask(lab_task(lab, 1001)->thread));
	lab_stop(lab);
}
END_TEST

START_TEST(nonsense_is_dropped)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *thread = lab_task(lab, 1000)->thread;

	lab_ok(ask(thread));
	lab_is(LAB_DROPPED, ask(thread));
	lab_is(LAB_DROPPED, ask_with(lab_task(lab, 1000)->thread, 4));
	lab_is(LAB_DROPPED, ask(lab_watcher(lab, 0)));
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, each_user_has_so_many);
	tcase_add_test(tcase, all_have_so_many);
	tcase_add_test(tcase, nonsense_is_dropped);
}

int main(void)
{
	return lab_run("trap_ring", add_tests);
}
