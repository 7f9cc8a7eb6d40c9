/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nouns of daemon/ipc and how they hang together.
 *
 *   ipc_host    one running machine: owns everything below
 *   ipc_user    a uid, for accounting
 *   ipc_task    a client process, with one ipc_space
 *   ipc_thread  a channel of a task: at most one request of it is under way
 *   ipc_space   a table of ipc_entry: names and the rights behind them
 *   ipc_port    a message queue with exactly one receive right
 *   ipc_pset    a set of ports that can be received from together
 *   ipc_bell    a client's descriptor that is readable while messages wait
 *   ipc_kmsg    a message inside the daemon: its rights are "naked", they belong to no space
 *
 * Everything in this folder is a deterministic state machine: no system call, no clock, no
 * randomness but the host's seeded generator.
 */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipc_host;
struct ipc_account;
struct ipc_user;
struct ipc_task;
struct ipc_thread;
struct ipc_space;
struct ipc_entry;
struct ipc_port;
struct ipc_pset;
struct ipc_kmsg;
struct ipc_bell;
struct ipc_identity;
struct ipc_msg_args;

/* What a naked right may point at besides a port: nothing, or a right whose port had died. */
#define IP_NULL	    ((struct ipc_port *)NULL)
#define IP_DEAD	    ((struct ipc_port *)~(uintptr_t)0)
#define IP_VALID(p) ((p) != IP_NULL && (p) != IP_DEAD)
