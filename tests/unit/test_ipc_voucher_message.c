/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers in the headers of messages: which mistake is reported, what a refused one costs, who
 * gets the voucher and as what [8, 9.4, 10.2].
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_voucher.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port;	  /* of a, with a send right */
	mach_port_name_t dest;	  /* b's send right to it */
	mach_port_name_t voucher; /* of b, one reference */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.a);
	world.dest = lab_pass(world.a, world.port, COPY_SEND, world.b);
	world.voucher = lab_new_voucher(world.b, "words");
	return world;
}

static unsigned voucher_type(const struct lab_buffer *message)
{
	return MACH_MSGH_BITS_VOUCHER(message->header.msgh_bits);
}

/* b sends the voucher to a with that disposition. */
static void send_voucher(struct world *world, uint32_t disposition)
{
	struct lab_buffer message = lab_to(world->dest, 7);

	lab_carry(&message, world->voucher, disposition);
	lab_ok(lab_send_now(world->b, &message));
}

static struct lab_buffer receive(struct world *world, uint32_t option)
{
	struct lab_buffer message;

	lab_ok(lab_receive(world->a, world->port, &message, option | MACH_RCV_TIMEOUT, 0));
	return message;
}

/* --- which mistake is reported --- */

/* A message from b with these fields gives that code, and costs nothing. */
static void refused(struct world *world, mach_msg_return_t code, mach_port_name_t dest,
		    uint32_t dest_disposition, mach_port_name_t reply, uint32_t reply_disposition,
		    mach_port_name_t voucher, uint32_t disposition)
{
	struct lab_buffer message;

	lab_compose(&message, dest, dest_disposition, reply, reply_disposition, 1);
	lab_carry(&message, voucher, disposition);
	lab_is(code, lab_send_now(world->b, &message));
	lab_name_is(world->b, world->voucher, SEND, 1);
	lab_name_is(world->b, world->dest, SEND, 1);
	lab_audit(world->lab);
}

/* case 70 */
START_TEST(a_dead_name_is_no_voucher)
{
	struct world world = begin();
	mach_port_name_t dead = lab_new_dead_name(world.b);

	for (uint32_t disposition = 1; disposition < 32; disposition++)
		refused(&world, MACH_SEND_INVALID_VOUCHER, world.dest, COPY_SEND, 0, 0,
			MACH_PORT_DEAD, disposition);
	refused(&world, MACH_SEND_INVALID_VOUCHER, world.dest, COPY_SEND, 0, 0, dead, MOVE_SEND);
	lab_name_is(world.b, dead, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

/* case 71 */
START_TEST(what_is_no_voucher_beats_all_but_the_bits)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.b), missing = world.dest + 0x100000;
	const mach_port_name_t wrong[] = {port,
					  missing,
					  lab_new_port(world.b),
					  world.dest,
					  lab_new_set(world.b),
					  world.b->task->self};

	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		refused(&world, MACH_SEND_INVALID_VOUCHER, world.dest, COPY_SEND, 0, 0, wrong[i],
			COPY_SEND);
		refused(&world, MACH_SEND_INVALID_VOUCHER, missing, COPY_SEND, missing, MAKE_SEND,
			wrong[i], MOVE_SEND);
	}
	for (uint32_t disposition = 1; disposition < 32; disposition++)
		if (disposition != MOVE_SEND && disposition != COPY_SEND)
			refused(&world, MACH_SEND_INVALID_VOUCHER, world.dest, COPY_SEND, 0, 0,
				world.voucher, disposition);
	refused(&world, MACH_SEND_INVALID_HEADER, world.dest, 24, 0, 0, port, COPY_SEND);
	refused(&world, MACH_SEND_INVALID_DEST, MACH_PORT_NULL, COPY_SEND, 0, 0, port, COPY_SEND);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_good_voucher_does_not_hide_other_mistakes)
{
	struct world world = begin();
	mach_port_name_t missing = world.dest + 0x100000, once;

	once = lab_new_once(world.b, lab_new_port(world.b));
	refused(&world, MACH_SEND_INVALID_DEST, missing, COPY_SEND, missing, MAKE_SEND,
		world.voucher, MOVE_SEND);
	refused(&world, MACH_SEND_INVALID_REPLY, world.dest, COPY_SEND, missing, MAKE_SEND,
		world.voucher, MOVE_SEND);
	refused(&world, MACH_SEND_INVALID_DEST, once, COPY_SEND, 0, 0, world.voucher, MOVE_SEND);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_reply_is_never_the_voucher)
{
	struct world world = begin();
	mach_port_name_t v = world.voucher, missing = world.dest + 0x100000;

	refused(&world, MACH_SEND_INVALID_REPLY, world.dest, COPY_SEND, v, COPY_SEND, v, COPY_SEND);
	refused(&world, MACH_SEND_INVALID_DEST, missing, COPY_SEND, v, COPY_SEND, v, COPY_SEND);
	/* three equal names */
	refused(&world, MACH_SEND_INVALID_REPLY, v, COPY_SEND, v, COPY_SEND, v, COPY_SEND);
	refused(&world, MACH_SEND_INVALID_REPLY, v, MOVE_ONCE, v, MAKE_SEND, v, MOVE_SEND);
	lab_stop(world.lab);
}
END_TEST

/* --- a voucher as destination --- */

/* case 76 */
START_TEST(a_voucher_that_is_asked_answers)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b);
	struct lab_buffer message;

	lab_compose(&message, world.voucher, COPY_SEND, reply, MAKE_ONCE, 4711);
	lab_carry(&message, world.voucher, MOVE_SEND);
	lab_ok(lab_send_now(world.b, &message));
	lab_name_is(world.b, world.voucher, NO_NAME, 0);
	message = lab_message(world.b, reply, 4811);
	ck_assert_uint_eq(message.header.msgh_size, 36);
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), 0);
	lab_stop(world.lab);
}
END_TEST

/* case 77 */
START_TEST(a_pair_of_destination_and_voucher_needs_a_reference_for_each_move)
{
	struct world world = begin();
	mach_port_name_t v = world.voucher;
	struct lab_buffer message;

	refused(&world, MACH_SEND_INVALID_DEST, v, MOVE_SEND, 0, 0, v, MOVE_SEND);
	refused(&world, MACH_SEND_INVALID_DEST, v, MAKE_SEND, 0, 0, v, COPY_SEND);
	refused(&world, MACH_SEND_INVALID_DEST, v, MAKE_ONCE, 0, 0, v, COPY_SEND);
	refused(&world, MACH_SEND_INVALID_DEST, v, MOVE_ONCE, 0, 0, v, COPY_SEND);
	refused(&world, MACH_SEND_INVALID_REPLY, v, MOVE_SEND, world.dest, MAKE_SEND, v, MOVE_SEND);
	lab_ok(lab_mod_refs(world.b, v, MACH_PORT_RIGHT_SEND, 2));
	lab_compose(&message, v, MOVE_SEND, NOBODY, 0, 1);
	lab_carry(&message, v, MOVE_SEND);
	lab_ok(lab_send_now(world.b, &message));
	lab_name_is(world.b, v, SEND, 1);
	lab_compose(&message, v, COPY_SEND, MACH_PORT_DEAD, MAKE_SEND, 1);
	lab_carry(&message, v, COPY_SEND);
	lab_ok(lab_send_now(world.b, &message));
	lab_name_is(world.b, v, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- who gets it --- */

/* case 73 */
START_TEST(who_does_not_ask_for_it_does_not_get_it)
{
	struct world world = begin();
	struct lab_buffer message;

	send_voucher(&world, MOVE_SEND);
	lab_name_is(world.b, world.voucher, NO_NAME, 0);
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), 1);
	message = receive(&world, 0);
	ck_assert_uint_eq(voucher_type(&message), 0);
	ck_assert_uint_eq(message.header.msgh_voucher_port, MACH_PORT_NULL);
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_asks_for_it_gets_it)
{
	struct world world = begin();
	struct lab_buffer message;
	char text[8];
	uint32_t size = sizeof text;

	send_voucher(&world, COPY_SEND);
	message = receive(&world, MACH_RCV_VOUCHER);
	ck_assert_uint_eq(voucher_type(&message), MACH_MSG_TYPE_PORT_SEND);
	lab_name_is(world.a, message.header.msgh_voucher_port, SEND, 1);
	lab_ok(lab_extract_content(world.a, message.header.msgh_voucher_port,
				   MACH_VOUCHER_ATTR_KEY_USER_DATA, text, &size));
	ck_assert_mem_eq(text, "words", 5);
	lab_name_is(world.b, world.voucher, SEND, 1);
	send_voucher(&world, MOVE_SEND);
	lab_name_is(world.b, world.voucher, NO_NAME, 0);
	message = receive(&world, MACH_RCV_VOUCHER);
	lab_name_is(world.a, message.header.msgh_voucher_port, SEND, 2);
	lab_stop(world.lab);
}
END_TEST

/* case 74 */
START_TEST(to_oneself_it_is_one_reference_more)
{
	struct world world = begin();
	mach_port_name_t voucher = lab_new_voucher(world.a, "mine");
	struct lab_buffer message = lab_to(world.port, 7);

	lab_carry(&message, voucher, COPY_SEND);
	lab_ok(lab_send_now(world.a, &message));
	message = receive(&world, MACH_RCV_VOUCHER);
	ck_assert_uint_eq(message.header.msgh_voucher_port, voucher);
	lab_name_is(world.a, voucher, SEND, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receiver_that_waits_gets_it_as_well)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &message, MACH_RCV_VOUCHER, 0));
	send_voucher(&world, MOVE_SEND);
	lab_ok(lab_wait(world.a));
	lab_name_is(world.a, message.header.msgh_voucher_port, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_null_voucher_and_the_field_without_one)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 7);

	lab_carry(&message, MACH_PORT_NULL, COPY_SEND);
	lab_ok(lab_send_now(world.b, &message));
	lab_ok(lab_send_now(world.b, &message));
	message = receive(&world, MACH_RCV_VOUCHER);
	ck_assert_uint_eq(voucher_type(&message), MACH_MSG_TYPE_PORT_SEND);
	ck_assert_uint_eq(message.header.msgh_voucher_port, MACH_PORT_NULL);
	message = receive(&world, 0);
	ck_assert_uint_eq(voucher_type(&message), 0);
	message = lab_to(world.dest, 7);
	message.header.msgh_voucher_port = world.voucher; /* a number like any other */
	lab_ok(lab_send_now(world.b, &message));
	message = receive(&world, MACH_RCV_VOUCHER);
	ck_assert_uint_eq(voucher_type(&message), 0);
	ck_assert_uint_eq(message.header.msgh_voucher_port, world.voucher);
	lab_stop(world.lab);
}
END_TEST

/* A table of `free` free entries. */
static void fill_table(struct world *world, unsigned free_entries)
{
	struct machd_limits limits;
	mach_port_name_t name, last[4];
	unsigned count = 0;

	machd_limits_init(&limits);
	limits.names_per_task = 64;
	lab_limits(world->lab, &limits);
	while (lab_allocate(world->a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		last[count++ % 4] = name;
	for (unsigned i = 0; i < free_entries; i++)
		lab_ok(lab_destroy(world->a, last[i]));
}

/* Both have to fit, and even a name that is there already needs a free entry. */
START_TEST(without_room_for_reply_and_voucher_nothing_is_received)
{
	for (unsigned room = 0; room < 3; room++) {
		struct world world = begin();
		mach_port_name_t reply = lab_new_port(world.b);
		struct lab_buffer message;
		mach_msg_return_t code;

		fill_table(&world, room);
		lab_compose(&message, world.dest, COPY_SEND, reply, MAKE_ONCE, 7);
		lab_carry(&message, world.voucher, COPY_SEND);
		lab_ok(lab_send_now(world.b, &message));
		code = lab_receive(world.a, world.port, &message,
				   MACH_RCV_VOUCHER | MACH_RCV_TIMEOUT, 0);
		if (room < 2) {
			lab_is(MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE, code);
			ck_assert_uint_eq(message.header.msgh_size, 24);
			ck_assert_uint_eq(message.header.msgh_voucher_port, MACH_PORT_NULL);
			ck_assert_uint_eq(voucher_type(&message), MACH_MSG_TYPE_PORT_SEND);
			lab_notice(world.b, reply, MACH_NOTIFY_SEND_ONCE);
		} else {
			lab_ok(code);
		}
		lab_stop(world.lab);
	}
}
END_TEST

/* One entry is enough for a receiver that does not want the voucher. */
START_TEST(a_voucher_that_is_dropped_needs_no_room)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b);
	struct lab_buffer message;

	fill_table(&world, 1);
	lab_compose(&message, world.dest, COPY_SEND, reply, MAKE_ONCE, 7);
	lab_carry(&message, world.voucher, MOVE_SEND);
	lab_ok(lab_send_now(world.b, &message));
	lab_ok(lab_receive(world.a, world.port, &message, MACH_RCV_TIMEOUT, 0));
	lab_stop(world.lab);
}
END_TEST

START_TEST(of_a_message_that_is_too_large_the_voucher_is_lost)
{
	struct world world = begin();
	uint8_t bytes[24];
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_VOUCHER | MACH_RCV_TIMEOUT,
			      .receive = bytes,
			      .receive_size = sizeof bytes,
			      .receive_name = world.port};
	mach_msg_header_t header;

	send_voucher(&world, MOVE_SEND);
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &msg));
	memcpy(&header, bytes, sizeof header);
	ck_assert_uint_eq(header.msgh_voucher_port, MACH_PORT_NULL);
	ck_assert_uint_eq(MACH_MSGH_BITS_VOUCHER(header.msgh_bits), MACH_MSG_TYPE_PORT_SEND);
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), 0);
	lab_stop(world.lab);
}
END_TEST

/* case 137 */
START_TEST(what_could_not_be_sent_comes_back)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 7);

	lab_set_qlimit(world.a, world.port, 0);
	lab_carry(&message, world.voucher, COPY_SEND);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.b, &message));
	ck_assert_uint_eq(voucher_type(&message), COPY_SEND);
	ck_assert_uint_eq(message.header.msgh_voucher_port, world.voucher);
	lab_name_is(world.b, world.voucher, SEND, 1);
	message = lab_to(world.dest, 7);
	lab_carry(&message, world.voucher, MOVE_SEND);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.b, &message));
	ck_assert_uint_eq(voucher_type(&message), MOVE_SEND);
	lab_name_is(world.b, message.header.msgh_voucher_port, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/* In a queue, with a blocked sender, and with the whole machine. */
START_TEST(vouchers_end_with_messages_that_nobody_receives)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 7);

	send_voucher(&world, COPY_SEND);
	lab_ok(lab_destroy(world.a, world.port));
	lab_name_is(world.b, world.voucher, SEND, 1);
	lab_audit(world.lab);
	world.port = lab_new_service(world.a);
	lab_set_qlimit(world.a, world.port, 0);
	message.header.msgh_remote_port = lab_pass(world.a, world.port, COPY_SEND, world.b);
	lab_carry(&message, world.voucher, MOVE_SEND);
	lab_set_qlimit(world.a, world.port, 0);
	lab_is(LAB_BLOCKED, lab_send(world.b, &message, 0, 0));
	lab_kill(world.b->task);
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_vouchers), 0);
	world.voucher = lab_new_voucher(world.a, "mine");
	message = lab_to(world.port, 7);
	lab_set_qlimit(world.a, world.port, 5);
	lab_carry(&message, world.voucher, COPY_SEND);
	lab_ok(lab_send_now(world.a, &message));
	lab_stop_at_once(world.lab);
}
END_TEST

/* --- the bank's values on their way --- */

static uint32_t bank_word(struct lab_thread *thread, mach_port_name_t voucher, uint32_t command)
{
	uint32_t word = 0, size = sizeof word;

	lab_ok(lab_voucher_command(thread, voucher, MACH_VOUCHER_ATTR_KEY_BANK, command, NULL, 0,
				   &word, &size));
	return word;
}

START_TEST(the_receiver_of_a_bank_value_works_for_the_sender)
{
	struct world world = begin();
	struct persona_token token;
	uint32_t size = sizeof token;
	struct lab_buffer message;
	mach_port_name_t account, redeemed;

	world.voucher = lab_new_bank(world.b);
	send_voucher(&world, COPY_SEND);
	message = receive(&world, MACH_RCV_VOUCHER);
	account = message.header.msgh_voucher_port;
	ck_assert_uint_eq(bank_word(world.a, account, BANK_ORIGINATOR_PID), (uint32_t)world.b->pid);
	lab_ok(lab_voucher_command(world.a, account, MACH_VOUCHER_ATTR_KEY_BANK, BANK_PERSONA_TOKEN,
				   NULL, 0, &token, &size));
	ck_assert_int_eq(token.originator.pid, world.b->pid);
	ck_assert_int_eq(token.proximate.pid, world.b->pid);
	ck_assert_uint_eq(token.originator.uid, 1000);
	/* The receiver can redeem it, nobody else can. */
	lab_ok(lab_one_recipe(world.a, MACH_VOUCHER_ATTR_KEY_BANK, MACH_VOUCHER_ATTR_REDEEM,
			      account, NULL, 0, &redeemed));
	ck_assert_uint_eq(redeemed, account);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_one_recipe(world.b, MACH_VOUCHER_ATTR_KEY_BANK, MACH_VOUCHER_ATTR_REDEEM,
			      lab_pass(world.a, account, COPY_SEND, world.b), NULL, 0, &redeemed));
	lab_is(KERN_NO_ACCESS,
	       lab_one_recipe(world.a, MACH_VOUCHER_ATTR_KEY_BANK,
			      MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA, account, NULL, 0, &redeemed));
	lab_stop(world.lab);
}
END_TEST

/* What one sends to oneself is one's own again: the same voucher. */
START_TEST(a_bank_value_to_oneself_stays_what_it_is)
{
	struct world world = begin();
	mach_port_name_t voucher = lab_new_bank(world.a);
	struct lab_buffer message = lab_to(world.port, 7);

	lab_carry(&message, voucher, COPY_SEND);
	lab_ok(lab_send_now(world.a, &message));
	message = receive(&world, MACH_RCV_VOUCHER);
	ck_assert_uint_eq(message.header.msgh_voucher_port, voucher);
	lab_name_is(world.a, voucher, SEND, 2);
	lab_stop(world.lab);
}
END_TEST

/* The persona that a server of one uid works under for a client of another. */
static uint32_t persona_for(uint32_t server_uid, uint32_t client_uid, uint32_t *server_own,
			    uint32_t *client_own)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *server = lab_task(lab, server_uid)->thread;
	struct lab_thread *client = lab_task(lab, client_uid)->thread;
	mach_port_name_t port, dest, bank = lab_new_bank(client);
	struct lab_buffer message;
	uint32_t persona;

	*server_own = bank_word(server, lab_new_bank(server), BANK_PERSONA_ID);
	*client_own = bank_word(client, bank, BANK_PERSONA_ID);
	lab_ok(lab_check_in(server, "server", &port));
	/* Root finds the services of others, others don't find root's. */
	if (server_uid == 0)
		dest = lab_pass(server, port, MAKE_SEND, client);
	else
		lab_ok(lab_look_up(client, "server", &dest));
	message = lab_to(dest, 7);
	lab_carry(&message, bank, COPY_SEND);
	lab_ok(lab_send_now(client, &message));
	lab_ok(lab_receive(server, port, &message, MACH_RCV_VOUCHER | MACH_RCV_TIMEOUT, 0));
	persona = bank_word(server, message.header.msgh_voucher_port, BANK_PERSONA_ID);
	lab_stop(lab);
	return persona;
}

START_TEST(only_root_works_under_any_persona)
{
	uint32_t server, client;

	ck_assert_uint_eq(persona_for(0, 1000, &server, &client), client);
	ck_assert_uint_ne(server, client);
	ck_assert_uint_eq(persona_for(1000, 0, &server, &client), server);
	ck_assert_uint_ne(server, client);
	ck_assert_uint_ne(client, 0);
}
END_TEST

/* --- priority --- */

/* The QoS that the first message on a's port has; it is received. */
static mach_msg_qos_t queued_qos(struct world *world)
{
	struct ipc_entry *entry = ipc_entry_lookup(world->a->ipc->th_task->t_space, world->port);
	mach_msg_qos_t qos = ipc_qos_of_head(&entry->ie_port->ip_messages);

	receive(world, 0);
	return qos;
}

/* Options and argument of a send give a message that QoS, with or without a voucher [18]. */
START_TEST(a_message_takes_its_priority_from_the_voucher)
{
	const uint32_t user_initiated = 0x10ff, background = 0x02ff;
	struct world world = begin();
	mach_port_name_t voucher;
	struct lab_buffer message = lab_to(world.dest, 7);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			      .send = &message,
			      .send_size = sizeof message.header};

	lab_ok(lab_one_recipe(world.b, MACH_VOUCHER_ATTR_KEY_PTHPRIORITY,
			      MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, MACH_PORT_NULL, &user_initiated,
			      4, &voucher));
	lab_carry(&message, voucher, COPY_SEND);
	lab_ok(lab_msg(world.b, &msg));
	ck_assert_uint_eq(queued_qos(&world), MACH_MSG_QOS_USER_INITIATED);
	/* It beats the thread's own. */
	msg.option |= MACH_SEND_PROPAGATE_QOS;
	msg.thread_priority = background;
	lab_ok(lab_msg(world.b, &msg));
	ck_assert_uint_eq(queued_qos(&world), MACH_MSG_QOS_USER_INITIATED);
	/* The sender's word beats both. */
	msg.option |= MACH_SEND_OVERRIDE;
	msg.priority = mach_msg_priority_encode(0, MACH_MSG_QOS_UTILITY, 0);
	lab_ok(lab_msg(world.b, &msg));
	ck_assert_uint_eq(queued_qos(&world), MACH_MSG_QOS_UTILITY);
	/* A voucher that says nothing of it changes nothing. */
	message = lab_to(world.dest, 7);
	lab_carry(&message, world.voucher, COPY_SEND);
	msg.option &= ~(uint64_t)MACH_SEND_OVERRIDE;
	lab_ok(lab_msg(world.b, &msg));
	ck_assert_uint_eq(queued_qos(&world), MACH_MSG_QOS_BACKGROUND);
	lab_stop(world.lab);
}
END_TEST

/* --- memory --- */

static bool short_of_memory(mach_msg_return_t code)
{
	code &= ~MACH_MSG_MASK;
	return code == MACH_SEND_NO_BUFFER || code == MACH_RCV_HEADER_ERROR ||
	       code == MACH_SEND_TIMED_OUT;
}

/* Sending and receiving a voucher that changes on its way, with each allocation failing in turn. */
START_TEST(running_out_of_memory_loses_no_voucher)
{
	bool failed = true;

	for (uint64_t n = 1; failed; n++) {
		struct world world = begin();
		struct lab_buffer message = lab_to(world.dest, 7);
		mach_msg_return_t code;

		lab_carry(&message, lab_new_bank(world.b), MOVE_SEND);
		mem_fail_after(n);
		code = lab_send_now(world.b, &message);
		failed = code != MACH_MSG_SUCCESS;
		if (!failed) {
			code = lab_receive(world.a, world.port, &message,
					   MACH_RCV_VOUCHER | MACH_RCV_TIMEOUT, 0);
			failed = code != MACH_MSG_SUCCESS;
		}
		mem_fail_after(0);
		LAB_CHECK(!failed || short_of_memory(code), "0x%x", (unsigned)code);
		lab_stop(world.lab);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_dead_name_is_no_voucher);
	tcase_add_test(tests, what_is_no_voucher_beats_all_but_the_bits);
	tcase_add_test(tests, a_good_voucher_does_not_hide_other_mistakes);
	tcase_add_test(tests, the_reply_is_never_the_voucher);
	tcase_add_test(tests, a_voucher_that_is_asked_answers);
	tcase_add_test(tests, a_pair_of_destination_and_voucher_needs_a_reference_for_each_move);
	tcase_add_test(tests, who_does_not_ask_for_it_does_not_get_it);
	tcase_add_test(tests, who_asks_for_it_gets_it);
	tcase_add_test(tests, to_oneself_it_is_one_reference_more);
	tcase_add_test(tests, a_receiver_that_waits_gets_it_as_well);
	tcase_add_test(tests, the_null_voucher_and_the_field_without_one);
	tcase_add_test(tests, without_room_for_reply_and_voucher_nothing_is_received);
	tcase_add_test(tests, a_voucher_that_is_dropped_needs_no_room);
	tcase_add_test(tests, of_a_message_that_is_too_large_the_voucher_is_lost);
	tcase_add_test(tests, what_could_not_be_sent_comes_back);
	tcase_add_test(tests, vouchers_end_with_messages_that_nobody_receives);
	tcase_add_test(tests, the_receiver_of_a_bank_value_works_for_the_sender);
	tcase_add_test(tests, a_bank_value_to_oneself_stays_what_it_is);
	tcase_add_test(tests, only_root_works_under_any_persona);
	tcase_add_test(tests, a_message_takes_its_priority_from_the_voucher);
	tcase_add_test(tests, running_out_of_memory_loses_no_voucher);
}

int main(void)
{
	return lab_run("ipc_voucher_message", add_tests);
}
