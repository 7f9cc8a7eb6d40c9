/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the model. */
#pragma once

#include "tests/model/model.h"

#define M_BLOCKED  0xffffffffu /* no code: the thread waits */
#define M_ANSWERED 0xfffffffeu /* no code: the answer is due already */

/* --- model.c --- */

/* Zeroed memory that lives as long as the model. */
void *m_alloc(struct model *model, size_t size);

struct m_port *m_port_new(struct model *model, struct m_user *user);

/* From now on it counts for its user only while somebody holds something of it. */
void m_port_doubt(struct m_port *port);

/* A new entry; there must be room. */
struct m_entry *m_entry_new(struct model *model, struct m_task *task, uint32_t type,
			    uint32_t urefs);
void m_entry_free(struct m_entry *entry);
void m_name_freed(struct m_task *task, mach_port_name_t name);

/* An entry is looked at: what was a right to a dead port is a dead name from then on. */
struct m_entry *m_look(const struct m_task *task, mach_port_name_t name);

/* A count of user references after a change; one that got to the top stays there. */
uint32_t m_urefs(uint32_t urefs, int64_t delta);

/* Begin an answer of `size` bytes, all of which matter. */
void m_answer(struct model *model, struct m_thread *thread, uint32_t code, uint32_t size);
/* The same to a mach_msg, with `size` bytes for a buffer. */
void m_message_answer(struct model *model, struct m_thread *thread, uint32_t code, uint32_t size);
void m_answer_word(struct m_answer *answer, uint32_t offset, uint32_t word);
void m_answer_name(struct m_answer *answer, uint32_t offset, struct m_entry *entry);
void m_answer_ignore(struct m_answer *answer, uint32_t offset, uint32_t size);

/* --- model_limit.c --- */

struct m_user *m_user_of(struct model *model, uint32_t uid);

/* Make room for so many names, or up to an index: KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE. */
uint32_t m_lack(struct model *model, struct m_task *task, unsigned count);
uint32_t m_grow_to(struct model *model, struct m_task *task, uint32_t index);

bool m_may_make_port(struct model *model, const struct m_thread *thread, const struct m_user *user);
/* The same where the model cannot say, and the machine has: it refused or did not. */
bool m_may_make(struct model *model, const struct m_user *user, bool refused);
bool m_may_send(const struct model *model, const struct m_thread *thread, const struct m_msg *msg);

/* A message that is paid for from now on, or is no more; its timer may send another. */
void m_msg_begins(struct m_user *user, struct m_msg *msg);
void m_msg_over(const struct model *model, struct m_msg *msg);

/* The same, and there is room. */
bool m_room(struct model *model, struct m_task *task);
bool m_room_for(struct model *model, struct m_task *task, unsigned count);

/* --- model_right.c: rights in and out of spaces --- */

/* The type as which a right arrives that is sent with this disposition; 0: no such disposition. */
uint32_t m_received_type(uint32_t disposition);

/* What a right is wanted for. */
enum m_use {
	M_FOR_DEST,   /* of a message */
	M_FOR_REPLY,  /* its reply field */
	M_FOR_BODY,   /* its body, if a task will receive it */
	M_FOR_DAEMON, /* or nobody will */
	M_FOR_CALL,
	M_FOR_ITSELF, /* one reference more */
};

/* The right is there and refused: it stays where it is [4.1, 16.3, 16.5, 17.1]. */
bool m_stays(const struct m_entry *entry, uint32_t disposition, enum m_use use);
bool m_copyin_good(const struct m_entry *entry, uint32_t disposition, enum m_use use);

/* Notifications of names that were freed, put off until a message header is in. */
struct m_deleted {
	unsigned count;
	struct m_port *notify[4];
	mach_port_name_t name[4];
};
void m_deleted_send(struct model *model, struct m_deleted *deleted);

struct m_right m_copyin(struct model *model, struct m_entry *entry, uint32_t disposition,
			struct m_deleted *deleted);

/*
 * Put a right into a space. The entry, or NULL with the name in *name: MACH_PORT_DEAD, or
 * MACH_PORT_NULL if the right was destroyed for lack of room; that is a bit in *full.
 */
struct m_entry *m_copyout(struct model *model, struct m_task *task, struct m_right right,
			  mach_port_name_t *name, uint32_t *full);

/* The same into a chosen entry without checks. */
void m_merge(struct model *model, struct m_entry *entry, struct m_right right);

/* Destroy a right that is in no space. */
void m_right_destroy(struct model *model, struct m_right right);
void m_release_send(struct model *model, struct m_port *port);

/* Take an entry's request away: the send-once right it held, or NULL. */
struct m_port *m_request_take(struct m_entry *entry);

/* The whole entry goes, as in mach_port_destroy and with its task. */
void m_entry_destroy(struct model *model, struct m_entry *entry);
void m_set_destroy(struct model *model, struct m_set *set);

/* A receive right is in no space any more: its port dies, unless somebody asked for it. */
void m_port_end(struct model *model, struct m_port *port);

/* A receive right contains, through any number of messages, the queue it would be put on. */
bool m_circular(const struct m_port *port, const struct m_port *dest);

/* A receive right leaves its holder. */
void m_clear_receiver(struct model *model, struct m_port *port);

/* --- model_notify.c: what the daemon says by itself --- */

/* Notifications; each takes a send-once right to `notify`. */
void m_notify_word(struct model *model, struct m_port *notify, int32_t id, uint32_t word,
		   unsigned group);
void m_notify_send_once(struct model *model, struct m_port *notify);
void m_notify_destroyed(struct model *model, struct m_port *notify, struct m_port *port);

/* A message of the daemon with a body of so many zeros. */
struct m_msg *m_kernel_msg(struct model *model, struct m_right dest, int32_t id, uint32_t size);

/* Armed send-possible requests fire. */
void m_send_possible(struct model *model, struct m_port *port);

/* A message to one of the daemon's own objects. Returns a reply for which there is no room. */
struct m_msg *m_kernel_message(struct model *model, struct m_msg *msg);

/* --- model_body.c: descriptors --- */

/* Sizes, types and contents, before any right moves: a code, and the parts of the message. */
uint32_t m_body_check(struct model *model, const struct m_thread *thread, const struct m_sent *sent,
		      unsigned count, struct m_msg *msg);

/* Take the rights of a body; if one is refused, after those before it. */
uint32_t m_copyin_body(struct model *model, struct m_thread *thread, struct m_msg *msg);

/* Where the body is, for a client with pointers of so many bits, and bytes in all. */
uint32_t m_body_at(const struct m_msg *msg, unsigned word);
uint32_t m_msg_size(const struct m_msg *msg, unsigned word);

/* Bytes of the packet with its memory. */
uint32_t m_memory_size(const struct m_msg *msg);

/*
 * The descriptors as they are received, or given back, and their memory; bits of a code if there
 * was no room for a name.
 */
uint32_t m_put_parts(struct model *model, struct m_thread *thread, struct m_msg *msg,
		     bool giving_back);

/* --- model_purpose.c: ports that are made for something --- */

/* The flags of mach_port_construct: a code, and what they make of a new port. */
uint32_t m_check_purpose(const struct m_task *caller, uint32_t flags);
void m_apply_purpose(const struct m_task *task, struct m_port *port, uint32_t flags);

/* Does the destination take this message, and a reply to this right? */
uint32_t m_check_policy(const struct model *model, const struct m_task *task,
			const struct m_msg *msg);
bool m_reply_fits(const struct model *model, const struct m_entry *dest,
		  const struct m_entry *reply);

/* The receive right of a service port leaves its holder, or has a new one. */
void m_service_leaves(struct m_port *port);
void m_service_arrives(struct m_port *port);

/* --- model_queue.c: messages and who waits for them --- */

/* Give a message to a waiting receiver or queue it. */
void m_post(struct model *model, struct m_port *port, struct m_msg *msg);
bool m_full(const struct model *model, const struct m_port *port);

/* The rights of a message that was never sent are destroyed. */
void m_msg_clean(struct model *model, struct m_msg *msg);

/* Destroy a message with its rights; nested ones one after the other. */
void m_msg_destroy(struct model *model, struct m_msg *msg);

/* The receive half of mach_msg. */
void m_receive(struct model *model, struct m_thread *thread);

/* Everyone who waits on this list is told that the port or set changed. */
void m_wake_receivers(struct model *model, struct m_threads *threads);

void m_stop_waiting(struct m_thread *thread);
void m_grant_slot(struct model *model, struct m_port *port);
void m_set_qlimit(struct model *model, struct m_port *port, uint32_t qlimit);

struct m_member *m_member_find(struct m_port *port, const struct m_set *set);
void m_member_add(struct model *model, struct m_port *port, struct m_set *set);
void m_member_remove(struct m_member *member);

/* A name field: of an entry, or as it is. */
void m_put_name(struct m_answer *answer, uint32_t at, struct m_entry *entry, mach_port_name_t name);

/* Write a message as its receiver or its sender finds it; the code's additional bits. */
uint32_t m_place_message(struct model *model, struct m_thread *thread, struct m_msg *msg,
			 struct m_port *port);
uint32_t m_trailer_size(uint64_t option, unsigned word);

/* Auxiliary data are the last thing in an answer. */
void m_put_aux(struct m_answer *answer, uint32_t at, const uint8_t *aux, uint32_t size);

/* What a trailer says; it is cut at the end of the answer. `error`: of a message that was lost. */
void m_put_trailer(struct m_answer *answer, uint32_t at, uint32_t size, const struct m_msg *msg,
		   uint32_t seqno, uint64_t context, bool error);

/* --- model_attr.c: what vouchers say --- */

/* Carry packed recipes out for a task: a code, and the values of M_KEYS keys. */
uint32_t m_run_recipes(const struct model *model, const struct m_task *task, const uint8_t *bytes,
		       uint32_t size, struct m_value *values);

/* What the values become when a task sends them, or has received them. */
void m_values_sent(const struct model *model, const struct m_task *task, struct m_value *values);
void m_values_received(const struct model *model, const struct m_task *task,
		       struct m_value *values);

/* The value as the task sees it: who does his own work is that task. */
struct m_bank m_bank_seen(const struct m_task *task, const struct m_value *value);

/* --- model_voucher.c --- */

/* The entry of a name that is a voucher, or NULL. */
struct m_entry *m_voucher_entry(const struct m_task *task, mach_port_name_t name);

/* The voucher of a header that is sent: alone, and as destination at the same time; a code. */
uint32_t m_voucher_check(const struct m_task *task, const mach_msg_header_t *header);
uint32_t m_voucher_check_dest(const struct m_task *task, const mach_msg_header_t *header);

/* The same for what it becomes: MACH_SEND_NO_BUFFER, or a send right, of none if there is none. */
uint32_t m_voucher_prepare(struct model *model, struct m_thread *thread,
			   const mach_msg_header_t *header, struct m_right *right);

/* The right is taken, and the message has the one that was prepared. */
void m_voucher_copyin(struct model *model, struct m_task *task, const mach_msg_header_t *header,
		      struct m_msg *msg, struct m_deleted *deleted);

/* What it becomes in the hands of its receiver; false: there is no room for that. */
bool m_voucher_redeem(struct model *model, struct m_thread *thread, struct m_msg *msg);

/* The voucher where it is received, or given back; the disposition for the header. */
uint32_t m_put_voucher(struct model *model, struct m_thread *thread, struct m_msg *msg, uint32_t at,
		       bool giving_back, uint32_t *full);

/* --- model_boot.c --- */

/* Answer with a right; without room for a name the reply is received in part. */
uint32_t m_give_port(struct model *model, struct m_thread *thread, struct m_right right);

/* A bootstrap port's names; `above` is NULL for the first one. */
struct m_table *m_table_new(struct model *model, struct m_port *port, struct m_table *above);

/* Nobody has a right to a bootstrap port below the first any more. */
void m_subset_orphaned(struct model *model, struct m_port *port);

/* A port has died: its subsets and its names go. */
void m_services_end(struct model *model, struct m_port *port);

/* A receive right is given up: is it kept for who comes next? */
bool m_service_back(struct model *model, struct m_port *port);

/* --- model_special.c --- */

uint32_t m_special_port_get(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which);
uint32_t m_special_port_set(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which, mach_port_name_t name);
uint32_t m_ports_register(struct model *model, struct m_thread *thread, struct m_task *task,
			  const mach_port_name_t *names, unsigned count);
uint32_t m_ports_lookup(struct model *model, struct m_thread *thread, struct m_task *task);

/* --- model_eventlink.c --- */

void m_thread_end(struct model *model, struct m_thread *thread);
void m_eventlink_give_up(struct model *model, struct m_thread *thread, uint32_t code);
void m_eventlink_orphaned(struct model *model, struct m_port *port);

/* --- model_strict.c: strict replies --- */

/* May a send have this reply? Before anything is taken, and with the header taken. */
bool m_strict_reply_good(const struct model *model, const struct m_thread *thread,
			 const mach_msg_header_t *header);
bool m_strict_port_good(const struct model *model, const struct m_thread *thread,
			const struct m_msg *msg);

/* A message goes to a queue: MACH_SEND_INVALID_CONTEXT, or success. */
uint32_t m_strict_context(const struct model *model, const struct m_thread *thread,
			  const struct m_msg *msg);

/* Its reply right goes to a receiver: MACH_RCV_INVALID_REPLY, or success. */
uint32_t m_strict_receive(const struct model *model, const struct m_thread *thread,
			  const struct m_msg *msg);

/* --- model_importance.c --- */

/* Of a port, and of all that is in its queue. */
uint32_t m_port_boosts(const struct model *model, const struct m_port *port);

/* Is who does it important? */
bool m_important(const struct model *model, const struct m_task *task);

/* The task is about to ask when there is room: the first one that is important counts. */
void m_importance_asked(const struct model *model, const struct m_task *task, struct m_port *port);

/* Has a message that the task receives, and wants the voucher of, something to inherit? It does. */
bool m_inherit_due(const struct m_task *task, const struct m_msg *msg);
void m_inherit_value(const struct m_task *task, const struct m_msg *msg, struct m_value *value);
void m_inherit(struct model *model, const struct m_task *task, struct m_msg *msg);

/* A voucher is gone. */
void m_inherit_over(struct model *model, const struct m_port *voucher);

/* What is donated follows who donates. */
void m_importance_settle(struct model *model);

/* Does what a thread sends bring importance? To be asked before a right is taken. */
bool m_donates(const struct model *model, const struct m_thread *thread);

/* The same: is the right to reply one that makes who has it important? */
bool m_lends(const struct m_thread *thread, const mach_msg_header_t *header);

/* The message goes to a queue; it is received with this right to reply: does it say so? */
void m_importance_send(const struct model *model, const struct m_task *task, struct m_msg *msg);
bool m_importance_received(struct m_msg *msg, struct m_entry *reply);

/* --- model_bell.c --- */

/* Messages wait on what these hang on; none any more; it has gone. */
void m_knotes_ready(struct m_knotes *knotes);
void m_knotes_quiet(struct m_knotes *knotes);
void m_knotes_gone(const struct model *model, struct m_knotes *knotes);

/* The bells of a task that dies. */
void m_bells_end(struct model *model, const struct m_task *task);

/* --- model_file.c --- */
void m_file_orphaned(struct model *model, struct m_port *port);

/* --- model_object.c --- */

/* The semaphores of a task that dies; and one whose last send right is gone. */
void m_semaphores_end(struct model *model, const struct m_task *task);
void m_semaphore_orphaned(struct model *model, struct m_port *port);

/* --- model_send.c --- */

/* Copyin of a name that is good, or NULL or DEAD, which go as they are. */
struct m_right m_copyin_name(struct model *model, struct m_task *task, mach_port_name_t name,
			     uint32_t disposition, struct m_deleted *deleted);

/* A reply of the daemon that its thread waited with is lost, and the call goes on. */
void m_lose_reply(struct model *model, struct m_thread *thread, struct m_msg *msg);

/* The send half: a code, M_BLOCKED or M_ANSWERED. */
uint32_t m_send(struct model *model, struct m_thread *thread, const struct m_sent *sent);

/* Quality of service (model_qos.c): of a message, of those in front of it, and of who waits. */
void m_stamp(const struct model *model, struct m_msg *msg, const struct machd_message_args *args);
void m_raise_queue(const struct model *model, struct m_port *port, const struct m_msg *msg);
void m_raise_head(struct m_port *port, const struct machd_message_args *args);
void m_queue_sender(struct m_thread *thread);

/* A blocked sender gives up: the message goes back to it. */
void m_give_back(struct model *model, struct m_thread *thread, struct m_msg *msg, uint32_t code);

/* Senders that were woken go on. */
void m_settle(struct model *model);

/* Does the call receive, once it has sent? */
static inline bool m_receives(const struct m_thread *thread)
{
	return thread->args.option & MACH_RCV_MSG;
}

/* A task's right to its own port: the last reference stays [16.3]. */
static inline bool m_pinned(const struct m_entry *entry)
{
	return entry->port && entry->port == entry->task->self;
}

/* Nor does a send right like that go to another task, or one to a thread or a connection [16.3]. */
static inline bool m_kept(const struct m_entry *entry)
{
	const struct m_port *port = entry->port;

	return m_pinned(entry) ||
	       (port && (port->connection || (port->thread && port->thread->task == entry->task)));
}

/* Nobody gets a name for a right to a marked reply port: it goes when the message comes back. */
static inline bool m_swallowed(const struct m_msg *msg)
{
	return msg->reply.port && msg->reply.port->only_reply;
}

/* A thread's special reply port from now on, or none. */
static inline void m_bind_special(struct m_thread *thread, struct m_port *port)
{
	if (thread->special)
		thread->special->special = false;
	if (port)
		port->special = true;
	thread->special = port;
}
