/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uthash as the daemon uses it: its memory comes from mem.h, and running out of it is not fatal.
 * After HASH_ADD an object whose hh.tbl is NULL was not added.
 */
#pragma once

#include "daemon/base/mem.h"

#define HASH_NONFATAL_OOM    1
#define uthash_malloc(size)  mem_alloc(size)
#define uthash_free(ptr, sz) mem_free(ptr)

#include <uthash.h>
