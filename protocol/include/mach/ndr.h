/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 8 bytes MIG puts before the arguments of a message to say how numbers and text are
 * represented. Both ends are on one machine, so NDR_record is always right.
 */
#pragma once

#include <machd_cdefs.h>

typedef struct {
	unsigned char mig_vers;
	unsigned char if_vers;
	unsigned char reserved1;
	unsigned char mig_encoding;
	unsigned char int_rep;
	unsigned char char_rep;
	unsigned char float_rep;
	unsigned char reserved2;
} NDR_record_t;

#define NDR_PROTOCOL_2_0 0

#define NDR_INT_BIG_ENDIAN    0
#define NDR_INT_LITTLE_ENDIAN 1

#define NDR_CHAR_ASCII	0
#define NDR_CHAR_EBCDIC 1

#define NDR_FLOAT_IEEE 0
#define NDR_FLOAT_VAX  1
#define NDR_FLOAT_CRAY 2
#define NDR_FLOAT_IBM  3

MACHD_BEGIN_DECLS

extern const NDR_record_t NDR_record;

MACHD_END_DECLS
