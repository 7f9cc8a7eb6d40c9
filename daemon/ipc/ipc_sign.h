/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures on messages that wait in the daemon. The key lives in guarded, read-only memory and
 * is different at every start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPC_SIGNATURE_SIZE 16

struct ipc_key {
	uint8_t *k_bytes; /* sodium_malloc'ed */
};

/* Take a copy of 16 key bytes into guarded memory; false if there is none to be had. */
bool ipc_key_init(struct ipc_key *key, const uint8_t bytes[16]);
void ipc_key_wipe(struct ipc_key *key);

void ipc_sign(const struct ipc_key *key, const void *bytes, size_t size,
	      uint8_t signature[IPC_SIGNATURE_SIZE]);

/* True if `signature` is that of these bytes; takes the same time for any. */
bool ipc_sign_check(const struct ipc_key *key, const void *bytes, size_t size,
		    const uint8_t signature[IPC_SIGNATURE_SIZE]);
