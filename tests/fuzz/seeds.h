/* SPDX-License-Identifier: Apache-2.0 */
/* The seed that is being written, shared by the files that write seeds. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Add bytes to it. */
void seed_put(const void *bytes, size_t size);
void seed_put_u8(unsigned value);

/* It is complete: write it to TARGET-NAME and begin the next one. */
void seed_save(const char *target, const char *name);

/* All seeds of the frame fuzzer. */
void seed_frames(void);

/* Those with memory, arrays, guards, timers and semaphores; what the others of the frame begin. */
void seed_memory_frames(void);

/* Those that call the daemon's routines by message. */
void seed_mig_frames(void);

/* All seeds of the recipe fuzzer, and one of the frame fuzzer with vouchers. */
void seed_recipes(void);

/* Those with bells and auxiliary data. */
void seed_bell_frames(void);

/* All seeds of the ring fuzzer. */
void seed_rings(void);

/* All seeds of the client fuzzer. */
void seed_clients(void);

/* All seeds of boards. */
void seed_boards(void);

/* All seeds of watch requests. */
void seed_watches(void);

/* All seeds of the inflate fuzzer. */
void seed_inflates(void);

/* Steps of scripts (script.h), shared by the files that write seeds of frames. */
void seed_step(unsigned kind, unsigned link);
void seed_request(unsigned link, unsigned op, unsigned fds, const void *body, size_t size);
