/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the flow harness share and tests need not know. */
#pragma once

#include <stdbool.h>

/* This is a forked client: a failed check ends it with status 99. */
extern bool flow_in_child;
