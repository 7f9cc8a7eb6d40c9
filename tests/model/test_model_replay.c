/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model episodes through the recorder: the record, replayed into a fresh machine, gives the same
 * outputs byte for byte and the same digests of the state.
 */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/keep/replay.h"
#include "tests/model/harness.h"

enum { EPISODES = 6, SEED = 77 };

START_TEST(replays_to_the_same)
{
	struct episode episode = episode_of(SEED, (uint32_t)_i);
	struct outcome *outcome = outcome_new();
	struct replay_report report;
	char path[] = "/tmp/machd-model-XXXXXX";
	int fd = mkstemp(path);

	episode.limits = harness_no_limits; /* a record has only limits that machd.conf may have */
	ck_assert_ptr_nonnull(outcome);
	ck_assert_int_ge(fd, 0);
	close(fd);
	episode.record = path;
	harness_episode(outcome, &episode);
	ck_assert_msg(!outcome->failed, "%s", outcome->text);
	replay_file(path, &report);
	unlink(path);
	ck_assert_msg(report.verdict == REPLAY_SAME, "%s", report.text);
	ck_assert(report.complete);
	ck_assert_uint_gt(report.inputs, episode.ops / 2);
	ck_assert_uint_gt(report.outputs, episode.ops);
	outcome_free(outcome);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model replay");
	TCase *tcase = tcase_create("replay");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 0);
	tcase_add_loop_test(tcase, replays_to_the_same, 0, EPISODES);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
