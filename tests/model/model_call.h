/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that hold the model's routines. */
#pragma once

#include "tests/model/model_private.h"

#define CALL_HEAD ((uint32_t)sizeof(struct machd_call_answer))
#define OUT(i)	  (CALL_HEAD + (i)*4) /* where a word of the results is */

/* A call being answered. A routine returns its code, or M_ANSWERED if it has results. */
struct call {
	struct model *model;
	struct m_thread *thread;
	struct m_task *task; /* whose space it is about */
	uint32_t routine;
	struct m_port *target;
	const uint32_t *args;
	unsigned words;
	uint32_t other_code; /* where two are open */
};

/* Begin a successful answer with this many words of results. */
struct m_answer *call_give(struct call *call, uint32_t words);
void call_give_name(struct call *call, uint32_t word, struct m_entry *entry, mach_port_name_t name);

/* A receive right or a set; a dead name counts as missing [20]. */
uint32_t call_look_up(struct call *call, mach_port_name_t name, uint32_t type,
		      struct m_entry **entry);
uint32_t call_look_up_port(struct call *call, mach_port_name_t name, struct m_port **port);
uint32_t call_look_up_named(struct call *call, mach_port_name_t name, uint32_t type,
			    struct m_entry **entry); /* NULL and DEAD are names like others */

/* May an entry be made under this very name? *same: it is there. */
uint32_t call_check_name(struct call *call, mach_port_name_t name, struct m_entry **same);

/* For qsort: entries in the order of the table. */
int call_by_name(const void *a, const void *b);

/* model_call_port.c */
uint32_t call_set_mscount(struct call *call);
uint32_t call_set_seqno(struct call *call);
uint32_t call_get_srights(struct call *call);
uint32_t call_get_context(struct call *call);
uint32_t call_set_context(struct call *call);
uint32_t call_get_attributes(struct call *call);
uint32_t call_set_attributes(struct call *call);
uint32_t call_get_set_status(struct call *call);
uint32_t call_insert_member(struct call *call);
uint32_t call_extract_member(struct call *call);
uint32_t call_move_member(struct call *call);

/* The send right of an entry loses references; its count is not pegged. */
void call_drop_sends(struct call *call, struct m_entry *entry, uint32_t count);

/* The receive right of an entry goes; a send right stays, as a dead name or alive. */
void call_drop_receive(struct call *call, struct m_entry *entry);

/* model_guard.c */
uint32_t call_guard(struct call *call);
uint32_t call_guard_with_flags(struct call *call);
uint32_t call_unguard(struct call *call);
uint32_t call_swap_guard(struct call *call);
uint32_t call_assert_attributes(struct call *call);
uint32_t call_construct(struct call *call);
uint32_t call_construct_service(struct call *call);
uint32_t call_is_connection(struct call *call);
uint32_t call_service_info(struct call *call);
uint32_t call_special_reply_port(struct call *call);
uint32_t call_thread_self(struct call *call);
uint32_t call_host_special_get(struct call *call);
uint32_t call_host_special_set(struct call *call);
uint32_t call_eventlink(struct call *call);
uint32_t call_destruct(struct call *call);
uint32_t call_kobject(struct call *call);
uint32_t call_dnrequest_info(struct call *call);
uint32_t call_peek(struct call *call);

/* model_voucher.c */
uint32_t call_create_voucher(struct call *call);
uint32_t call_thread_set_voucher(struct call *call);
uint32_t call_thread_get_voucher(struct call *call);

/* model_extract.c */
uint32_t call_extract_content(struct call *call);
uint32_t call_extract_recipe(struct call *call);
uint32_t call_extract_all(struct call *call);
uint32_t call_attr_command(struct call *call);
uint32_t call_debug_info(struct call *call);

/* model_bell.c */
uint32_t call_bell_close(struct call *call);
uint32_t call_bell_add(struct call *call);
uint32_t call_bell_remove(struct call *call);
uint32_t call_bell_next(struct call *call);

/* model_importance.c */
/* What came with messages, less so many (args[4]); how much is left. */
uint32_t m_inherit_drop(struct call *call, uint32_t *left);
uint32_t call_process_policy(struct call *call);

/* model_boot.c */
uint32_t call_bootstrap(struct call *call);

/* model_object.c: false if the routine is none of its own. */
bool call_object(struct call *call, uint32_t routine, uint32_t *code);

/* model_call_right.c */
uint32_t call_insert_right(struct call *call);
uint32_t call_extract_right(struct call *call);
uint32_t call_request_notification(struct call *call);
