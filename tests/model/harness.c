/* SPDX-License-Identifier: Apache-2.0 */
/* Episodes and lists of operations in child processes. */
#include "tests/model/harness.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/model/gen.h"
#include "tests/model/rng.h"

#define EPISODE_SECONDS 120 /* until it counts as hanging */

const struct m_limits harness_no_limits = {
	131072, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
};

/* Limits of a user's so low that they count. */
static void limit_user(struct m_limits *limits, uint64_t *random)
{
	uint64_t *const each[] = {&limits->names, &limits->ports,  &limits->messages,
				  &limits->bytes, &limits->memfds, &limits->memory};
	static const uint32_t least[] = {64, 30, 3, 3000, 2, 4000};

	for (unsigned i = 0; i < sizeof least / sizeof *least; i++)
		if (rng_percent(random, 50))
			*each[i] = least[i] + rng_below(random, 4 * least[i]);
}

struct episode episode_of(uint64_t seed, uint32_t index)
{
	uint64_t random = seed ^ (uint64_t)index << 40;
	struct episode episode = {.ops = EPISODE_OPS, .limits = harness_no_limits};

	rng_next(&random);
	episode.seed = rng_next(&random);
	if (rng_percent(&random, 25))
		episode.limits.names_per_task = 16 + rng_below(&random, 48);
	else if (rng_percent(&random, 40))
		limit_user(&episode.limits, &random);
	episode.policy = rng_percent(&random, 50);
	episode.strict = rng_percent(&random, 30);
	if (rng_percent(&random, 30))
		episode.slice = 1 + rng_below(&random, 6);
	return episode;
}

struct outcome *outcome_new(void)
{
	void *memory = mmap(NULL, sizeof(struct outcome), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void outcome_free(struct outcome *outcome)
{
	munmap(outcome, sizeof *outcome);
}

/* --- in the child --- */

/* What the test function below works on: Check gives it no argument. */
static struct {
	struct outcome *outcome;
	const struct episode *episode;
	FILE *trace;
	bool generate;
} job;

static bool next_op(struct gen *gen, uint32_t i)
{
	if (job.generate) {
		if (i == job.episode->ops)
			return false;
		gen_next(gen, &job.outcome->ops[i]);
		job.outcome->count = i + 1;
		return true;
	}
	return i < job.outcome->count;
}

static void run_ops(struct world *world)
{
	struct outcome *outcome = job.outcome;
	struct gen gen;

	gen_start(&gen, world, job.episode->seed);
	for (uint32_t i = 0; next_op(&gen, i); i++) {
		if (!world_do(world, &outcome->ops[i])) {
			snprintf(outcome->text, sizeof outcome->text, "operation #%u: %s",
				 outcome->ops[i].number, world->text);
			outcome->failed = true;
			outcome->failed_at = i;
			return;
		}
	}
}

START_TEST(do_job)
{
	struct world_options options = {
		.seed = job.episode->seed,
		.limits = job.episode->limits,
		.policy = job.episode->policy,
		.strict = job.episode->strict,
		.mutation = job.episode->mutation,
		.record = job.episode->record,
		.slice = job.episode->record ? 0 : job.episode->slice,
		.trace = job.trace,
		.ops_max = EPISODE_OPS,
	};
	struct world world;

	world_start(&world, &options);
	run_ops(&world);
	job.outcome->compared += world.compared;
	job.outcome->sent += world.model.sent;
	job.outcome->received += world.model.received;
	job.outcome->unanswered += world.unanswered;
	job.outcome->borrowed += world.borrowed;
	if (!job.outcome->failed)
		world_stop(&world);
}
END_TEST

/* The lab's checks end a test, so there has to be one. */
static void run_job(struct outcome *outcome, const struct episode *episode, FILE *trace,
		    bool generate)
{
	Suite *suite = suite_create("model");
	TCase *tcase = tcase_create("model");
	SRunner *runner = srunner_create(suite);
	TestResult **failures;

	job.outcome = outcome;
	job.episode = episode;
	job.trace = trace;
	job.generate = generate;
	tcase_add_test(tcase, do_job);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	alarm(EPISODE_SECONDS);
	srunner_run_all(runner, CK_SILENT);
	if (srunner_ntests_failed(runner) > 0) {
		failures = srunner_failures(runner);
		snprintf(outcome->text, sizeof outcome->text, "%s:%d: %s", tr_lfile(failures[0]),
			 tr_lno(failures[0]), tr_msg(failures[0]));
		free(failures);
		outcome->failed = true;
		outcome->failed_at = outcome->count ? outcome->count - 1 : 0;
	}
	srunner_free(runner);
	if (!outcome->failed)
		outcome->total += outcome->count;
}

/* --- in the parent --- */

/* In a child: true. In the parent: false, when the child is through. */
static bool in_child(struct outcome *outcome)
{
	int status = 0;
	pid_t pid;

	outcome->failed = false;
	outcome->failed_at = 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		return true;
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("model test");
		exit(2);
	}
	if (status == 0 || outcome->failed)
		return false;
	outcome->failed = true;
	outcome->failed_at = outcome->count ? outcome->count - 1 : 0;
	if (WIFSIGNALED(status))
		snprintf(outcome->text, sizeof outcome->text, "it died of signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(outcome->text, sizeof outcome->text, "it ended with status %d",
			 WEXITSTATUS(status));
	return false;
}

/* A child that failed has not cleaned up, and says nothing about that. */
static void end_child(const struct outcome *outcome)
{
	if (outcome->failed)
		_exit(1);
	exit(0);
}

void harness_episode(struct outcome *outcome, const struct episode *episode)
{
	if (!in_child(outcome))
		return;
	run_job(outcome, episode, NULL, true);
	end_child(outcome);
}

void harness_replay(struct outcome *outcome, const struct episode *episode, FILE *trace)
{
	if (!in_child(outcome))
		return;
	if (!trace) { /* it is known to fail, and has said so */
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0)
			dup2(null, STDERR_FILENO);
	}
	run_job(outcome, episode, trace, false);
	if (trace)
		fflush(trace);
	_exit(outcome->failed);
}

void harness_run(struct outcome *outcome, uint64_t seed, uint32_t first, uint32_t last,
		 enum model_mutation mutation, FILE *trace)
{
	if (!in_child(outcome))
		return;
	for (uint32_t i = first; i <= last && !outcome->failed; i++) {
		struct episode episode = episode_of(seed, i);

		episode.mutation = mutation;
		outcome->index = i;
		run_job(outcome, &episode, trace, true);
	}
	end_child(outcome);
}
