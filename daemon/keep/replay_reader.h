/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a record entry by entry, in bounded memory; everything read is checked before use. */
#pragma once

#include <stdio.h>

#include "daemon/keep/record_format.h"

enum reader_state {
	READER_OPEN,
	READER_END,    /* the file ends between two entries */
	READER_CUT,    /* the file ends in the middle of an entry */
	READER_BROKEN, /* `problem` says what is wrong */
};

struct replay_reader {
	FILE *file;
	enum reader_state state;
	const char *problem;
	uint64_t offset; /* in the file, behind the current entry */
	bool have;	 /* the entry below is the current one, not used up yet */
	uint64_t entry_offset;
	struct record_entry entry;
	uint8_t *bytes;		      /* of the entry */
	uint8_t *input_bytes;	      /* of the last input, while the entries behind it are read */
	struct ipc_identity identity; /* of the last input, too */
	struct boot_policy names;
	struct trap_start start;
	struct ipc_policy policy;
};

/*
 * Begin to read: the header becomes `config` (its key is left alone), and its rules for names go to
 * `names`, which the caller frees. false: `state` says why. reader_close() in any case.
 */
bool reader_open(struct replay_reader *reader, FILE *file, struct trap_config *config,
		 struct boot_policy *names);
void reader_close(struct replay_reader *reader);

/* The current entry is in `entry` and `bytes`; false at the end, see `state`. */
bool reader_peek(struct replay_reader *reader);

/* Done with the current entry. */
void reader_next(struct replay_reader *reader);

/*
 * Use up the current entry as an input for the state machine. What it points at is
 * in the reader, or is `limits`, until the next call; `channel` is set for all kinds. false if
 * the entry is not the input it says; `problem` is set then.
 */
bool reader_input(struct replay_reader *reader, struct trap_input *input,
		  struct machd_limits *limits);

/* Is this an entry for something fed to the machine, or for something it did? */
bool reader_is_input(uint32_t kind);
bool reader_is_output(uint32_t kind);
