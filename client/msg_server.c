/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg_server: receive a request, let a function make the reply, send it, and receive the next
 * request in the same call of mach_msg. The buffers are the loop's own.
 */
#include <errno.h>
#include <libproc_internal.h>
#include <mach/mach.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/vm_page_size.h>
#include <string.h>

#include "client/mi.h"

struct buffer {
	mig_reply_error_t *message;
	size_t size;
};

struct server {
	boolean_t (*demux)(mach_msg_header_t *, mach_msg_header_t *);
	mach_port_t port;
	mach_msg_options_t options;
	mach_msg_size_t rcv_size;
	bool importance; /* keep boosts of requests while they are handled */
	struct buffer request, reply;
};

/*
 * The pages are taken from the system directly: a loop that ends because machd is gone has no task
 * port any more, without which vm_deallocate() does nothing.
 */
static kern_return_t allocate(struct buffer *buffer, uint64_t size)
{
	int saved = errno;
	void *pages = size <= SIZE_MAX ? mi_pages((size_t)size) : NULL;

	errno = saved;
	if (!pages)
		return KERN_NO_SPACE;
	*buffer = (struct buffer){pages, (size_t)size};
	return KERN_SUCCESS;
}

static void release(struct buffer *buffer)
{
	if (buffer->message)
		mi_pages_free(buffer->message, buffer->size);
}

/* Both buffers get the same size, so that each can be used for either purpose. */
static kern_return_t set_up(struct server *server, mach_msg_size_t max_size)
{
	uint64_t wanted = (uint64_t)max_size + REQUESTED_TRAILER_SIZE(server->options);
	uint64_t size = mach_vm_round_page(wanted);
	kern_return_t code;

	server->options &= ~(MACH_SEND_MSG | MACH_RCV_MSG);
	if (mi_adopts_vouchers())
		server->options |= MACH_RCV_VOUCHER; /* nobody else would give them up */
	if (server->options & MACH_RCV_LARGE)
		wanted = size; /* what does not fit in max_size may still fit in the page */
	server->rcv_size = wanted < MACH_MSG_SIZE_MAX ? (mach_msg_size_t)wanted : MACH_MSG_SIZE_MAX;
	code = allocate(&server->request, size);
	if (code == KERN_SUCCESS)
		code = allocate(&server->reply, size);
	return code;
}

static void clean_up(struct server *server)
{
	release(&server->request);
	release(&server->reply);
}

static bool must_grow(const struct server *server, mach_msg_return_t code)
{
	return code == MACH_RCV_TOO_LARGE && (server->options & MACH_RCV_LARGE);
}

/* The message that did not fit is still queued, and the header says how long it is. */
static kern_return_t grow(struct server *server)
{
	uint64_t size = (uint64_t)server->request.message->Head.msgh_size +
			REQUESTED_TRAILER_SIZE(server->options);
	struct buffer larger;
	kern_return_t code = allocate(&larger, mach_vm_round_page(size));

	if (code != KERN_SUCCESS)
		return code;
	release(&server->request);
	server->request = larger;
	server->rcv_size = (mach_msg_size_t)larger.size;
	return KERN_SUCCESS;
}

static mach_msg_return_t receive(struct server *server)
{
	mach_msg_return_t code;

	do {
		code = mach_msg(&server->request.message->Head, server->options | MACH_RCV_MSG, 0,
				server->rcv_size, server->port, MACH_MSG_TIMEOUT_NONE,
				MACH_PORT_NULL);
	} while (must_grow(server, code) && (code = grow(server)) == KERN_SUCCESS);
	return code;
}

/*
 * Give up all that a reply names which did not go out; a right in its local port is nobody else's
 * either, but one that was yet to be made there is not made for that.
 */
static void destroy_reply(mach_msg_header_t *reply)
{
	mach_msg_type_name_t type = MACH_MSGH_BITS_LOCAL(reply->msgh_bits);

	if (type == MACH_MSG_TYPE_MOVE_SEND || type == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		mi_destroy_port(reply->msgh_local_port, type);
	mach_msg_destroy(reply);
}

/* The function may use up the right to reply, with which the request's boost would go. */
static void call_demux(const struct server *server, mach_msg_header_t *request,
		       mach_msg_header_t *reply)
{
	uint64_t token;
	bool held = server->importance &&
		    proc_importance_assertion_begin_with_msg(request, NULL, &token) == 0;

	server->demux(request, reply);
	if (held)
		proc_importance_assertion_complete(token);
}

/* Have the request handled. Returns whether there is a reply to be sent. */
static bool handle(struct server *server)
{
	mach_msg_header_t *request = &server->request.message->Head;
	mig_reply_error_t *reply = server->reply.message;
	voucher_mach_msg_state_t state = voucher_mach_msg_adopt(request);
	bool send;

	/* A reply too short to have a code must not get that of an earlier one. */
	reply->Head = (mach_msg_header_t){0};
	reply->RetCode = KERN_SUCCESS;
	call_demux(server, request, &reply->Head);
	voucher_mach_msg_revert(state);

	send = reply->Head.msgh_remote_port != MACH_PORT_NULL;
	if (MACH_MSGH_BITS_IS_COMPLEX(reply->Head.msgh_bits)) {
		if (!send)
			destroy_reply(&reply->Head);
		return send;
	}
	if (reply->RetCode == MIG_NO_REPLY)
		return false;
	if (reply->RetCode != KERN_SUCCESS) {
		/* Nobody took what is in it. The right to reply is in the reply now. */
		request->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(request);
	}
	return send;
}

/*
 * A client that does not receive its replies must not hold up the others. A send-once right cannot:
 * what is sent to it is queued whatever the limit.
 */
static mach_msg_option_t send_options(const struct server *server, const mach_msg_header_t *reply)
{
	mach_msg_option_t options = server->options | MACH_SEND_MSG;

	if (MACH_MSGH_BITS_REMOTE(reply->msgh_bits) != MACH_MSG_TYPE_MOVE_SEND_ONCE)
		options |= MACH_SEND_TIMEOUT;
	return options;
}

/* The reply was not sent, but all it names is still there, and only its client is to blame. */
static bool not_sent(mach_msg_return_t code)
{
	switch (code & ~MACH_MSG_MASK) {
	case MACH_SEND_INVALID_DEST:
	case MACH_SEND_TIMED_OUT:
	case MACH_SEND_INTERRUPTED:
		return true;
	default:
		return false;
	}
}

static mach_msg_return_t reply_and_receive(struct server *server)
{
	mach_msg_header_t *reply = &server->reply.message->Head;
	mach_msg_return_t code;

	/* One buffer for both is the shorter way through mach_msg. */
	if (server->reply.size == server->request.size) {
		struct buffer swapped = server->request;

		server->request = server->reply;
		server->reply = swapped;
	}
	code = mach_msg_overwrite(reply, send_options(server, reply) | MACH_RCV_MSG,
				  reply->msgh_size, server->rcv_size, server->port,
				  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL,
				  &server->request.message->Head, 0);
	if (not_sent(code)) {
		destroy_reply(reply);
		return receive(server);
	}
	return must_grow(server, code) ? receive(server) : code;
}

static mach_msg_return_t serve(struct server *server, mach_msg_size_t max_size)
{
	mach_msg_return_t code = set_up(server, max_size);

	if (code == KERN_SUCCESS)
		code = receive(server);
	while (code == MACH_MSG_SUCCESS)
		code = handle(server) ? reply_and_receive(server) : receive(server);
	clean_up(server);
	return code;
}

mach_msg_return_t mach_msg_server(boolean_t (*demux)(mach_msg_header_t *, mach_msg_header_t *),
				  mach_msg_size_t max_size, mach_port_t rcv_name,
				  mach_msg_options_t options)
{
	struct server server = {.demux = demux, .port = rcv_name, .options = options};

	return serve(&server, max_size);
}

mach_msg_return_t mach_msg_server_importance(boolean_t (*demux)(mach_msg_header_t *,
								mach_msg_header_t *),
					     mach_msg_size_t max_size, mach_port_t rcv_name,
					     mach_msg_options_t options)
{
	struct server server = {
		.demux = demux, .port = rcv_name, .options = options, .importance = true};

	return serve(&server, max_size);
}

mach_msg_return_t mach_msg_server_once(boolean_t (*demux)(mach_msg_header_t *, mach_msg_header_t *),
				       mach_msg_size_t max_size, mach_port_t rcv_name,
				       mach_msg_options_t options)
{
	struct server server = {.demux = demux, .port = rcv_name, .options = options};
	mach_msg_return_t code = set_up(&server, max_size);
	mach_msg_header_t *reply;

	if (code == KERN_SUCCESS)
		code = receive(&server);
	if (code == MACH_MSG_SUCCESS && handle(&server)) {
		reply = &server.reply.message->Head;
		code = mach_msg(reply, send_options(&server, reply), reply->msgh_size, 0,
				MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		if (not_sent(code)) {
			destroy_reply(reply);
			code = MACH_MSG_SUCCESS;
		}
	}
	clean_up(&server);
	return code;
}
