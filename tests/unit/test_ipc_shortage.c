/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of memory at any allocation: each script below is run again and again, and each time the next
 * allocation fails, until it gets through. Every call must be answered, with a code of Mach's or a
 * refusal; the books must balance afterwards and nothing may be lost.
 */
#include <servers/bootstrap.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"

/* Two tasks that exist before memory runs out, and ports between them. */
struct stage {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port;	/* of a */
	mach_port_name_t dest;	/* b's send right to it */
	mach_port_name_t reply; /* of b */
};

/* The codes that say that memory was short, for a call that would have succeeded. */
static bool short_of_memory(kern_return_t kr)
{
	if (kr == BOOTSTRAP_NO_MEMORY)
		return true;
	switch (kr & ~MACH_MSG_MASK) {
	case KERN_RESOURCE_SHORTAGE:
	case MACH_SEND_NO_BUFFER:
	case MACH_RCV_HEADER_ERROR:
	case MACH_RCV_BODY_ERROR:
		return true;
	}
	return false;
}

#define MAY_FAIL(call)                                                                           \
	do {                                                                                     \
		kern_return_t got_ = (call);                                                     \
		LAB_CHECK(got_ == KERN_SUCCESS || short_of_memory(got_), "%s gives 0x%x", #call, \
			  (unsigned)got_);                                                       \
	} while (0)

/* The same where an earlier failure may be the reason for another code. */
#define MAY_GIVE(call) LAB_CHECK((call) != LAB_DROPPED, "%s: dropped", #call)

static void connecting(struct stage *stage)
{
	struct lab_task *task = lab_task(stage->lab, 7);

	if (task && !lab_thread(task))
		LAB_TRUE(strstr(stage->lab->why, "memory"));
	if (!task)
		LAB_TRUE(strstr(stage->lab->why, "memory"));
	lab_watcher(stage->lab, 7);
}

static void allocating(struct stage *stage)
{
	mach_port_name_t name;

	for (unsigned i = 0; i < 40; i++) {
		MAY_FAIL(lab_allocate(stage->a, MACH_PORT_RIGHT_RECEIVE, &name));
		MAY_FAIL(lab_allocate(stage->a, MACH_PORT_RIGHT_PORT_SET, &name));
		MAY_FAIL(lab_allocate(stage->a, MACH_PORT_RIGHT_DEAD_NAME, &name));
	}
	MAY_FAIL(lab_allocate_name(stage->a, MACH_PORT_RIGHT_RECEIVE, 500 << 8 | 3));
	MAY_FAIL(lab_allocate_name(stage->a, MACH_PORT_RIGHT_PORT_SET, 501 << 8 | 3));
	MAY_FAIL(lab_allocate_name(stage->a, MACH_PORT_RIGHT_DEAD_NAME, 3000 << 8 | 3));
}

static void sending(struct stage *stage)
{
	struct lab_buffer message;
	mach_port_name_t moved = MACH_PORT_NULL;

	lab_allocate(stage->b, MACH_PORT_RIGHT_RECEIVE, &moved);
	lab_compose(&message, stage->dest, COPY_SEND, stage->reply, MAKE_ONCE, 1);
	lab_add_port(&message, moved, MOVE_RECEIVE);
	for (unsigned i = 0; i < 30; i++)
		lab_add_port(&message, stage->reply, MAKE_ONCE);
	MAY_FAIL(lab_send_now(stage->b, &message));
	MAY_GIVE(lab_receive_now(stage->a, stage->port, &message));
}

static void sending_a_memfd(struct stage *stage)
{
	struct lab_buffer message = lab_to(stage->dest, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			      .send = &message,
			      .send_size = 100,
			      .inline_size = 24};

	MAY_FAIL(lab_msg(stage->b, &msg));
	MAY_GIVE(lab_receive_now(stage->a, stage->port, &message));
}

static void giving_back(struct stage *stage)
{
	struct lab_buffer message;
	mach_msg_return_t code;

	lab_set_qlimit(stage->a, stage->port, 0);
	lab_compose(&message, stage->dest, COPY_SEND, stage->reply, MAKE_ONCE, 1);
	for (unsigned i = 0; i < 30; i++)
		lab_add_port(&message, stage->reply, MAKE_ONCE);
	code = lab_send_now(stage->b, &message);
	LAB_TRUE(code == MACH_SEND_TIMED_OUT || code == MACH_SEND_NO_BUFFER ||
		 code == (MACH_SEND_TIMED_OUT | MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL));
}

static void waiting(struct stage *stage)
{
	struct lab_buffer message, received;

	if (lab_receive(stage->a, stage->port, &received, 0, 0) != LAB_BLOCKED)
		ck_abort_msg("a receive without a message was answered");
	lab_compose(&message, stage->dest, COPY_SEND, stage->reply, MAKE_ONCE, 1);
	MAY_FAIL(lab_send_now(stage->b, &message));
	lab_wait(stage->a);
	if (stage->a->asked) {
		LAB_TRUE(lab_cancel(stage->a));
		lab_is(MACH_RCV_INTERRUPTED, lab_wait(stage->a));
	}
}

static void notifying(struct stage *stage)
{
	static const uint32_t ids[] = {MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_SEND_POSSIBLE};
	mach_port_name_t names[6] = {0}, previous;

	for (unsigned i = 0; i < 6; i++) {
		lab_allocate(stage->b, MACH_PORT_RIGHT_RECEIVE, &names[i]);
		MAY_GIVE(lab_request_notification(stage->b, names[i], ids[i % 2], 0, stage->reply,
						  MAKE_ONCE, &previous));
		MAY_GIVE(lab_request_notification(stage->b, names[i], MACH_NOTIFY_NO_SENDERS, 1,
						  stage->reply, MAKE_ONCE, &previous));
	}
	for (unsigned i = 0; i < 6; i++)
		MAY_FAIL(lab_request_notification(stage->b, stage->dest, ids[i % 2], 0,
						  stage->reply, MAKE_ONCE, &previous));
	MAY_FAIL(lab_request_notification(stage->a, stage->port, MACH_NOTIFY_PORT_DESTROYED, 0,
					  MACH_PORT_NULL, MAKE_ONCE, &previous));
	for (unsigned i = 0; i < 6; i++)
		MAY_GIVE(lab_destroy(stage->b, names[i]));
	lab_ok(lab_destroy(stage->a, stage->port));
}

static void rescuing(struct stage *stage)
{
	mach_port_name_t name = MACH_PORT_NULL, previous;
	struct lab_buffer message;

	lab_allocate(stage->b, MACH_PORT_RIGHT_RECEIVE, &name);
	MAY_GIVE(lab_request_notification(stage->b, name, MACH_NOTIFY_PORT_DESTROYED, 0,
					  stage->reply, MAKE_ONCE, &previous));
	lab_compose(&message, name, MAKE_SEND, NOBODY, 0, 1);
	MAY_GIVE(lab_send_now(stage->b, &message));
	MAY_GIVE(lab_destroy(stage->b, name));
	MAY_GIVE(lab_receive_now(stage->b, stage->reply, &message));
}

static void using_sets(struct stage *stage)
{
	mach_port_name_t set = MACH_PORT_NULL, other = MACH_PORT_NULL, members[8];
	struct lab_buffer message = lab_to(stage->dest, 1);
	unsigned count;
	uint32_t next;

	lab_allocate(stage->a, MACH_PORT_RIGHT_PORT_SET, &set);
	lab_allocate(stage->a, MACH_PORT_RIGHT_PORT_SET, &other);
	MAY_GIVE(lab_send_now(stage->b, &message));
	MAY_GIVE(lab_insert_member(stage->a, stage->port, set));
	MAY_GIVE(lab_move_member(stage->a, stage->port, other));
	MAY_GIVE(lab_get_set_status(stage->a, other, 0, members, &count, &next));
	MAY_GIVE(lab_receive_now(stage->a, other, &message));
	MAY_GIVE(lab_destroy(stage->a, other));
}

static void booting(struct stage *stage)
{
	mach_port_name_t port, name;
	char service[8] = "a";

	for (; service[0] <= 'p'; service[0]++)
		MAY_FAIL(lab_check_in(stage->a, service, &port));
	MAY_FAIL(lab_register(stage->b, "q", stage->dest));
	MAY_GIVE(lab_look_up(stage->b, "a", &name));
	MAY_GIVE(lab_look_up(stage->b, "q", &name));
	MAY_GIVE(lab_register(stage->b, "q", MACH_PORT_NULL));
}

static void inserting(struct stage *stage)
{
	mach_port_name_t name;
	uint32_t type;

	MAY_FAIL(lab_insert_right(stage->a, 900 << 8 | 3, stage->port, MAKE_ONCE));
	for (unsigned i = 0; i < 20; i++)
		MAY_FAIL(lab_extract_right(stage->a, stage->port, MAKE_ONCE, &name, &type));
	MAY_FAIL(lab_get_special_port(stage->a, 4, &name));
	MAY_FAIL(lab_set_special_port(stage->b, 4, stage->dest));
}

static void asking_the_daemon(struct stage *stage)
{
	struct lab_buffer message;

	for (unsigned i = 0; i < 3; i++) {
		lab_compose(&message, stage->b->task->host, COPY_SEND, stage->reply, MAKE_ONCE, 5);
		MAY_FAIL(lab_send_now(stage->b, &message));
		MAY_GIVE(lab_receive_now(stage->b, stage->reply, &message));
	}
}

/* More than one slice of work: the job and the answer that waits for it need memory, too. */
static void destroying(struct stage *stage)
{
	struct lab_buffer message;

	for (unsigned i = 0; i < 600; i++) {
		lab_compose(&message, stage->port, MAKE_ONCE, NOBODY, 0, 1);
		MAY_FAIL(lab_send_now(stage->a, &message));
	}
	lab_ok(lab_destroy(stage->a, stage->port));
}

static void dying(struct stage *stage)
{
	struct lab_task *task = lab_task(stage->lab, 0);
	mach_port_name_t service, name, port, previous;
	struct lab_thread *thread = task ? task->thread : NULL;
	struct lab_buffer message;

	if (!thread)
		return;
	if (lab_check_in(thread, "dying", &service) != KERN_SUCCESS)
		return;
	MAY_GIVE(lab_request_notification(thread, service, MACH_NOTIFY_NO_SENDERS, 9, service,
					  MAKE_ONCE, &previous));
	for (unsigned i = 0; i < 10; i++) {
		MAY_GIVE(lab_allocate(thread, MACH_PORT_RIGHT_RECEIVE, &port));
		lab_compose(&message, port, MAKE_SEND, service, MAKE_ONCE, 1);
		MAY_GIVE(lab_send_now(thread, &message));
		MAY_GIVE(lab_request_notification(thread, port, MACH_NOTIFY_DEAD_NAME, 0, service,
						  MAKE_ONCE, &previous));
	}
	MAY_GIVE(lab_look_up(thread, "dying", &name));
	lab_kill(task);
}

static const struct {
	const char *name;
	void (*run)(struct stage *stage);
} scripts[] = {
	{"connecting", connecting},   {"allocating", allocating},
	{"sending", sending},	      {"sending a memfd", sending_a_memfd},
	{"giving back", giving_back}, {"waiting", waiting},
	{"notifying", notifying},     {"rescuing", rescuing},
	{"using sets", using_sets},   {"booting", booting},
	{"inserting", inserting},     {"asking the daemon", asking_the_daemon},
	{"destroying", destroying},   {"dying", dying},
};

static struct stage set_up(void)
{
	struct stage stage = {.lab = lab_start(NULL)};

	stage.a = lab_task(stage.lab, 1000)->thread;
	stage.b = lab_task(stage.lab, 1000)->thread;
	stage.port = lab_new_port(stage.a);
	stage.dest = lab_pass(stage.a, stage.port, MAKE_SEND, stage.b);
	stage.reply = lab_new_port(stage.b);
	return stage;
}

/* The failure that was ordered has not happened yet: it happens now. */
static bool failure_is_left(void)
{
	void *memory = mem_alloc(1);

	mem_free(memory);
	return !memory;
}

START_TEST(memory_may_run_out_at_any_time)
{
	uint64_t failing = 1;
	bool through = false;

	for (; !through; failing++) {
		struct stage stage = set_up();

		mem_fail_after(failing);
		scripts[_i].run(&stage);
		through = failure_is_left();
		mem_fail_after(0);
		lab_work(stage.lab);
		lab_audit(stage.lab);
		lab_name_is(stage.b, stage.b->task->self, SEND, 1);
		lab_stop(stage.lab);
		LAB_CHECK(failing < 5000, "%s does not get through", scripts[_i].name);
	}
	ck_assert_msg(failing > 2, "%s needs no memory", scripts[_i].name);
}
END_TEST

START_TEST(a_machine_that_finds_no_memory_does_not_start)
{
	unsigned failed = 0;

	for (uint64_t failing = 1;; failing++) {
		struct lab *lab;
		bool started;

		mem_fail_after(failing);
		lab = lab_start(NULL);
		started = lab->host != NULL;
		failed += !started;
		lab_stop(lab);
		if (started)
			break;
	}
	ck_assert_uint_gt(failed, 3);
}
END_TEST

START_TEST(the_first_connection_may_find_no_memory)
{
	for (uint64_t failing = 1;; failing++) {
		struct lab *lab = lab_start(NULL);
		struct lab_task *task;

		mem_fail_after(failing);
		task = lab_task(lab, 1000);
		mem_fail_after(0);
		lab_audit(lab);
		ck_assert_ptr_nonnull(lab_task(lab, 1000));
		lab_stop(lab);
		if (task)
			break;
		LAB_CHECK(failing < 100, "nobody can connect");
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, memory_may_run_out_at_any_time, 0,
			    sizeof scripts / sizeof *scripts);
	tcase_add_test(tcase, a_machine_that_finds_no_memory_does_not_start);
	tcase_add_test(tcase, the_first_connection_may_find_no_memory);
}

int main(void)
{
	return lab_run("ipc_shortage", add_tests);
}
