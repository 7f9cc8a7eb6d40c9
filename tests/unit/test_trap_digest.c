/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a machine's state: the same script gives the same digest after every step, and
 * every step that changes something changes it.
 */
#include <string.h>

#include "tests/lab/lab_expect.h"

enum { STEPS = 27 };

struct script {
	struct lab *lab;
	struct lab_thread *a, *b, *second;
	mach_port_name_t port, set, name, once, notify;
	struct lab_buffer message, answer;
};

static void request(struct script *script, mach_port_name_t name, uint32_t id)
{
	mach_port_name_t previous;

	lab_ok(lab_request_notification(script->a, name, id, 0, script->notify, MAKE_ONCE,
					&previous));
}

static void people(struct script *script, unsigned step)
{
	switch (step) {
	case 0:
		script->a = lab_task(script->lab, 1000)->thread;
		break;
	case 1:
		script->b = lab_task(script->lab, 1000)->thread;
		break;
	case 2:
		script->second = lab_thread(script->a->task);
		break;
	case 3:
		lab_watcher(script->lab, 7);
		break;
	}
}

static void names(struct script *script, unsigned step)
{
	switch (step) {
	case 4:
		script->port = lab_new_port(script->a);
		break;
	case 5:
		script->notify = lab_new_port(script->a);
		break;
	case 6:
		lab_ok(lab_insert_right(script->a, script->port, script->port, MAKE_SEND));
		break;
	case 7:
		script->set = lab_new_set(script->a);
		break;
	case 8:
		lab_ok(lab_insert_member(script->a, script->port, script->set));
		break;
	case 9:
		script->name = lab_new_dead_name(script->a);
		break;
	case 10:
		lab_ok(lab_mod_refs(script->a, script->name, MACH_PORT_RIGHT_DEAD_NAME, 1));
		break;
	case 11:
		script->once = lab_new_once(script->a, script->port);
		break;
	case 12:
		lab_ok(lab_deallocate(script->a, script->name));
		break;
	}
}

static void properties(struct script *script, unsigned step)
{
	mach_port_name_t port;

	switch (step) {
	case 13:
		lab_ok(lab_set_context(script->a, script->port, 5));
		break;
	case 14:
		lab_ok(lab_set_seqno(script->a, script->port, 5));
		break;
	case 15:
		lab_ok(lab_set_mscount(script->a, script->port, 5));
		break;
	case 16:
		lab_set_qlimit(script->a, script->port, 1);
		break;
	case 17:
		request(script, script->once, MACH_NOTIFY_DEAD_NAME);
		break;
	case 18:
		request(script, script->port, MACH_NOTIFY_NO_SENDERS);
		break;
	case 19:
		request(script, script->port, MACH_NOTIFY_PORT_DESTROYED);
		break;
	case 20:
		lab_ok(lab_check_in(script->a, "service", &port));
		break;
	}
}

static void messages(struct script *script, unsigned step)
{
	switch (step) {
	case 21:
		lab_compose(&script->message, script->port, COPY_SEND, script->notify, MAKE_ONCE,
			    1);
		lab_add_port(&script->message, script->notify, MAKE_SEND);
		lab_add_bytes(&script->message, "four", 4);
		lab_ok(lab_send_now(script->a, &script->message));
		break;
	case 22:
		script->message = lab_to(script->port, 2);
		lab_is(LAB_BLOCKED, lab_send(script->a, &script->message, 0, 0));
		break;
	case 23:
		lab_message(script->second, script->set, 1);
		break;
	case 24:
		lab_ok(lab_wait(script->a));
		lab_message(script->a, script->port, 2);
		break;
	case 25:
		lab_is(LAB_BLOCKED, lab_receive(script->second, script->set, &script->answer,
						MACH_RCV_TIMEOUT, 5));
		break;
	case 26:
		lab_advance(script->lab, 5);
		lab_is(MACH_RCV_TIMED_OUT, lab_wait(script->second));
		break;
	}
}

/* Run the whole script on a fresh machine; a digest of the state at first and after each step. */
static void run(struct script *script, uint64_t seed, uint8_t digests[][TRAP_DIGEST_SIZE])
{
	struct lab_options options;

	lab_options_init(&options);
	options.seed = seed;
	*script = (struct script){.lab = lab_start(&options)};
	trap_digest(script->lab->host, digests[0]);
	for (unsigned step = 0; step < STEPS; step++) {
		people(script, step);
		names(script, step);
		properties(script, step);
		messages(script, step);
		trap_digest(script->lab->host, digests[step + 1]);
	}
	lab_stop(script->lab);
}

START_TEST(the_same_script_gives_the_same_digests)
{
	static uint8_t one[STEPS + 1][TRAP_DIGEST_SIZE], two[STEPS + 1][TRAP_DIGEST_SIZE];
	static struct script script;

	run(&script, 5, one);
	run(&script, 5, two);
	for (unsigned i = 0; i <= STEPS; i++)
		ck_assert_msg(!memcmp(one[i], two[i], TRAP_DIGEST_SIZE), "after step %u", i);
	run(&script, 6, two);
	ck_assert_mem_ne(one[0], two[0], TRAP_DIGEST_SIZE);
}
END_TEST

START_TEST(every_step_changes_the_digest)
{
	static uint8_t digests[STEPS + 1][TRAP_DIGEST_SIZE];
	static struct script script;

	run(&script, 5, digests);
	for (unsigned i = 0; i <= STEPS; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_msg(memcmp(digests[i], digests[j], TRAP_DIGEST_SIZE),
				      "steps %u and %u", i, j);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_same_script_gives_the_same_digests);
	tcase_add_test(tcase, every_step_changes_the_digest);
}

int main(void)
{
	return lab_run("trap_digest", add_tests);
}
