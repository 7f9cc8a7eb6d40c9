/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says about a mapping of this process. /proc/self/map_files has a link for each
 * mapping, named by its range: whether it exists tells whether the mapping does, its mode tells the
 * protection, its target the file. /proc/self/pagemap has a word for each page. /proc/self/maps has
 * a line for each mapping.
 */
#include "client/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bits of a word of pagemap. */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61)

/* Words read at once. */
#define PAGEMAP_WORDS 4096

/* Where a link leads. */
static bool read_link(const char *path, struct mi_mapped_file *file)
{
	ssize_t length = readlink(path, file->name, sizeof file->name);

	if (length < 0 || (size_t)length == sizeof file->name) {
		file->name[0] = 0;
		return false;
	}
	file->name[length] = 0;
	return true;
}

bool mi_mapping_name(int fd, struct mi_mapped_file *file)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return read_link(path, file);
}

bool mi_mapping_find(const void *start, size_t size, struct mi_mapped_file *file, int *protection)
{
	uintptr_t first = (uintptr_t)start;
	struct stat link;
	char path[80];

	snprintf(path, sizeof path, "/proc/self/map_files/%jx-%jx", (uintmax_t)first,
		 (uintmax_t)(first + size));
	if (lstat(path, &link) || !read_link(path, file))
		return false;
	*protection = (link.st_mode & S_IRUSR ? PROT_READ : 0) |
		      (link.st_mode & S_IWUSR ? PROT_WRITE : 0) |
		      (link.st_mode & S_IXUSR ? PROT_EXEC : 0);
	return true;
}

static bool any_written(const uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((words[i] & (PAGE_PRESENT | PAGE_SWAPPED)) && !(words[i] & PAGE_OF_FILE))
			return true;
	return false;
}

bool mi_mapping_written(const void *start, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), left = size / page;
	off_t at = (off_t)((uintptr_t)start / page * sizeof(uint64_t));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t words[PAGEMAP_WORDS];
	bool written = fd < 0;

	while (!written && left > 0) {
		size_t count = left < PAGEMAP_WORDS ? left : PAGEMAP_WORDS;
		ssize_t got = pread(fd, words, count * sizeof *words, at);

		written = got != (ssize_t)(count * sizeof *words) || any_written(words, count);
		at += got;
		left -= count;
	}
	if (fd >= 0)
		close(fd);
	return written;
}

/* A line of /proc/self/maps. */
static bool parse(const char *line, struct mi_mapping *mapping)
{
	uintmax_t start, end, offset, inode;
	char bits[5];

	if (sscanf(line, "%jx-%jx %4s %jx %*s %ju", &start, &end, bits, &offset, &inode) != 5)
		return false;
	*mapping = (struct mi_mapping){
		.start = (uintptr_t)start,
		.end = (uintptr_t)end,
		.protection = (bits[0] == 'r' ? PROT_READ : 0) | (bits[1] == 'w' ? PROT_WRITE : 0) |
			      (bits[2] == 'x' ? PROT_EXEC : 0),
		.shared = bits[3] == 's',
		.offset = offset,
		.inode = inode,
	};
	return true;
}

int mi_mapping_at(uintptr_t address, struct mi_mapping *mapping)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool starts = true, found = false;

	if (!maps)
		return errno;
	/* A line with a long path comes in pieces; the first has all that counts. */
	while (!found && fgets(line, sizeof line, maps)) {
		found = starts && parse(line, mapping) && mapping->end > address;
		starts = strchr(line, '\n') != NULL;
	}
	fclose(maps);
	return found ? 0 : ENOENT;
}
