/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small service as MIG would lay it out from this description:
 *
 *   subsystem desk 5000;
 *   serverprefix do_;
 *   type desk_text_t = c_string[*:256];
 *   routine desk_add(server : mach_port_t; a : int; b : int; out sum : int);
 *   routine desk_echo(server : mach_port_t; text : desk_text_t; out copy : desk_text_t);
 *   skip;
 *   routine desk_trade(server : mach_port_t; peer : mach_port_t;
 *                      out counter : mach_port_make_send_t);
 *   simpleroutine desk_note(server : mach_port_t; word : int; ServerAuditToken caller :
 *                           audit_token_t);
 *   routine desk_tally(server : mach_port_t; out total : int; out pid : int);
 */
#pragma once

#include <mach/mach.h>

#define DESK_FIRST 5000
#define DESK_ADD   5000
#define DESK_ECHO  5001
#define DESK_TRADE 5003
#define DESK_NOTE  5004
#define DESK_TALLY 5005
#define DESK_END   5006

#define DESK_TEXT_MAX 256
typedef char desk_text_t[DESK_TEXT_MAX];

/* The client's side. */
kern_return_t desk_add(mach_port_t server, int a, int b, int *sum);
kern_return_t desk_echo(mach_port_t server, desk_text_t text, desk_text_t copy);
kern_return_t desk_trade(mach_port_t server, mach_port_t peer, mach_port_t *counter);
kern_return_t desk_note(mach_port_t server, int word);
kern_return_t desk_tally(mach_port_t server, int *total, int *pid);

/* What the server has to bring along. */
kern_return_t do_desk_add(mach_port_t server, int a, int b, int *sum);
kern_return_t do_desk_echo(mach_port_t server, desk_text_t text, desk_text_t copy);
kern_return_t do_desk_trade(mach_port_t server, mach_port_t peer, mach_port_t *counter);
kern_return_t do_desk_note(mach_port_t server, int word, audit_token_t caller);
kern_return_t do_desk_tally(mach_port_t server, int *total, int *pid);

/* The server's side. */
boolean_t desk_server(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);
mig_routine_t desk_server_routine(mach_msg_header_t *InHeadP);

extern const struct do_desk_subsystem {
	mig_server_routine_t server;
	mach_msg_id_t start;
	mach_msg_id_t end;
	unsigned int maxsize;
	vm_address_t reserved;
	struct routine_descriptor routine[DESK_END - DESK_FIRST];
} do_desk_subsystem;

#pragma pack(push, 4)

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	int a;
	int b;
} __Request__desk_add_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
	int sum;
} __Reply__desk_add_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	mach_msg_type_number_t textOffset;
	mach_msg_type_number_t textCnt;
	char text[DESK_TEXT_MAX];
} __Request__desk_echo_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
	mach_msg_type_number_t copyOffset;
	mach_msg_type_number_t copyCnt;
	char copy[DESK_TEXT_MAX];
} __Reply__desk_echo_t;

typedef struct {
	mach_msg_header_t Head;
	mach_msg_body_t msgh_body;
	mach_msg_port_descriptor_t peer;
} __Request__desk_trade_t;

typedef struct {
	mach_msg_header_t Head;
	mach_msg_body_t msgh_body;
	mach_msg_port_descriptor_t counter;
} __Reply__desk_trade_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	int word;
} __Request__desk_note_t;

typedef struct {
	mach_msg_header_t Head;
} __Request__desk_tally_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
	int total;
	int pid;
} __Reply__desk_tally_t;

#pragma pack(pop)

union __ReplyUnion__do_desk_subsystem {
	__Reply__desk_add_t Reply_desk_add;
	__Reply__desk_echo_t Reply_desk_echo;
	__Reply__desk_trade_t Reply_desk_trade;
	mig_reply_error_t Reply_desk_note;
	__Reply__desk_tally_t Reply_desk_tally;
};
