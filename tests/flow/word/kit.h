/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message with descriptors of every kind, and a look at one received: what one side writes in the
 * layout of its word size the other must find in that of its own.
 */
#pragma once

#include "tests/flow/flow_letter.h"

/* Kits in one message: KIT_DESCRIPTORS each. */
#define KIT_DESCRIPTORS 8

/* A letter to `dest`, to be answered to `reply`, with `count` kits and some bytes behind them. */
void kit_write(struct flow_letter *letter, mach_port_t dest, mach_port_t reply, unsigned count);

/* Check one that was received with MACH_RCV_GUARDED_DESC, and give up all that it brought. */
void kit_expect(const struct flow_letter *letter, unsigned count);

/* What msgh_size is for this word size. */
mach_msg_size_t kit_size(unsigned count);
