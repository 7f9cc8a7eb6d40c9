/* SPDX-License-Identifier: Apache-2.0 */
/* What a false daemon needs: a socket that this process's library connects to, and first words. */
#pragma once

#include <stddef.h>

/* Where it listens. */
struct flow_fake {
	char directory[32], socket[64];
	int listener; /* shut down to end accept() */
};

/* Listen, and have the library find it: before its first call. */
void flow_fake_begin(struct flow_fake *fake);
void flow_fake_end(struct flow_fake *fake);

/* Send a packet, with `count` descriptors, to who may have hung up already. */
void flow_fake_send(int fd, const void *packet, size_t size, const int *fds, unsigned count);

/* Answer a hello. Instead of a welcome, if it is not NULL, that text; "": nonsense. */
void flow_fake_welcome(int fd, const char *refusal);
