/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the routine process_policy does for a task: the numbers of the actions are those of Darwin's
 * call of this name, of which only importance is here.
 */
#pragma once

enum machd_policy_action {
	MACHD_POLICY_SET = 10,	/* make the caller a donor of importance */
	MACHD_POLICY_HOLD = 14, /* one more assertion, for a message received */
	MACHD_POLICY_DROP = 15, /* one assertion less */
};
