/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every public header puts around its declarations: C linkage for C++, and visibility outside
 * libmachclient, which is built with hidden symbols.
 */
#pragma once

#ifdef __cplusplus
#define MACHD_BEGIN_DECLS \
	extern "C" {      \
	_Pragma("GCC visibility push(default)")
#define MACHD_END_DECLS               \
	_Pragma("GCC visibility pop") \
	}
#else
#define MACHD_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define MACHD_END_DECLS	  _Pragma("GCC visibility pop")
#endif
