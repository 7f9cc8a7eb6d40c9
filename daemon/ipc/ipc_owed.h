/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon owes: messages of its own that somebody relies on, and that it must not lose when
 * it finds no memory. Every notification uses up a send-once right [14], be it that of a request or
 * one that is destroyed unused; and a timer has one message under way at most. So as much memory is
 * kept (h_notices) as there are send-once rights and timers, wherever they are. It is got before a
 * right is made, where there is still somebody to be told that there is none, and used if there is
 * no other when the message is made.
 *
 * A right that has become the destination of a message is still counted: what that may have taken
 * is its own piece. So there are always as many pieces as rights that are not yet used. Rights cost
 * names, requests or room in messages, which their owners pay for; a piece that is not in use is
 * address space and no memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ipc/ipc_types.h"

/* Of one chunk, in words: about 1 MiB, of which a page is in use. */
#define IPC_OWED_WORDS 32

/* Get the memory for `count` more. False: there is none. */
bool ipc_owed_keep(struct ipc_host *host, uint64_t count);

/* It is owed from now on; memory for it was got in this input. */
void ipc_owed_begin(struct ipc_host *host);

/* It is not owed any more. */
void ipc_owed_end(struct ipc_host *host);
