/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes of calls on ports, tasks and memory. The codes of mach_msg are in mach/message.h; those of
 * machd itself (no daemon, for one) are in machd.h.
 */
#pragma once

typedef int kern_return_t;

#define KERN_SUCCESS		      0
#define KERN_INVALID_ADDRESS	      1 /* memory that is not there */
#define KERN_PROTECTION_FAILURE	      2 /* memory that may not be used like that */
#define KERN_NO_SPACE		      3 /* no room in the address space or the name space */
#define KERN_INVALID_ARGUMENT	      4
#define KERN_FAILURE		      5
#define KERN_RESOURCE_SHORTAGE	      6
#define KERN_NOT_RECEIVER	      7
#define KERN_NO_ACCESS		      8
#define KERN_MEMORY_FAILURE	      9
#define KERN_MEMORY_ERROR	      10
#define KERN_ALREADY_IN_SET	      11 /* the receive right is a member of that set */
#define KERN_NOT_IN_SET		      12 /* the receive right is not a member */
#define KERN_NAME_EXISTS	      13 /* the name is in use */
#define KERN_ABORTED		      14 /* interrupted */
#define KERN_INVALID_NAME	      15 /* the name denotes nothing */
#define KERN_INVALID_TASK	      16 /* not a task, or a dead one */
#define KERN_INVALID_RIGHT	      17 /* the name denotes another kind of right */
#define KERN_INVALID_VALUE	      18 /* a number out of range */
#define KERN_UREFS_OVERFLOW	      19
#define KERN_INVALID_CAPABILITY	      20 /* the right does not allow it */
#define KERN_RIGHT_EXISTS	      21 /* the task has the right under another name */
#define KERN_INVALID_HOST	      22
#define KERN_MEMORY_PRESENT	      23
#define KERN_MEMORY_DATA_MOVED	      24
#define KERN_MEMORY_RESTART_COPY      25
#define KERN_INVALID_PROCESSOR_SET    26
#define KERN_POLICY_LIMIT	      27
#define KERN_INVALID_POLICY	      28
#define KERN_INVALID_OBJECT	      29
#define KERN_ALREADY_WAITING	      30
#define KERN_DEFAULT_SET	      31
#define KERN_EXCEPTION_PROTECTED      32
#define KERN_INVALID_LEDGER	      33
#define KERN_INVALID_MEMORY_CONTROL   34
#define KERN_INVALID_SECURITY	      35
#define KERN_NOT_DEPRESSED	      36
#define KERN_TERMINATED		      37 /* the object is gone */
#define KERN_LOCK_SET_DESTROYED	      38
#define KERN_LOCK_UNSTABLE	      39
#define KERN_LOCK_OWNED		      40
#define KERN_LOCK_OWNED_SELF	      41
#define KERN_SEMAPHORE_DESTROYED      42
#define KERN_RPC_SERVER_TERMINATED    43
#define KERN_RPC_TERMINATE_ORPHAN     44
#define KERN_RPC_CONTINUE_ORPHAN      45
#define KERN_NOT_SUPPORTED	      46
#define KERN_NODE_DOWN		      47
#define KERN_NOT_WAITING	      48
#define KERN_OPERATION_TIMED_OUT      49
#define KERN_CODESIGN_ERROR	      50
#define KERN_POLICY_STATIC	      51
#define KERN_INSUFFICIENT_BUFFER_SIZE 52
#define KERN_DENIED		      53
#define KERN_MISSING_KC		      54
#define KERN_INVALID_KC		      55
#define KERN_NOT_FOUND		      56
#define KERN_RETURN_MAX		      0x100
