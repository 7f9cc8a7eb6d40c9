/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the numbers of a trace record mean. Flags have the names that XNU gives them [30]; those
 * that say nothing on Linux, or what another column says, are left out.
 */
#include "client/machctl/trace_words.h"

#include <inttypes.h>
#include <mach/notify.h>
#include <stdio.h>
#include <string.h>

#include "protocol/ops.h"

static const struct {
	uint32_t flag;
	const char *word;
} flags[] = {
	{MACHD_TRACE_COMPLEX, "complex"},
	{MACHD_TRACE_OOLMEM, "oolmem"},
	{MACHD_TRACE_VCPY, "vcpy"},
	{MACHD_TRACE_PCPY, "pcpy"},
	{MACHD_TRACE_RAISEIMP, "raiseimp"},
	{MACHD_TRACE_DST_NDFLTQ, "dst_ndfltq"},
	{MACHD_TRACE_SRC_NDFLTQ, "src_ndfltq"},
	{MACHD_TRACE_DST_SONCE, "dst_sonce"},
	{MACHD_TRACE_SRC_SONCE, "src_sonce"},
	{MACHD_TRACE_CHECKIN, "checkin"},
	{MACHD_TRACE_ONEWAY, "oneway"},
	{MACHD_TRACE_IOKIT, "iokit"},
	{MACHD_TRACE_SNDRCV, "sndrcv"},
	{MACHD_TRACE_DSTQFULL, "dstqfull"},
	{MACHD_TRACE_VOUCHER, "voucher"},
	{MACHD_TRACE_TIMER, "timer"},
	{MACHD_TRACE_SEMA, "sema"},
	{MACHD_TRACE_DTMPOWNER, "dtmpowner"},
	{MACHD_TRACE_GUARDED_DESC, "guarded_desc"},
};

static const char *const notifications[] = {
	[MACH_NOTIFY_PORT_DELETED - MACH_NOTIFY_FIRST] = "port-deleted",
	[MACH_NOTIFY_SEND_POSSIBLE - MACH_NOTIFY_FIRST] = "send-possible",
	[MACH_NOTIFY_PORT_DESTROYED - MACH_NOTIFY_FIRST] = "port-destroyed",
	[MACH_NOTIFY_NO_SENDERS - MACH_NOTIFY_FIRST] = "no-senders",
	[MACH_NOTIFY_SEND_ONCE - MACH_NOTIFY_FIRST] = "send-once",
	[MACH_NOTIFY_DEAD_NAME - MACH_NOTIFY_FIRST] = "dead-name",
};

bool trace_is_pid(uint32_t pid)
{
	return pid != 0 && pid < MACHD_TRACE_PID_DEAD;
}

const char *trace_pid(uint32_t pid, char word[TRACE_WORD_SIZE])
{
	if (pid == 0)
		strcpy(word, "machd");
	else if (pid == MACHD_TRACE_PID_DEAD)
		strcpy(word, "dead");
	else if (pid == MACHD_TRACE_PID_LIMBO)
		strcpy(word, "limbo");
	else if (pid == MACHD_TRACE_PID_DYING)
		strcpy(word, "dying");
	else if (!trace_is_pid(pid))
		strcpy(word, "moving");
	else
		snprintf(word, TRACE_WORD_SIZE, "%" PRIu32, pid);
	return word;
}

/* The routine of machd that the message calls, or the notification that machd sends; or NULL. */
static const char *name_of(const struct machd_watch_message *message)
{
	const struct machd_routine_row *row = machd_routine_find(message->msgh_id);
	uint32_t notice = message->msgh_id - MACH_NOTIFY_FIRST;

	if (message->receiver_pid == 0)
		return row ? row->name : NULL;
	if (message->sender_pid == 0 && notice < sizeof notifications / sizeof *notifications)
		return notifications[notice];
	return NULL;
}

/* Append a word, a blank before it if it is not the first. */
static size_t append(char *words, size_t length, const char *word)
{
	int more = snprintf(words + length, TRACE_WORDS_SIZE - length, "%s%s", length ? " " : "",
			    word);

	return length + (size_t)more < TRACE_WORDS_SIZE ? length + (size_t)more
							: TRACE_WORDS_SIZE - 1;
}

const char *trace_words(const struct machd_watch_message *message, char words[TRACE_WORDS_SIZE])
{
	const char *name = name_of(message);
	size_t length = 0;

	words[0] = 0;
	if (name)
		length = append(words, length, name);
	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		if (message->flags & flags[i].flag)
			length = append(words, length, flags[i].word);
	return length ? words : strcpy(words, "-");
}
