/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test of the model test: a model that is wrong in one place must be noticed, and what is
 * reported then must be short enough to be read. Each mutation of the model has to fail with all
 * but a few of the first seeds, and one of them has to give a list of less than ten operations.
 */
#include <check.h>

#include "tests/model/harness.h"

enum { SEEDS = 32, EPISODES = 40, SHORT = 10, MISSES_MAX = 2 };

#define MISSED UINT32_MAX

/* How many operations are left of a failure that this seed finds; MISSED if it finds none. */
static uint32_t shrunk_count(struct outcome *outcome, uint64_t seed, enum model_mutation mutation)
{
	struct episode episode;

	harness_run(outcome, seed, 0, EPISODES - 1, mutation, NULL);
	if (!outcome->failed)
		return MISSED;
	episode = episode_of(seed, outcome->index);
	episode.mutation = mutation;
	harness_shrink(outcome, &episode);
	return outcome->count;
}

START_TEST(mutation_is_noticed)
{
	struct outcome *outcome = outcome_new();
	uint32_t count = MISSED;
	unsigned misses = 0;

	ck_assert_ptr_nonnull(outcome);
	for (uint64_t seed = 1; seed <= SEEDS && count >= SHORT; seed++) {
		count = shrunk_count(outcome, seed, (enum model_mutation)_i);
		misses += count == MISSED;
	}
	ck_assert_msg(misses <= MISSES_MAX, "mutation %d is not noticed with %u seeds", _i, misses);
	ck_assert_uint_lt(count, SHORT);
	outcome_free(outcome);
}
END_TEST

START_TEST(true_model_passes)
{
	struct outcome *outcome = outcome_new();

	ck_assert_ptr_nonnull(outcome);
	harness_run(outcome, 1, 0, 1, MODEL_TRUE, NULL);
	ck_assert_msg(!outcome->failed, "%s", outcome->text);
	outcome_free(outcome);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model mutation");
	TCase *tcase = tcase_create("mutation");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 0);
	tcase_add_loop_test(tcase, mutation_is_noticed, MODEL_TRUE + 1, MODEL_MUTATIONS);
	tcase_add_test(tcase, true_model_passes);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
