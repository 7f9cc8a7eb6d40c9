/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on ports of the host, tasks, threads, semaphores, clocks and memory. */
#pragma once

#include <mach/clock.h>
#include <mach/host_priv.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/semaphore.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/vm_map.h>
