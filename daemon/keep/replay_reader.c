/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a record: sizes are checked before anything is copied, values before they are used. */
#include "daemon/keep/replay_reader.h"

#include <string.h>

#include "daemon/base/mem.h"

static bool broken(struct replay_reader *reader, const char *problem)
{
	reader->state = READER_BROKEN;
	reader->problem = problem;
	return false;
}

/* Read `size` bytes. The state at end of file: `at_end`, or READER_CUT if some bytes were read. */
static bool read_bytes(struct replay_reader *reader, void *bytes, size_t size,
		       enum reader_state at_end)
{
	size_t got = fread(bytes, 1, size, reader->file);

	reader->offset += got;
	if (got == size)
		return true;
	reader->state = got ? READER_CUT : at_end;
	return ferror(reader->file) ? broken(reader, "cannot be read") : false;
}

static bool limits_fit(const struct machd_limits *limits)
{
	struct machd_limits copy = *limits;
	uint64_t value;

	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		value = *machd_limit_field(&copy, &machd_limit_rows[i]);
		if (value < machd_limit_rows[i].least || value > machd_limit_rows[i].most)
			return false;
	}
	return true;
}

static bool read_policy(struct replay_reader *reader, struct ipc_policy *policy)
{
	size_t head = offsetof(struct ipc_policy, p_rules);

	*policy = (struct ipc_policy){0};
	if (!read_bytes(reader, policy, head, READER_CUT))
		return false;
	if (!ipc_policy_head_good(policy))
		return broken(reader, "its policy makes no sense");
	if (!read_bytes(reader, policy->p_rules, ipc_policy_size(policy) - head, READER_CUT))
		return false;
	return ipc_policy_rules_good(policy) || broken(reader, "its policy makes no sense");
}

static bool read_names(struct replay_reader *reader, struct boot_policy *names)
{
	if (!read_bytes(reader, &names->bp_head, sizeof names->bp_head, READER_CUT))
		return false;
	if (!boot_policy_head_good(&names->bp_head))
		return broken(reader, "its rules for names make no sense");
	if (names->bp_head.bh_count == 0)
		return true;
	names->bp_rules = mem_alloc_array(names->bp_head.bh_count, sizeof *names->bp_rules);
	if (!names->bp_rules)
		return broken(reader, "there is no memory to read it");
	if (!read_bytes(reader, names->bp_rules, boot_policy_rules_size(names), READER_CUT))
		return false;
	return boot_policy_rules_good(names) || broken(reader, "its rules for names make no sense");
}

bool reader_open(struct replay_reader *reader, FILE *file, struct trap_config *config,
		 struct boot_policy *names)
{
	struct record_header header;

	*reader = (struct replay_reader){
		.file = file,
		.bytes = mem_alloc(RECORD_ENTRY_SIZE_MAX),
		.input_bytes = mem_alloc(RECORD_ENTRY_SIZE_MAX),
	};
	if (!reader->bytes || !reader->input_bytes)
		return broken(reader, "there is no memory to read it");
	if (!read_bytes(reader, &header, sizeof header, READER_CUT))
		return false;
	if (memcmp(header.magic, RECORD_MAGIC, sizeof header.magic) != 0)
		return broken(reader, "this is not a record of machd");
	if (header.version != RECORD_VERSION || header.limit_count != machd_limit_row_count)
		return broken(reader, "this record was made by another version of machd");
	if (header.discard_bad_signature > 1)
		return broken(reader, "a flag is neither 0 nor 1");
	if (memchr(header.machine.m_version, '\0', sizeof header.machine.m_version) == NULL)
		return broken(reader, "a text has no end");
	if (!read_bytes(reader, &config->limits, sizeof config->limits, READER_CUT))
		return false;
	if (!limits_fit(&config->limits))
		return broken(reader, "a limit is out of range");
	if (!read_policy(reader, &config->policy) || !read_names(reader, names))
		return false;
	config->seed = header.seed;
	config->owner_uid = header.owner_uid;
	config->discard_bad_signature = header.discard_bad_signature;
	config->calendar = header.calendar;
	config->machine = header.machine;
	return true;
}

void reader_close(struct replay_reader *reader)
{
	mem_free(reader->bytes);
	mem_free(reader->input_bytes);
}

bool reader_peek(struct replay_reader *reader)
{
	if (reader->have || reader->state != READER_OPEN)
		return reader->have;
	reader->entry_offset = reader->offset;
	if (!read_bytes(reader, &reader->entry, sizeof reader->entry, READER_END))
		return false;
	if (reader->entry.size > RECORD_ENTRY_SIZE_MAX)
		return broken(reader, "an entry is longer than any can be");
	if (!read_bytes(reader, reader->bytes, reader->entry.size, READER_CUT))
		return false;
	reader->have = true;
	return true;
}

void reader_next(struct replay_reader *reader)
{
	reader->have = false;
}

bool reader_is_input(uint32_t kind)
{
	return kind >= TRAP_CONNECT && kind <= TRAP_POLICY;
}

bool reader_is_output(uint32_t kind)
{
	return kind >= RECORD_ANSWER && kind <= RECORD_MEMORY;
}

static bool read_frame(struct replay_reader *reader, struct trap_input *input, const uint8_t *bytes,
		       size_t size)
{
	struct record_fds fds;

	if (size < sizeof fds)
		return broken(reader, "a frame is cut short");
	memcpy(&fds, bytes, sizeof fds);
	bytes += sizeof fds;
	size -= sizeof fds;
	if (fds.count > RECORD_FDS_MAX || fds.count > size / sizeof *input->fds)
		return broken(reader, "a frame has too many descriptors");
	input->fds = (const struct trap_fd *)(const void *)bytes;
	input->fd_count = fds.count;
	input->packet = bytes + fds.count * sizeof *input->fds;
	input->size = size - fds.count * sizeof *input->fds;
	for (unsigned i = 0; i < fds.count; i++)
		if (input->fds[i].handle == IPC_FD_NONE || input->fds[i].sealed > TRAP_FD_FIXED)
			return broken(reader, "a descriptor is not one");
	if (input->size == 0 || input->size > MACHD_FRAME_SIZE_MAX)
		return broken(reader, "a packet has an impossible size");
	return true;
}

static bool read_limits(struct replay_reader *reader, struct machd_limits *limits,
			const uint8_t *bytes, size_t size)
{
	if (size != sizeof *limits)
		return broken(reader, "limits are cut short");
	memcpy(limits, bytes, sizeof *limits);
	return limits_fit(limits) || broken(reader, "a limit is out of range");
}

static bool read_calendar(struct replay_reader *reader, struct trap_input *input,
			  const uint8_t *bytes, size_t size)
{
	if (size != sizeof input->calendar)
		return broken(reader, "a time has the wrong size");
	memcpy(&input->calendar, bytes, sizeof input->calendar);
	return true;
}

/* The rules stay in the entry's bytes. */
static bool read_new_names(struct replay_reader *reader, struct trap_input *input,
			   const uint8_t *bytes, size_t size)
{
	struct boot_policy *names = &reader->names;

	if (size < sizeof names->bp_head)
		return broken(reader, "rules for names are cut short");
	memcpy(&names->bp_head, bytes, sizeof names->bp_head);
	names->bp_rules = (struct boot_rule *)(uintptr_t)(bytes + sizeof names->bp_head);
	if (!boot_policy_head_good(&names->bp_head) ||
	    size - sizeof names->bp_head != boot_policy_rules_size(names) ||
	    !boot_policy_rules_good(names))
		return broken(reader, "rules for names make no sense");
	input->names = names;
	return true;
}

static bool read_start(struct replay_reader *reader, struct trap_input *input, const uint8_t *bytes,
		       size_t size)
{
	struct trap_start *start = &reader->start;

	if (size != sizeof *start)
		return broken(reader, "the end of a start has the wrong size");
	memcpy(start, bytes, sizeof *start);
	if (!memchr(start->why, '\0', sizeof start->why))
		return broken(reader, "a text has no end");
	input->start = start;
	return true;
}

/* Some sixteen kilobytes, and rare. */
static bool read_new_policy(struct replay_reader *reader, struct trap_input *input,
			    const uint8_t *bytes, size_t size)
{
	struct ipc_policy *policy = &reader->policy;
	size_t head = offsetof(struct ipc_policy, p_rules);

	*policy = (struct ipc_policy){0};
	if (size < head || size > sizeof *policy)
		return broken(reader, "a policy has the wrong size");
	memcpy(policy, bytes, size);
	if (!ipc_policy_head_good(policy) || size != ipc_policy_size(policy) ||
	    !ipc_policy_rules_good(policy))
		return broken(reader, "a policy makes no sense");
	input->policy = policy;
	return true;
}

static bool read_connect(struct replay_reader *reader, struct trap_input *input,
			 const uint8_t *bytes, size_t size)
{
	if (size != sizeof input->peer && size != sizeof input->peer + sizeof reader->identity)
		return broken(reader, "a peer is cut short");
	memcpy(&input->peer, bytes, sizeof input->peer);
	if (size == sizeof input->peer)
		return true;
	memcpy(&reader->identity, bytes + sizeof input->peer, sizeof reader->identity);
	input->identity = &reader->identity;
	return ipc_identity_good(&reader->identity) || broken(reader, "an identity is none");
}

/* The bytes of an input stay while its outputs are read into the other buffer. */
static const uint8_t *use_up(struct replay_reader *reader)
{
	uint8_t *bytes = reader->bytes;

	reader->bytes = reader->input_bytes;
	reader->input_bytes = bytes;
	reader_next(reader);
	return bytes;
}

bool reader_input(struct replay_reader *reader, struct trap_input *input,
		  struct machd_limits *limits)
{
	const uint8_t *bytes = use_up(reader);
	size_t size = reader->entry.size;
	struct record_at at;

	if (size < sizeof at)
		return broken(reader, "an input is cut short");
	memcpy(&at, bytes, sizeof at);
	bytes += sizeof at;
	size -= sizeof at;
	*input = (struct trap_input){
		.kind = (enum trap_input_kind)reader->entry.kind,
		.now = at.now,
		.channel = at.channel,
		.limits = limits,
	};
	if (input->kind == TRAP_FRAME)
		return read_frame(reader, input, bytes, size);
	if (input->kind == TRAP_LIMITS)
		return read_limits(reader, limits, bytes, size);
	if (input->kind == TRAP_CALENDAR)
		return read_calendar(reader, input, bytes, size);
	if (input->kind == TRAP_NAMES)
		return read_new_names(reader, input, bytes, size);
	if (input->kind == TRAP_START)
		return read_start(reader, input, bytes, size);
	if (input->kind == TRAP_POLICY)
		return read_new_policy(reader, input, bytes, size);
	if (input->kind == TRAP_CONNECT)
		return read_connect(reader, input, bytes, size);
	return size == 0 || broken(reader, "an input is longer than it can be");
}
