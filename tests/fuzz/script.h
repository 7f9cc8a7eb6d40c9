/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an input of the frame fuzzer is read: a sequence of steps, each a kind, a link and what the
 * kind needs. Any bytes are a script; the seeds are written by seeds.c.
 */
#pragma once

enum fuzz_step {
	FUZZ_CONNECT, /* -; and a good hello */
	FUZZ_JOIN,    /* u8 other link: connect, and join that one's task */
	FUZZ_SILENT,  /* -; connect, and no hello */
	FUZZ_RAW,     /* u8 descriptors, u16 size, bytes: a packet as it is */
	FUZZ_REQUEST, /* u8 operation, u8 descriptors, u16 size, bytes: a packet with a good header
		       */
	FUZZ_TIMEOUT, /* - */
	FUZZ_DISCONNECT, /* - */
	FUZZ_WORK,	 /* - */
	FUZZ_LIMITS,	 /* u8 row, u8 value: set a limit low */
	FUZZ_NO_MEMORY,	 /* u8 allocations until one fails */
	FUZZ_LARGE,	 /* u8 KiB of zeros behind it, then as FUZZ_REQUEST */
	FUZZ_ALARM,	 /* -; the time of the machine's own alarm comes */
	FUZZ_NARROW,	 /* -; as FUZZ_CONNECT, for a task with 32-bit pointers */
	FUZZ_FLAGS,	 /* u8: of the link's next request, enum machd_request_flags */
	FUZZ_STEPS,
};

/*
 * The descriptors byte: how many come (2 bits), how far the header lies about it (2 bits), whether
 * they are sealed (1 bit), and their size: 2 to the power of 3 bits, in KiB.
 */
#define FUZZ_FDS(count, lie, sealed, order) ((count) | (lie) << 2 | (sealed) << 4 | (order) << 5)

/* A word of a request that stands for a name the link's client was told, by slot of `names`. */
#define FUZZ_NAME(slot)	   (0x4d4e0000u | (slot))
#define FUZZ_IS_NAME(word) (((word)&0xffffff00u) == 0x4d4e0000u)
#define FUZZ_NAME_SELF	   FUZZ_NAME(0)
#define FUZZ_NAME_BOOT	   FUZZ_NAME(1)
