/* SPDX-License-Identifier: Apache-2.0 */
/* What tests in a lab say often. */
#include "tests/lab/lab_expect.h"

#include <stdlib.h>
#include <string.h>

#define PASS_ID 0x70617373

/* Which of a type's rights has user references to count. */
static mach_port_right_t counted_right(uint32_t type)
{
	if (type & MACH_PORT_TYPE_SEND)
		return MACH_PORT_RIGHT_SEND;
	if (type == MACH_PORT_TYPE_DEAD_NAME)
		return MACH_PORT_RIGHT_DEAD_NAME;
	return MACH_PORT_RIGHT_SEND_ONCE;
}

void lab_name_is_at(int line, struct lab_thread *thread, mach_port_name_t name, uint32_t type,
		    uint32_t urefs)
{
	uint32_t is = 0, refs = 0;
	kern_return_t kr = lab_type(thread, name, &is);

	is &= ~(uint32_t)MACH_PORT_TYPE_DNREQUEST;
	if (kr == KERN_INVALID_NAME)
		is = NO_NAME;
	else
		LAB_CHECK(kr == KERN_SUCCESS, "line %d: type of 0x%x: %d", line, name, kr);
	LAB_CHECK(is == type, "line %d: 0x%x has type 0x%x, expected 0x%x", line, name, is, type);
	if (type == NO_NAME)
		return;
	kr = lab_get_refs(thread, name, counted_right(type), &refs);
	LAB_CHECK(kr == KERN_SUCCESS, "line %d: refs of 0x%x: %d", line, name, kr);
	LAB_CHECK(refs == urefs, "line %d: 0x%x has %u references, expected %u", line, name, refs,
		  urefs);
}

struct lab_buffer lab_message_at(int line, struct lab_thread *thread, mach_port_name_t port,
				 int32_t id)
{
	struct lab_buffer buffer = {0};
	mach_msg_return_t code = lab_receive_now(thread, port, &buffer);

	LAB_CHECK(code == MACH_MSG_SUCCESS, "line %d: receiving %d gives 0x%x", line, id,
		  (unsigned)code);
	LAB_CHECK(buffer.header.msgh_id == id, "line %d: message %d came, expected %d", line,
		  buffer.header.msgh_id, id);
	return buffer;
}

/* The security and audit tokens of what the daemon itself sends. */
static bool from_daemon(const struct lab_buffer *buffer)
{
	const security_token_t security = KERNEL_SECURITY_TOKEN_VALUE;
	const audit_token_t audit = KERNEL_AUDIT_TOKEN_VALUE;
	mach_msg_max_trailer_t trailer = lab_trailer(buffer);

	return !memcmp(&trailer.msgh_sender, &security, sizeof security) &&
	       !memcmp(&trailer.msgh_audit, &audit, sizeof audit);
}

/* How the numbers in a body are encoded, as MIG says it: here as this machine does. */
static bool ndr_good(const struct lab_buffer *buffer)
{
	static const uint8_t ndr[8] = {[4] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__};

	return !memcmp(buffer->bytes + sizeof buffer->header, ndr, sizeof ndr);
}

uint32_t lab_notice_at(int line, struct lab_thread *thread, mach_port_name_t port, int32_t id)
{
	struct lab_buffer buffer = lab_message_at(line, thread, port, id);
	uint32_t complex = id == MACH_NOTIFY_PORT_DESTROYED ? MACH_MSGH_BITS_COMPLEX : 0;

	LAB_CHECK(buffer.header.msgh_bits == (MACH_MSGH_BITS(0, MOVE_ONCE) | complex),
		  "line %d: bits 0x%x", line, buffer.header.msgh_bits);
	LAB_CHECK(buffer.header.msgh_remote_port == MACH_PORT_NULL, "line %d: reply", line);
	LAB_CHECK(buffer.header.msgh_local_port == port, "line %d: local", line);
	LAB_CHECK(buffer.header.msgh_voucher_port == MACH_PORT_NULL, "line %d: voucher", line);
	LAB_CHECK(from_daemon(&buffer), "line %d: the tokens are not the daemon's", line);
	if (id == MACH_NOTIFY_SEND_ONCE) {
		LAB_TRUE(buffer.header.msgh_size == 24);
		return 0;
	}
	if (id == MACH_NOTIFY_PORT_DESTROYED) {
		LAB_TRUE(buffer.header.msgh_size == 40);
		LAB_TRUE(lab_port(&buffer, 0).disposition == MACH_MSG_TYPE_PORT_RECEIVE);
		return lab_port(&buffer, 0).name;
	}
	LAB_CHECK(ndr_good(&buffer), "line %d: the body does not begin with NDR", line);
	return lab_notice_word(&buffer);
}

void lab_silent_at(int line, struct lab_thread *thread, mach_port_name_t port)
{
	struct lab_buffer buffer = {0};
	mach_msg_return_t code = lab_receive_now(thread, port, &buffer);

	LAB_CHECK(code == MACH_RCV_TIMED_OUT, "line %d: 0x%x and message %d, expected nothing",
		  line, (unsigned)code, buffer.header.msgh_id);
}

mach_port_name_t lab_new_port(struct lab_thread *thread)
{
	mach_port_name_t name;

	lab_ok(lab_allocate(thread, MACH_PORT_RIGHT_RECEIVE, &name));
	return name;
}

mach_port_name_t lab_new_service(struct lab_thread *thread)
{
	mach_port_name_t name = lab_new_port(thread);

	lab_ok(lab_insert_right(thread, name, name, MAKE_SEND));
	return name;
}

mach_port_name_t lab_new_set(struct lab_thread *thread)
{
	mach_port_name_t name;

	lab_ok(lab_allocate(thread, MACH_PORT_RIGHT_PORT_SET, &name));
	return name;
}

mach_port_name_t lab_new_dead_name(struct lab_thread *thread)
{
	mach_port_name_t name;

	lab_ok(lab_allocate(thread, MACH_PORT_RIGHT_DEAD_NAME, &name));
	return name;
}

mach_port_name_t lab_new_once(struct lab_thread *thread, mach_port_name_t port)
{
	mach_port_name_t name;
	uint32_t type;

	lab_ok(lab_extract_right(thread, port, MAKE_ONCE, &name, &type));
	LAB_TRUE(type == MOVE_ONCE);
	return name;
}

/* The way for lab_pass(): a name in the registry, for as long as it takes to look it up. */
static mach_port_name_t open_way(struct lab_thread *from, struct lab_thread *to,
				 mach_port_name_t *way)
{
	mach_port_name_t port;

	lab_ok(lab_check_in(to, "lab.pass", &port));
	lab_ok(lab_look_up(from, "lab.pass", way));
	return port;
}

mach_port_name_t lab_pass(struct lab_thread *from, mach_port_name_t name, uint32_t disposition,
			  struct lab_thread *to)
{
	mach_port_name_t way, port = open_way(from, to, &way);
	struct lab_buffer message;

	lab_compose(&message, way, from->task == to->task ? MAKE_SEND : MOVE_SEND, NOBODY, 0,
		    PASS_ID);
	lab_add_port(&message, name, disposition);
	lab_ok(lab_send_now(from, &message));
	message = lab_message(to, port, PASS_ID);
	lab_ok(lab_destroy(to, port));
	return lab_port(&message, 0).name;
}

mach_port_name_t lab_pass_task(struct lab_thread *from, struct lab_thread *to)
{
	mach_port_name_t name;

	lab_ok(lab_register(from, "lab.task", from->task->self));
	lab_ok(lab_look_up(to, "lab.task", &name));
	lab_ok(lab_register(from, "lab.task", MACH_PORT_NULL));
	return name;
}

mach_port_status_t lab_status(struct lab_thread *thread, mach_port_name_t port)
{
	mach_port_status_t status;
	uint32_t count = MACH_PORT_RECEIVE_STATUS_COUNT;

	lab_ok(lab_get_attributes(thread, port, MACH_PORT_RECEIVE_STATUS, (uint32_t *)&status,
				  &count));
	LAB_TRUE(count == MACH_PORT_RECEIVE_STATUS_COUNT);
	return status;
}

void lab_set_qlimit(struct lab_thread *thread, mach_port_name_t port, uint32_t qlimit)
{
	lab_ok(lab_set_attributes(thread, port, MACH_PORT_LIMITS_INFO, &qlimit, 1));
}

uint32_t lab_srights(struct lab_thread *thread, mach_port_name_t port)
{
	uint32_t srights;

	lab_ok(lab_get_srights(thread, port, &srights));
	return srights;
}

struct lab_buffer lab_to(mach_port_name_t dest, int32_t id)
{
	struct lab_buffer buffer;

	lab_compose(&buffer, dest, COPY_SEND, NOBODY, 0, id);
	return buffer;
}

void lab_fill(struct lab_thread *thread, mach_port_name_t dest, unsigned count, int32_t id)
{
	for (unsigned i = 0; i < count; i++) {
		struct lab_buffer buffer = lab_to(dest, id + (int32_t)i);

		lab_ok(lab_send_now(thread, &buffer));
	}
}

int lab_run(const char *name, void (*add_tests)(TCase *tcase))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
