/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model test: random operations of several tasks, and everything the machine says compared with
 * what the model of the contract says.
 *
 *   test_model                         the fixed seeds and a random one
 *   test_model --seed S [--ops N]      one seed, this many operations (0: for ever)
 *   test_model --seed S --episode E    one of its episodes
 *   ... --trace                        with a line for every operation
 */
#include <getopt.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "tests/model/harness.h"

#define OPS_PER_SEED 50000

struct arguments {
	uint64_t seed, ops;
	bool seeded;
	int64_t episode; /* -1: all */
	enum model_mutation mutation;
	bool trace;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Run a seed's episodes; false after a report of the first that failed. */
static bool run_seed(const struct arguments *arguments, uint64_t seed)
{
	uint32_t first = arguments->episode >= 0 ? (uint32_t)arguments->episode : 0;
	uint32_t last =
		arguments->ops ? (uint32_t)((arguments->ops - 1) / EPISODE_OPS) : UINT32_MAX - 1;
	struct outcome *outcome = outcome_new();
	struct episode episode;
	double begin = seconds(), time;
	bool good;

	if (!outcome)
		return false;
	printf("seed %llu\n", (unsigned long long)seed);
	harness_run(outcome, seed, first, arguments->episode >= 0 ? first : last,
		    arguments->mutation, arguments->trace ? stdout : NULL);
	time = seconds() - begin;
	good = !outcome->failed;
	if (good) {
		printf("    %llu operations, %llu answers, %llu messages received; "
		       "%.0f operations a second\n"
		       "    %llu messages sent without an answer, %llu taken from loans\n",
		       (unsigned long long)outcome->total, (unsigned long long)outcome->compared,
		       (unsigned long long)outcome->received, (double)outcome->total / time,
		       (unsigned long long)outcome->unanswered,
		       (unsigned long long)outcome->borrowed);
	} else {
		printf("FAILED: --seed %llu --episode %u\n", (unsigned long long)seed,
		       outcome->index);
		episode = episode_of(seed, outcome->index);
		episode.mutation = arguments->mutation;
		harness_report(outcome, &episode, stdout);
	}
	outcome_free(outcome);
	return good;
}

static int usage(void)
{
	fputs("usage: test_model [--seed S] [--ops N] [--episode E] [--mutate M] [--trace]\n",
	      stderr);
	return 2;
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},	   {"ops", required_argument, NULL, 'n'},
		{"episode", required_argument, NULL, 'e'}, {"mutate", required_argument, NULL, 'm'},
		{"trace", no_argument, NULL, 't'},	   {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			arguments->seed = strtoull(optarg, NULL, 0);
			arguments->seeded = true;
			break;
		case 'n':
			arguments->ops = strtoull(optarg, NULL, 0);
			break;
		case 'e':
			arguments->episode = strtoll(optarg, NULL, 0);
			break;
		case 'm':
			arguments->mutation = (enum model_mutation)strtoul(optarg, NULL, 0);
			break;
		case 't':
			arguments->trace = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && arguments->mutation < MODEL_MUTATIONS;
}

int main(int argc, char **argv)
{
	static const uint64_t fixed[] = {1, 2, 3, 4};
	struct arguments arguments = {.ops = OPS_PER_SEED, .episode = -1};
	uint64_t random = 0;

	if (!parse(argc, argv, &arguments))
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (arguments.seeded)
		return !run_seed(&arguments, arguments.seed);
	for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (!run_seed(&arguments, fixed[i]))
			return 1;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = (uint64_t)time(NULL);
	return !run_seed(&arguments, random);
}
