/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eventlinks: a pair of ports by which two threads signal each other. Each side counts the signals
 * that the other gave it, and its thread waits for there to be more than it knows of.
 */
#pragma once

#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <machd_cdefs.h>
#include <stdint.h>

/* The clock of a deadline: that of mach_absolute_time(). */
typedef uint32_t kern_clock_id_t;
#define KERN_CLOCK_MACH_ABSOLUTE_TIME 1

/* mach_eventlink_create: nothing is copied in by the wait, and it has to be said. */
typedef uint32_t mach_eventlink_create_option_t;
#define MELC_OPTION_NONE	0
#define MELC_OPTION_NO_COPYIN	1
#define MELC_OPTION_WITH_COPYIN 2

/* mach_eventlink_associate: with a thread, or without, with whichever waits. */
typedef uint32_t mach_eventlink_associate_option_t;
#define MELA_OPTION_NONE	      0
#define MELA_OPTION_ASSOCIATE_ON_WAIT 1

typedef uint32_t mach_eventlink_disassociate_option_t;
#define MELD_OPTION_NONE 0

/* Waiting: do not. */
typedef uint32_t mach_eventlink_signal_wait_option_t;
#define MELSW_OPTION_NONE    0
#define MELSW_OPTION_NO_WAIT 1

/* What the system calls behind the functions below return: a count of 56 bits and a code. */
#define EVENTLINK_SIGNAL_COUNT_MASK  0xffffffffffffff
#define EVENTLINK_SIGNAL_ERROR_MASK  0xff
#define EVENTLINK_SIGNAL_ERROR_SHIFT 56

#define encode_eventlink_count_and_error(count, error)           \
	((uint64_t)((error)&EVENTLINK_SIGNAL_ERROR_MASK) << 56 | \
	 ((count)&EVENTLINK_SIGNAL_COUNT_MASK))
#define decode_eventlink_count_from_retval(retval) ((retval)&EVENTLINK_SIGNAL_COUNT_MASK)
#define decode_eventlink_error_from_retval(retval) ((kern_return_t)((uint64_t)(retval) >> 56))

MACHD_BEGIN_DECLS

/*
 * Codes of the calls below beside their own: KERN_INVALID_NAME, _INVALID_RIGHT and
 * _INVALID_CAPABILITY for what is no eventlink, KERN_TERMINATED for one that has ended.
 */

/* Add a signal to the other side. `signal_count` does not matter. */
extern kern_return_t mach_eventlink_signal(mach_port_t eventlink_port, uint64_t signal_count);

/*
 * Wait until this side has more than *count_ptr signals; that is their number then.
 * KERN_INVALID_ARGUMENT: the caller is not the thread that may, or there is no such clock.
 * KERN_OPERATION_TIMED_OUT: it is `deadline` (0: never), or MELSW_OPTION_NO_WAIT. KERN_ABORTED: a
 * signal handler ran. KERN_TERMINATED also if the thread was disassociated meanwhile.
 */
extern kern_return_t mach_eventlink_wait_until(mach_port_t eventlink_port, uint64_t *count_ptr,
					       mach_eventlink_signal_wait_option_t option,
					       kern_clock_id_t clock_id, uint64_t deadline);

/* The same, and signal the other side as the waiting begins. */
extern kern_return_t mach_eventlink_signal_wait_until(mach_port_t eventlink_port,
						      uint64_t *count_ptr, uint64_t signal_count,
						      mach_eventlink_signal_wait_option_t option,
						      kern_clock_id_t clock_id, uint64_t deadline);

MACHD_END_DECLS
