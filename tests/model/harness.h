/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the model test: episodes of random operations, each on a fresh machine, in a child
 * process, so that a crash is a failure like any other; and making a failing list short.
 */
#pragma once

#include <stdio.h>

#include "tests/model/op.h"
#include "tests/model/world.h"

enum { EPISODE_OPS = 2000 };

/* One episode: all of it follows from these. */
struct episode {
	uint64_t seed;
	struct m_limits limits;
	bool policy, strict;
	uint32_t ops;
	uint32_t slice; /* 0, or the machine does its work in slices that are so small */
	enum model_mutation mutation;
	const char *record; /* or NULL; a record is of slices of the usual size */
};

/* The limits of a machine that nobody has limited. */
extern const struct m_limits harness_no_limits;

/* The episode number `index` of a run with this seed. */
struct episode episode_of(uint64_t seed, uint32_t index);

/* What a run of operations came to; in memory that is shared with the child. */
struct outcome {
	bool failed;
	uint32_t failed_at; /* index of the operation; the last one if it crashed */
	char text[2048];
	uint32_t index;	   /* of the episode */
	uint32_t count;	   /* operations done, or until it failed */
	uint64_t total;	   /* of all episodes */
	uint64_t compared; /* answers */
	uint64_t sent, received;
	uint64_t unanswered, borrowed; /* of these, without asking the machine */
	struct op ops[EPISODE_OPS];
};

struct outcome *outcome_new(void);
void outcome_free(struct outcome *outcome);

/*
 * Run episodes `first` to `last` of a seed until one fails; outcome->ops are that one's. `trace` as
 * below.
 */
void harness_run(struct outcome *outcome, uint64_t seed, uint32_t first, uint32_t last,
		 enum model_mutation mutation, FILE *trace);

/* Run one episode with its own options. */
void harness_episode(struct outcome *outcome, const struct episode *episode);

/* Do outcome->count operations of outcome->ops; `trace` gets a line for each if it is not NULL. */
void harness_replay(struct outcome *outcome, const struct episode *episode, FILE *trace);

/* Take out of a failing list all that is not needed for it to fail; outcome->ops are what is left.
 */
void harness_shrink(struct outcome *outcome, const struct episode *episode);

/* Tell about a failure: the seed, the last operations, and the shrunk list. */
void harness_report(struct outcome *outcome, const struct episode *episode, FILE *file);
