/* SPDX-License-Identifier: Apache-2.0 */
/* Mach's truth value: an int-sized word, unsigned where pointers have 64 bits. */
#pragma once

#ifdef __LP64__
typedef unsigned int boolean_t;
#else
typedef int boolean_t;
#endif

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif
