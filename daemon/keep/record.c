/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a record: entries go into a buffer, which is written to the file when it is full. */
#include "daemon/keep/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/keep/record_format.h"

struct record {
	int fd; /* -1: a write failed, recording has stopped */
	struct ipc_outbox outbox;
	const struct ipc_outbox *next;
	struct record_totals totals;
	size_t used;
	uint8_t buffer[65536];
};

/* Bytes. */

static void give_up(struct record *record)
{
	log_error("recording stops: %s", strerror(errno));
	close(record->fd);
	record->fd = -1;
}

void record_flush(struct record *record)
{
	const uint8_t *at = record->buffer;
	size_t left = record->used;
	ssize_t written;

	record->used = 0;
	while (left && record->fd >= 0) {
		written = write(record->fd, at, left);
		if (written < 0 && errno != EINTR)
			give_up(record);
		if (written > 0) {
			at += written;
			left -= (size_t)written;
		}
	}
}

static void put(struct record *record, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	size_t part;

	while (size && record->fd >= 0) {
		part = sizeof record->buffer - record->used;
		if (part > size)
			part = size;
		memcpy(record->buffer + record->used, at, part);
		record->used += part;
		at += part;
		size -= part;
		if (record->used == sizeof record->buffer)
			record_flush(record);
	}
}

static void put_kind(struct record *record, uint32_t kind, size_t size)
{
	struct record_entry entry = {kind, (uint32_t)size};

	put(record, &entry, sizeof entry);
}

static void put_entry(struct record *record, uint32_t kind, const void *head, size_t head_size,
		      const void *body, size_t body_size)
{
	put_kind(record, kind, head_size + body_size);
	put(record, head, head_size);
	put(record, body, body_size);
}

static void put_text(struct record *record, uint32_t kind, const char *text)
{
	put_entry(record, kind, text, strnlen(text, RECORD_TEXT_MAX), NULL, 0);
}

static void put_digest(struct record *record, struct ipc_host *host)
{
	uint8_t digest[TRAP_DIGEST_SIZE];

	trap_digest(host, digest);
	put_entry(record, RECORD_DIGEST, digest, sizeof digest, NULL, 0);
}

static void put_limits(struct record *record, const struct machd_limits *limits)
{
	put(record, limits, sizeof *limits);
}

static void put_names(struct record *record, const struct boot_policy *names)
{
	put(record, &names->bp_head, sizeof names->bp_head);
	put(record, names->bp_rules, boot_policy_rules_size(names));
}

static void put_header(struct record *record, const struct trap_config *config)
{
	struct record_header header = {
		.magic = RECORD_MAGIC,
		.version = RECORD_VERSION,
		.limit_count = machd_limit_row_count,
		.seed = config->seed,
		.owner_uid = config->owner_uid,
		.discard_bad_signature = config->discard_bad_signature,
		.calendar = config->calendar,
		.machine = config->machine,
	};
	struct boot_policy none;

	put(record, &header, sizeof header);
	put_limits(record, &config->limits);
	put(record, &config->policy, ipc_policy_size(&config->policy));
	boot_policy_init(&none);
	put_names(record, config->names ? config->names : &none);
}

/* Outputs: written down, then handed on. */

static void out_answer(void *context, struct ipc_thread *thread, const struct ipc_answer *answer)
{
	struct record *record = context;
	struct record_answer head = {trap_channel(thread), (uint32_t)answer->size,
				     (uint32_t)answer->memory_size, answer->fd_count,
				     answer->lent | answer->ring << 1};
	size_t fds_size = answer->fd_count * sizeof *answer->fds;

	record->totals.outputs++;
	put_kind(record, RECORD_ANSWER,
		 sizeof head + fds_size + answer->size + answer->memory_size);
	put(record, &head, sizeof head);
	put(record, answer->fds, fds_size);
	put(record, answer->packet, answer->size);
	put(record, answer->memory, answer->memory_size);
	record->next->answer(record->next->context, thread, answer);
}

static void out_timer(void *context, struct ipc_thread *thread, uint64_t deadline)
{
	struct record *record = context;
	struct record_timer timer = {trap_channel(thread), deadline};

	record->totals.outputs++;
	put_entry(record, RECORD_TIMER, &timer, sizeof timer, NULL, 0);
	record->next->timer(record->next->context, thread, deadline);
}

static void out_alarm(void *context, uint64_t deadline)
{
	struct record *record = context;

	record->totals.outputs++;
	put_entry(record, RECORD_ALARM, &deadline, sizeof deadline, NULL, 0);
	record->next->alarm(record->next->context, deadline);
}

static void out_release(void *context, ipc_fd_t fd)
{
	struct record *record = context;

	record->totals.outputs++;
	put_entry(record, RECORD_RELEASE, &fd, sizeof fd, NULL, 0);
	record->next->release(record->next->context, fd);
}

static void out_corrupt(void *context, const char *message)
{
	struct record *record = context;

	record->totals.outputs++;
	put_text(record, RECORD_CORRUPT, message);
	record->next->corrupt(record->next->context, message);
}

static void out_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	struct record *record = context;
	struct record_boost boost = {pid, uid, on, 0};

	record->totals.outputs++;
	put_entry(record, RECORD_BOOST, &boost, sizeof boost, NULL, 0);
	record->next->boost(record->next->context, pid, uid, on);
}

static void out_warn(void *context, const char *text)
{
	struct record *record = context;

	record->totals.outputs++;
	put_text(record, RECORD_WARN, text);
	record->next->warn(record->next->context, text);
}

static void out_ring(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on)
{
	struct record *record = context;
	struct record_ring entry = {ring, quiet, on};

	record->totals.outputs++;
	put_entry(record, RECORD_RING, &entry, sizeof entry, NULL, 0);
	record->next->ring(record->next->context, ring, quiet, on);
}

static void out_start(void *context, uint64_t id, const char *service, uint64_t deadline)
{
	struct record *record = context;
	struct record_start start = {.id = id, .deadline = deadline};

	record->totals.outputs++;
	snprintf(start.service, sizeof start.service, "%s", service);
	put_entry(record, RECORD_START, &start, sizeof start, NULL, 0);
	record->next->start(record->next->context, id, service, deadline);
}

static void out_started(void *context, uint64_t id, bool checked_in)
{
	struct record *record = context;
	struct record_started started = {id, checked_in};

	record->totals.outputs++;
	put_entry(record, RECORD_STARTED, &started, sizeof started, NULL, 0);
	record->next->started(record->next->context, id, checked_in);
}

static void out_board(void *context, struct ipc_thread *thread, ipc_fd_t fd)
{
	struct record *record = context;
	struct record_board entry = {trap_channel(thread), fd};

	record->totals.outputs++;
	put_entry(record, RECORD_BOARD, &entry, sizeof entry, NULL, 0);
	record->next->board(record->next->context, thread, fd);
}

static void out_window(void *context, struct ipc_thread *thread, unsigned index,
		       machd_window_t window)
{
	struct record *record = context;
	struct record_window entry = {trap_channel(thread), index, window};

	record->totals.outputs++;
	put_entry(record, RECORD_WINDOW, &entry, sizeof entry, NULL, 0);
	record->next->window(record->next->context, thread, index, window);
}

static void put_loan(struct record *record, uint32_t kind, const struct ipc_thread *thread,
		     uint32_t count)
{
	struct record_loan entry = {trap_channel(thread), count};

	record->totals.outputs++;
	put_entry(record, kind, &entry, sizeof entry, NULL, 0);
}

static void out_lend(void *context, struct ipc_thread *thread, uint32_t count)
{
	struct record *record = context;

	put_loan(record, RECORD_LEND, thread, count);
	record->next->lend(record->next->context, thread, count);
}

static uint32_t out_settle(void *context, struct ipc_thread *thread, bool over)
{
	struct record *record = context;
	uint32_t count = record->next->settle(record->next->context, thread, over);

	put_loan(record, over ? RECORD_SETTLE : RECORD_TAKEN, thread, count);
	return count;
}

static bool out_usage(void *context, int32_t pid, struct ipc_usage *usage)
{
	struct record *record = context;
	struct record_usage entry = {.pid = pid};

	entry.known = record->next->usage(record->next->context, pid, &entry.usage);
	record->totals.outputs++;
	put_entry(record, RECORD_USAGE, &entry, sizeof entry, NULL, 0);
	*usage = entry.usage;
	return entry.known;
}

static ipc_fd_t out_memory(void *context, const void *bytes, size_t size)
{
	struct record *record = context;
	struct record_memory entry = {size,
				      record->next->memory(record->next->context, bytes, size)};

	record->totals.outputs++;
	put_entry(record, RECORD_MEMORY, &entry, sizeof entry, NULL, 0);
	return entry.fd;
}

const struct ipc_outbox *record_outbox(struct record *record, const struct ipc_outbox *next)
{
	record->next = next;
	record->outbox = (struct ipc_outbox){
		record,	    out_answer, out_timer,  out_alarm, out_release, out_corrupt,
		out_boost,  out_warn,	out_ring,   out_start, out_started, out_board,
		out_window, out_lend,	out_settle, out_usage, out_memory};
	return &record->outbox;
}

/* Inputs. */

static void put_frame(struct record *record, const struct record_at *at,
		      const struct trap_input *input)
{
	struct record_fds fds = {.count = input->fd_count};
	size_t fds_size = input->fd_count * sizeof *input->fds;

	put_kind(record, TRAP_FRAME, sizeof *at + sizeof fds + fds_size + input->size);
	put(record, at, sizeof *at);
	put(record, &fds, sizeof fds);
	put(record, input->fds, fds_size);
	put(record, input->packet, input->size);
}

static void put_connect(struct record *record, const struct record_at *at,
			const struct trap_input *input)
{
	size_t known = input->identity ? sizeof *input->identity : 0;

	put_kind(record, TRAP_CONNECT, sizeof *at + sizeof input->peer + known);
	put(record, at, sizeof *at);
	put(record, &input->peer, sizeof input->peer);
	put(record, input->identity, known);
}

static void put_new_names(struct record *record, const struct record_at *at,
			  const struct boot_policy *names)
{
	put_kind(record, TRAP_NAMES,
		 sizeof *at + sizeof names->bp_head + boot_policy_rules_size(names));
	put(record, at, sizeof *at);
	put_names(record, names);
}

static void put_input(struct record *record, const struct trap_input *input)
{
	struct record_at at = {.now = input->now};

	switch (input->kind) {
	case TRAP_CONNECT:
		at.channel = input->channel;
		put_connect(record, &at, input);
		break;
	case TRAP_FRAME:
		at.channel = trap_channel(input->thread);
		put_frame(record, &at, input);
		break;
	case TRAP_TIMEOUT:
	case TRAP_DISCONNECT:
		at.channel = trap_channel(input->thread);
		put_entry(record, input->kind, &at, sizeof at, NULL, 0);
		break;
	case TRAP_ALARM:
	case TRAP_WORK:
		put_entry(record, input->kind, &at, sizeof at, NULL, 0);
		break;
	case TRAP_LIMITS:
		put_entry(record, TRAP_LIMITS, &at, sizeof at, input->limits,
			  sizeof *input->limits);
		break;
	case TRAP_CALENDAR:
		put_entry(record, TRAP_CALENDAR, &at, sizeof at, &input->calendar,
			  sizeof input->calendar);
		break;
	case TRAP_NAMES:
		put_new_names(record, &at, input->names);
		break;
	case TRAP_START:
		put_entry(record, TRAP_START, &at, sizeof at, input->start, sizeof *input->start);
		break;
	case TRAP_POLICY:
		put_entry(record, TRAP_POLICY, &at, sizeof at, input->policy,
			  ipc_policy_size(input->policy));
		break;
	}
}

const char *record_input(struct record *record, struct ipc_host *host, struct trap_input *input)
{
	const char *refusal;

	put_input(record, input);
	refusal = trap_input(host, input);
	if (refusal)
		put_text(record, RECORD_REFUSAL, refusal);
	if (++record->totals.inputs % RECORD_DIGEST_EVERY == 0 && record->fd >= 0)
		put_digest(record, host);
	return refusal;
}

/* Beginning and end. */

struct record *record_open(const char *path, const struct trap_config *config)
{
	struct record *record = mem_alloc(sizeof *record);

	if (!record) {
		errno = ENOMEM;
		return NULL;
	}
	record->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (record->fd < 0) {
		mem_free(record);
		return NULL;
	}
	put_header(record, config);
	return record;
}

void record_close(struct record *record)
{
	record_flush(record);
	if (record->fd >= 0)
		close(record->fd);
	mem_free(record);
}

void record_stop(struct record *record, struct ipc_host *host)
{
	put_digest(record, host);
	put_kind(record, RECORD_STOP, 0);
	trap_stop(host);
	put_entry(record, RECORD_END, &record->totals, sizeof record->totals, NULL, 0);
	record_close(record);
}
