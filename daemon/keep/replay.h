/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replayer: feeds the inputs of a record to a fresh state machine and compares its outputs with
 * the recorded ones. A record is not trusted: a malformed one gives REPLAY_BROKEN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum replay_verdict {
	REPLAY_SAME,	/* all outputs and digests are the recorded ones */
	REPLAY_DIFFERS, /* the machine did something else */
	REPLAY_BROKEN,	/* not a record that can be replayed */
};

struct replay_report {
	enum replay_verdict verdict;
	bool complete; /* the record ends as it should: the recording daemon was stopped in order */
	uint64_t inputs, outputs; /* fed and compared */
	char text[256];		  /* the verdict in words, with the place where it was reached */
};

/* Replay a record from an open file, or from a path. */
void replay_stream(FILE *file, struct replay_report *report);
void replay_file(const char *path, struct replay_report *report);
