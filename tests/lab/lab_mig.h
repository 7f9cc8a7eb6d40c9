/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG calls by hand: requests put together as a user's stub would do it, sent to the daemon's
 * ports, and replies taken apart. There is one letter (lab_letter.h), and one reply in letter_got.
 */
#pragma once

#include "tests/lab/lab_letter.h"

/* Words of an argument list. */
#define WORDS(...) \
	(const uint32_t[]){__VA_ARGS__}, (sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Begin a request for a routine of the object that `dest` names; the reply goes to `reply`. */
void mig_start(int32_t id, mach_port_name_t dest, mach_port_name_t reply);

/* Add the inline arguments, behind all descriptors: NDR and the words. */
void mig_words(const uint32_t *words, size_t count);

/* Let a request without descriptors say that it is complex: its count is 0. */
void mig_set_complex(void);

/* Send it; MACH_MSG_SUCCESS or a code of the send. */
mach_msg_return_t mig_send(struct lab_thread *thread);

/*
 * Receive the reply to request `id` into letter_got: a message of the daemon's. Returns the code in
 * it, and KERN_SUCCESS for a complex one. There must be a reply.
 */
kern_return_t mig_receive(struct lab_thread *thread, mach_port_name_t reply, int32_t id);

/* Both: a request that is sent, and its reply. */
kern_return_t mig_call(struct lab_thread *thread);

/* A call without descriptors, from the first to the last. */
kern_return_t mig_simple(struct lab_thread *thread, int32_t id, mach_port_name_t dest,
			 mach_port_name_t reply, const uint32_t *words, size_t count);

/* Word number `index` of the reply, of which its header has six. */
uint32_t mig_word(unsigned index);
uint32_t mig_reply_size(void);

/* Descriptor number `index` of a reply whose descriptors are all of that type. */
mach_msg_port_descriptor_t mig_port(unsigned index);
mach_msg_ool_descriptor64_t mig_memory(unsigned index);
