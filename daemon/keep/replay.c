/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaying a record. The machine's outbox calls are compared with the record as they come: the
 * next entry must be that very output. An input that no daemon can have recorded (a time-out that
 * was not requested, a frame of a closed connection) makes the record a broken one.
 */
#include "daemon/keep/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "daemon/base/list.h"
#include "daemon/base/mem.h"
#include "daemon/keep/replay_reader.h"

struct replay_channel {
	struct list link;
	uint64_t deadline;
	bool dropped; /* only its disconnect may follow */
};

struct replay {
	struct replay_reader reader;
	struct replay_report *report;
	struct ipc_host *host;
	struct ipc_outbox outbox;
	struct list channels;
	uint64_t now;
	uint64_t alarm; /* the deadline it asked for last; 0: none */
	struct machd_limits limits;
	bool over;    /* a verdict was reached: outputs are not compared any more */
	bool stopped; /* RECORD_STOP was replayed */
};

/* What an entry is called in a verdict. */
static const char *kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[TRAP_CONNECT] = "connection",
		[TRAP_FRAME] = "frame",
		[TRAP_TIMEOUT] = "time-out",
		[TRAP_DISCONNECT] = "disconnect",
		[TRAP_ALARM] = "alarm",
		[TRAP_WORK] = "turn of work",
		[TRAP_LIMITS] = "change of limits",
		[TRAP_CALENDAR] = "setting of the time of day",
		[TRAP_NAMES] = "change of the rules for names",
		[TRAP_START] = "end of a start",
		[TRAP_POLICY] = "change of policy",
		[RECORD_ANSWER] = "answer",
		[RECORD_TIMER] = "timer",
		[RECORD_ALARM] = "setting of the alarm",
		[RECORD_RELEASE] = "release",
		[RECORD_CORRUPT] = "alarm of corrupt memory",
		[RECORD_WARN] = "warning",
		[RECORD_RING] = "ringing of a bell",
		[RECORD_BOOST] = "boost",
		[RECORD_START] = "start of a service",
		[RECORD_STARTED] = "end of a wait for a service",
		[RECORD_BOARD] = "board",
		[RECORD_WINDOW] = "opening or closing of a window",
		[RECORD_LEND] = "loan",
		[RECORD_TAKEN] = "look at a loan",
		[RECORD_SETTLE] = "settling of a loan",
		[RECORD_USAGE] = "look at a process",
		[RECORD_MEMORY] = "memory",
		[RECORD_REFUSAL] = "refusal",
		[RECORD_DIGEST] = "digest",
		[RECORD_STOP] = "stop",
		[RECORD_END] = "end",
	};
	const char *name = kind < sizeof names / sizeof *names ? names[kind] : NULL;

	return name ? name : "thing unknown";
}

/* Verdicts. */

__attribute__((format(printf, 3, 4))) static bool verdict(struct replay *replay,
							  enum replay_verdict what,
							  const char *format, ...)
{
	struct replay_report *report = replay->report;
	size_t used;
	va_list arguments;

	if (replay->over)
		return false;
	replay->over = true;
	report->verdict = what;
	va_start(arguments, format);
	vsnprintf(report->text, sizeof report->text, format, arguments);
	va_end(arguments);
	used = strlen(report->text);
	snprintf(report->text + used, sizeof report->text - used,
		 " (input %" PRIu64 ", output %" PRIu64 ", offset %" PRIu64 ")", report->inputs,
		 report->outputs, replay->reader.entry_offset);
	return false;
}

static bool broken(struct replay *replay, const char *problem)
{
	return verdict(replay, REPLAY_BROKEN, "bad record: %s", problem);
}

/* The next entry, if the record goes on and there is no verdict yet. */
static bool peek(struct replay *replay)
{
	if (replay->over)
		return false;
	if (reader_peek(&replay->reader))
		return true;
	if (replay->reader.state == READER_BROKEN)
		return broken(replay, replay->reader.problem);
	return false;
}

/* Outputs. */

/* A stretch of the bytes that an entry must have. */
struct part {
	const void *bytes;
	size_t size;
};

static size_t total(const struct part *parts, unsigned count)
{
	size_t size = 0;

	for (unsigned i = 0; i < count; i++)
		size += parts[i].size;
	return size;
}

static bool same_content(const uint8_t *bytes, const struct part *parts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (parts[i].size && memcmp(bytes, parts[i].bytes, parts[i].size) != 0)
			return false;
		bytes += parts[i].size;
	}
	return true;
}

/* The machine did this; the record must say so. */
static void compare(struct replay *replay, uint32_t kind, const struct part *parts, unsigned count)
{
	struct replay_reader *reader = &replay->reader;
	size_t size = total(parts, count);

	if (!peek(replay))
		return;
	if (kind != RECORD_REFUSAL)
		replay->report->outputs++;
	if (reader->entry.kind != kind)
		verdict(replay, REPLAY_DIFFERS, "differs: here comes: %s; recorded: %s",
			kind_name(kind), kind_name(reader->entry.kind));
	else if (reader->entry.size != size)
		verdict(replay, REPLAY_DIFFERS,
			"differs: the %s has %zu bytes, recorded are %" PRIu32, kind_name(kind),
			size, reader->entry.size);
	else if (!same_content(reader->bytes, parts, count))
		verdict(replay, REPLAY_DIFFERS, "differs: the content of the %s", kind_name(kind));
	reader_next(reader);
}

static void compare_text(struct replay *replay, uint32_t kind, const char *text)
{
	struct part part = {text, strnlen(text, RECORD_TEXT_MAX)};

	compare(replay, kind, &part, 1);
}

static void out_answer(void *context, struct ipc_thread *thread, const struct ipc_answer *answer)
{
	struct record_answer head = {trap_channel(thread), (uint32_t)answer->size,
				     (uint32_t)answer->memory_size, answer->fd_count,
				     answer->lent | answer->ring << 1};
	struct part parts[] = {
		{&head, sizeof head},
		{answer->fds, answer->fd_count * sizeof *answer->fds},
		{answer->packet, answer->size},
		{answer->memory, answer->memory_size},
	};

	compare(context, RECORD_ANSWER, parts, sizeof parts / sizeof *parts);
}

static void out_timer(void *context, struct ipc_thread *thread, uint64_t deadline)
{
	struct replay_channel *channel = trap_cookie(thread);
	struct record_timer timer = {trap_channel(thread), deadline};

	channel->deadline = deadline;
	compare(context, RECORD_TIMER, &(struct part){&timer, sizeof timer}, 1);
}

static void out_alarm(void *context, uint64_t deadline)
{
	struct replay *replay = context;

	replay->alarm = deadline;
	compare(replay, RECORD_ALARM, &(struct part){&deadline, sizeof deadline}, 1);
}

static void out_release(void *context, ipc_fd_t fd)
{
	compare(context, RECORD_RELEASE, &(struct part){&fd, sizeof fd}, 1);
}

static void out_corrupt(void *context, const char *message)
{
	compare_text(context, RECORD_CORRUPT, message);
}

static void out_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	struct record_boost boost = {pid, uid, on, 0};

	compare(context, RECORD_BOOST, &(struct part){&boost, sizeof boost}, 1);
}

static void out_warn(void *context, const char *text)
{
	compare_text(context, RECORD_WARN, text);
}

static void out_ring(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on)
{
	struct record_ring entry = {ring, quiet, on};

	compare(context, RECORD_RING, &(struct part){&entry, sizeof entry}, 1);
}

static void out_start(void *context, uint64_t id, const char *service, uint64_t deadline)
{
	struct record_start start = {.id = id, .deadline = deadline};

	snprintf(start.service, sizeof start.service, "%s", service);
	compare(context, RECORD_START, &(struct part){&start, sizeof start}, 1);
}

static void out_started(void *context, uint64_t id, bool checked_in)
{
	struct record_started started = {id, checked_in};

	compare(context, RECORD_STARTED, &(struct part){&started, sizeof started}, 1);
}

static void out_board(void *context, struct ipc_thread *thread, ipc_fd_t fd)
{
	struct record_board entry = {trap_channel(thread), fd};

	compare(context, RECORD_BOARD, &(struct part){&entry, sizeof entry}, 1);
}

static void out_window(void *context, struct ipc_thread *thread, unsigned index,
		       machd_window_t window)
{
	struct record_window entry = {trap_channel(thread), index, window};

	compare(context, RECORD_WINDOW, &(struct part){&entry, sizeof entry}, 1);
}

static void out_lend(void *context, struct ipc_thread *thread, uint32_t count)
{
	struct record_loan entry = {trap_channel(thread), count};

	compare(context, RECORD_LEND, &(struct part){&entry, sizeof entry}, 1);
}

/* What came back is taken from the record. */
static uint32_t out_settle(void *context, struct ipc_thread *thread, bool over)
{
	struct replay *replay = context;
	struct record_loan entry = {trap_channel(thread), 0}, recorded;
	uint32_t kind = over ? RECORD_SETTLE : RECORD_TAKEN;

	if (peek(replay) && replay->reader.entry.kind == kind &&
	    replay->reader.entry.size == sizeof recorded) {
		memcpy(&recorded, replay->reader.bytes, sizeof recorded);
		entry.count = (uint32_t)recorded.count;
	}
	compare(replay, kind, &(struct part){&entry, sizeof entry}, 1);
	return (uint32_t)entry.count;
}

/* So is what was seen. */
static bool out_usage(void *context, int32_t pid, struct ipc_usage *usage)
{
	struct replay *replay = context;
	struct record_usage entry = {.pid = pid}, recorded;

	if (peek(replay) && replay->reader.entry.kind == RECORD_USAGE &&
	    replay->reader.entry.size == sizeof recorded) {
		memcpy(&recorded, replay->reader.bytes, sizeof recorded);
		entry.known = recorded.known;
		entry.usage = recorded.usage;
	}
	compare(replay, RECORD_USAGE, &(struct part){&entry, sizeof entry}, 1);
	*usage = entry.usage;
	return entry.known;
}

/* What was in it came of the state, which is the same; its handle is taken. */
static ipc_fd_t out_memory(void *context, const void *bytes, size_t size)
{
	struct replay *replay = context;
	struct record_memory entry = {.size = size}, recorded;

	(void)bytes;
	if (peek(replay) && replay->reader.entry.kind == RECORD_MEMORY &&
	    replay->reader.entry.size == sizeof recorded) {
		memcpy(&recorded, replay->reader.bytes, sizeof recorded);
		entry.fd = recorded.fd;
	}
	compare(replay, RECORD_MEMORY, &(struct part){&entry, sizeof entry}, 1);
	return entry.fd;
}

/* After an input: nothing more may be recorded, and the same refusal. */
static void compare_refusal(struct replay *replay, const char *refusal)
{
	uint32_t kind;

	if (refusal) {
		compare_text(replay, RECORD_REFUSAL, refusal);
		return;
	}
	if (!peek(replay))
		return;
	kind = replay->reader.entry.kind;
	if (kind == RECORD_REFUSAL || reader_is_output(kind))
		verdict(replay, REPLAY_DIFFERS, "differs: here comes: nothing more; recorded: %s",
			kind_name(kind));
}

/* Inputs. */

static void feed_connect(struct replay *replay, struct trap_input *input)
{
	struct replay_channel *channel;
	const char *refusal;

	if (input->channel == 0 || trap_find(replay->host, input->channel)) {
		broken(replay, "a connection's id is not a new one");
		return;
	}
	channel = mem_alloc(sizeof *channel);
	if (!channel) {
		broken(replay, "there is no memory to replay it");
		return;
	}
	list_init(&channel->link);
	list_append(&replay->channels, &channel->link);
	input->cookie = channel;
	refusal = trap_input(replay->host, input);
	compare_refusal(replay, refusal);
	if (refusal) {
		list_remove(&channel->link);
		mem_free(channel);
	}
}

/* Could a daemon have fed this? */
static const char *input_problem(const struct replay *replay, const struct trap_input *input,
				 const struct replay_channel *channel)
{
	if (channel->dropped && input->kind != TRAP_DISCONNECT)
		return "a connection goes on that had to be dropped";
	if (input->kind == TRAP_TIMEOUT &&
	    (channel->deadline == 0 || channel->deadline > replay->now))
		return "a time-out comes that was not asked for";
	return NULL;
}

static void feed_channel(struct replay *replay, struct trap_input *input)
{
	struct ipc_thread *thread = trap_find(replay->host, input->channel);
	struct replay_channel *channel = thread ? trap_cookie(thread) : NULL;
	const char *refusal, *problem;

	problem = channel ? input_problem(replay, input, channel) : "there is no such connection";
	if (problem) {
		broken(replay, problem);
		return;
	}
	if (input->kind == TRAP_TIMEOUT)
		channel->deadline = 0;
	input->thread = thread;
	refusal = trap_input(replay->host, input);
	channel->dropped = refusal != NULL;
	compare_refusal(replay, refusal);
	if (input->kind == TRAP_DISCONNECT) {
		list_remove(&channel->link);
		mem_free(channel);
	}
}

static void feed(struct replay *replay)
{
	struct trap_input input;

	replay->report->inputs++;
	if (!reader_input(&replay->reader, &input, &replay->limits)) {
		broken(replay, replay->reader.problem);
		return;
	}
	if (input.now < replay->now) {
		broken(replay, "time goes back");
		return;
	}
	replay->now = input.now;
	if (input.kind == TRAP_WORK && !trap_has_work(replay->host))
		verdict(replay, REPLAY_DIFFERS, "differs: there is no work to go on with");
	else if (input.kind == TRAP_ALARM && (replay->alarm == 0 || replay->alarm > replay->now))
		broken(replay, "an alarm comes that was not asked for");
	else if (input.kind == TRAP_CONNECT)
		feed_connect(replay, &input);
	else if (input.kind == TRAP_FRAME || input.kind == TRAP_TIMEOUT ||
		 input.kind == TRAP_DISCONNECT)
		feed_channel(replay, &input);
	else
		compare_refusal(replay, trap_input(replay->host, &input));
}

/* The other entries. */

static void compare_digest(struct replay *replay)
{
	uint8_t digest[TRAP_DIGEST_SIZE];

	trap_digest(replay->host, digest);
	if (replay->reader.entry.size != sizeof digest)
		broken(replay, "a digest has the wrong size");
	else if (memcmp(digest, replay->reader.bytes, sizeof digest) != 0)
		verdict(replay, REPLAY_DIFFERS, "differs: the state has another digest");
	reader_next(&replay->reader);
}

static void stop(struct replay *replay)
{
	reader_next(&replay->reader);
	replay->stopped = true;
	trap_stop(replay->host);
	replay->host = NULL;
	compare_refusal(replay, NULL);
}

static void compare_totals(struct replay *replay)
{
	struct record_totals totals = {replay->report->inputs, replay->report->outputs};

	if (!replay->stopped)
		broken(replay, "it ends without a stop");
	else if (replay->reader.entry.size != sizeof totals ||
		 memcmp(&totals, replay->reader.bytes, sizeof totals) != 0)
		broken(replay, "the totals at its end are wrong");
	reader_next(&replay->reader);
	if (peek(replay) || replay->reader.state == READER_CUT)
		broken(replay, "it goes on behind its end");
	replay->report->complete = !replay->over;
}

static void step(struct replay *replay)
{
	uint32_t kind = replay->reader.entry.kind;

	if (kind == RECORD_END)
		compare_totals(replay);
	else if (replay->stopped)
		broken(replay, "it goes on after the stop");
	else if (kind == RECORD_DIGEST)
		compare_digest(replay);
	else if (kind == RECORD_STOP)
		stop(replay);
	else if (reader_is_input(kind))
		feed(replay);
	else
		broken(replay, "an entry is not where it belongs");
}

static void conclude(struct replay *replay)
{
	struct replay_report *report = replay->report;

	if (replay->over)
		return;
	report->verdict = REPLAY_SAME;
	snprintf(report->text, sizeof report->text,
		 "replayed %" PRIu64 " inputs, %" PRIu64 " outputs: same%s", report->inputs,
		 report->outputs,
		 report->complete ? "" : ", as far as the record goes: it has no orderly end");
}

static void clean_up(struct replay *replay)
{
	struct replay_channel *channel;

	replay->over = true;
	if (replay->host)
		trap_stop(replay->host);
	while ((channel = list_first(&replay->channels, struct replay_channel, link))) {
		list_remove(&channel->link);
		mem_free(channel);
	}
	reader_close(&replay->reader);
}

void replay_stream(FILE *file, struct replay_report *report)
{
	struct boot_policy names = {.bp_rules = NULL};
	/* Any key will do: nothing out of it is recorded. */
	struct trap_config config = {.names = &names};
	struct replay replay = {
		.report = report,
		.outbox = {&replay, out_answer, out_timer, out_alarm, out_release, out_corrupt,
			   out_boost, out_warn, out_ring, out_start, out_started, out_board,
			   out_window, out_lend, out_settle, out_usage, out_memory},
	};

	*report = (struct replay_report){.verdict = REPLAY_BROKEN};
	list_init(&replay.channels);
	if (reader_open(&replay.reader, file, &config, &names)) {
		replay.host = trap_start(&config, &replay.outbox);
		if (!replay.host)
			broken(&replay, "there is no memory to replay it");
		while (peek(&replay))
			step(&replay);
		conclude(&replay);
	} else {
		broken(&replay,
		       replay.reader.problem ? replay.reader.problem : "it ends within its header");
	}
	clean_up(&replay);
	boot_policy_free(&names);
}

void replay_file(const char *path, struct replay_report *report)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		*report = (struct replay_report){.verdict = REPLAY_BROKEN};
		snprintf(report->text, sizeof report->text, "%s: %s", path, strerror(errno));
		return;
	}
	replay_stream(file, report);
	fclose(file);
}
