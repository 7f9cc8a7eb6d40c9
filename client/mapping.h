/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about a mapping of this process: see mapping.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the kernel names the file of a mapping. */
struct mi_mapped_file {
	char name[64];
};

/* How it would name the file of this descriptor. False: nobody can tell. */
bool mi_mapping_name(int fd, struct mi_mapped_file *file);

/*
 * The file and the protection (PROT_) of the mapping that is exactly [start, start + size). False:
 * there is none, or nobody can tell.
 */
bool mi_mapping_find(const void *start, size_t size, struct mi_mapped_file *file, int *protection);

/*
 * Pages of a private mapping of a file that are not the file's any more, because they were written
 * to. True also if nobody can tell.
 */
bool mi_mapping_written(const void *start, size_t size);

/* A mapping as /proc/self/maps has it. */
struct mi_mapping {
	uintptr_t start, end;
	int protection; /* PROT_ */
	bool shared;
	uint64_t offset; /* in its file, */
	uint64_t inode;	 /* which is this one; 0: none */
};

/*
 * The mapping at `address` or the first one above. 0, ENOENT: there is none, or another errno:
 * nobody can tell.
 */
int mi_mapping_at(uintptr_t address, struct mi_mapping *mapping);
