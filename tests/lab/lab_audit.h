/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of a machine: everything that it counts is counted again from its objects. A difference
 * ends the test.
 */
#pragma once

#include "tests/lab/lab.h"

/*
 * Audit a machine that has no work left to do: references and rights of every port, the lists and
 * the reverse table of every name space, queues, sets, waiting threads, and what each user is
 * charged for. Takes time proportional to all there is.
 */
void lab_audit(struct lab *lab);
