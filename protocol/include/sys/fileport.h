/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fileports: file descriptors as send rights. The calls of machd.h with the names and the manners
 * of Apple's: -1 with errno when they fail.
 */
#pragma once

#include <mach/port.h>
#include <machd_cdefs.h>

typedef mach_port_t fileport_t;

#define FILEPORT_NULL ((fileport_t)0)

MACHD_BEGIN_DECLS

/* A send right that holds the file behind `fd`, which stays open: 0. EBADF, EINVAL, EAGAIN,
 * ENOTCONN
 */
extern int fileport_makeport(int fd, fileport_t *port);

/* A new descriptor for the file, closed on exec. EINVAL: no such right; EMFILE, EAGAIN, ENOTCONN */
extern int fileport_makefd(fileport_t port);

MACHD_END_DECLS
