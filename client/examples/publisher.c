/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that sends news to whoever asked for them, and learns who has gone away, however that
 * came about: nobody has to say good-bye.
 *
 *   publisher serve NAME &       sends a line of its input to all subscribers
 *   publisher listen NAME N      subscribes, prints N lines, ends
 *
 * A subscriber sends a right to a port of its own. It gets a right to a port of the publisher, its
 * subscription, which it just keeps. When its process ends, so does that right, and machd tells the
 * publisher that its port has no senders.
 */
#include <mach/mach.h>
#include <mach/notify.h>
#include <machd_event.h>
#include <poll.h>
#include <servers/bootstrap.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct news {
	mach_msg_header_t header;
	char text[128]; /* empty in the first, which brings the subscription */
	mach_msg_max_trailer_t trailer;
};
#define NEWS_SIZE	((mach_msg_size_t)offsetof(struct news, trailer))
#define SUBSCRIBERS_MAX 64

static struct {
	mach_port_t port; /* the subscription: our receive right */
	mach_port_t to;	  /* a send right to the subscriber's port */
} subscribers[SUBSCRIBERS_MAX];
static int count;

static void must(kern_return_t code, const char *what)
{
	if (code == KERN_SUCCESS)
		return;
	fprintf(stderr, "%s: %s\n", what, mach_error_string(code));
	exit(1);
}

/* Never wait for one who does not read: with a time-out of 0 it misses the news. */
static void send_news(mach_port_t to, mach_port_t subscription, const char *text)
{
	mach_msg_type_name_t local = subscription ? MACH_MSG_TYPE_MAKE_SEND : 0;
	struct news news = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, local),
				       .msgh_remote_port = to,
				       .msgh_local_port = subscription}};

	snprintf(news.text, sizeof news.text, "%s", text);
	if (mach_msg(&news.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, NEWS_SIZE, 0, MACH_PORT_NULL,
		     0, MACH_PORT_NULL) == MACH_SEND_TIMED_OUT)
		mach_msg_destroy(&news.header); /* its rights came back to us */
}

static void subscribe(mach_port_t to, mach_port_t set)
{
	mach_port_t port, previous;

	if (count == SUBSCRIBERS_MAX) {
		mach_port_deallocate(mach_task_self(), to);
		return;
	}
	must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port), "allocate");
	must(mach_port_insert_member(mach_task_self(), port, set), "insert");
	subscribers[count].port = port;
	subscribers[count].to = to;
	printf("%d subscribers\n", ++count);
	send_news(to, port, "");
	/* It comes to the port that it is about, when the send right just made is gone; at once, if
	 * it is gone already. */
	must(mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_NO_SENDERS, 1, port,
					    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	     "request a notification");
}

static void forget(mach_port_t port)
{
	for (int i = 0; i < count; i++)
		if (subscribers[i].port == port) {
			mach_port_deallocate(mach_task_self(), subscribers[i].to);
			mach_port_destruct(mach_task_self(), port, 0, 0);
			subscribers[i] = subscribers[--count];
			printf("%d subscribers\n", count);
			return;
		}
}

/* The local port says on which of ours a message came. */
static void take_message(mach_port_t service, mach_port_t set)
{
	struct news message;
	mach_msg_header_t *header = &message.header;

	if (machd_port_receive(set, 0, &message, sizeof message, NULL) != MACH_MSG_SUCCESS)
		return;
	if (header->msgh_local_port != service && header->msgh_id == MACH_NOTIFY_NO_SENDERS)
		forget(header->msgh_local_port);
	else if (header->msgh_local_port == service &&
		 MACH_MSGH_BITS_REMOTE(header->msgh_bits) == MACH_MSG_TYPE_PORT_SEND)
		subscribe(header->msgh_remote_port, set);
	else
		mach_msg_destroy(header);
}

static int serve(const char *name)
{
	struct pollfd polled[2] = {{.fd = fileno(stdin), .events = POLLIN}, {.events = POLLIN}};
	mach_port_t service, set;
	char line[128];

	setvbuf(stdin, NULL, _IONBF, 0); /* or poll would not see what stdio has read already */
	setvbuf(stdout, NULL, _IOLBF, 0);
	must(bootstrap_check_in(bootstrap_port, name, &service), name);
	must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set), "allocate");
	must(mach_port_insert_member(mach_task_self(), service, set), "insert");
	must(machd_port_fd(set, &polled[1].fd), "descriptor");
	puts("ready");
	while (poll(polled, 2, -1) >= 0) {
		if (polled[1].revents)
			take_message(service, set);
		if (!polled[0].revents)
			continue;
		if (!fgets(line, sizeof line, stdin))
			return 0;
		for (int i = 0; i < count; i++)
			send_news(subscribers[i].to, MACH_PORT_NULL, line);
	}
	return 1;
}

static int listen_to(const char *name, int lines)
{
	mach_msg_header_t request = {.msgh_size = sizeof request};
	struct news news;
	mach_port_t mine;

	must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &mine), "allocate");
	must(bootstrap_look_up(bootstrap_port, name, &request.msgh_remote_port), name);
	request.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MAKE_SEND);
	request.msgh_local_port = mine;
	must(mach_msg_send(&request), "subscribe");
	while (lines > 0) {
		must(mach_msg(&news.header, MACH_RCV_MSG, 0, sizeof news, mine,
			      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		     "receive");
		if (news.text[0] == 0)
			continue; /* the subscription, in the remote port; we keep it */
		printf("%s", news.text);
		lines--;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 4 && strcmp(argv[1], "listen") == 0)
		return listen_to(argv[2], atoi(argv[3]));
	fprintf(stderr, "usage: publisher serve NAME | publisher listen NAME LINES\n");
	return 2;
}
