/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack-c's packer on a buffer that does not grow. */
#include "protocol/writer.h"

#include <string.h>

/* Where the packer puts its bytes; anything but 0 tells it to stop. */
static int append(void *data, const char *bytes, size_t size)
{
	struct machd_writer *writer = data;

	if (writer->full || writer->size - writer->used < size) {
		writer->full = true;
		return -1;
	}
	memcpy(writer->buffer + writer->used, bytes, size);
	writer->used += size;
	return 0;
}

void machd_writer_init(struct machd_writer *writer, void *buffer, size_t size)
{
	msgpack_packer_init(&writer->packer, writer, append);
	writer->buffer = buffer;
	writer->size = size;
	writer->used = 0;
	writer->full = false;
}

void machd_write_map(struct machd_writer *writer, uint32_t pairs)
{
	msgpack_pack_map(&writer->packer, pairs);
}

void machd_write_array(struct machd_writer *writer, uint32_t elements)
{
	msgpack_pack_array(&writer->packer, elements);
}

void machd_write_uint(struct machd_writer *writer, uint64_t number)
{
	msgpack_pack_uint64(&writer->packer, number);
}

void machd_write_string(struct machd_writer *writer, const char *text)
{
	size_t size = strlen(text);

	msgpack_pack_str(&writer->packer, size);
	msgpack_pack_str_body(&writer->packer, text, size);
}

void machd_write_bytes(struct machd_writer *writer, const void *bytes, size_t size)
{
	msgpack_pack_bin(&writer->packer, size);
	msgpack_pack_bin_body(&writer->packer, bytes, size);
}

size_t machd_writer_end(const struct machd_writer *writer)
{
	return writer->full ? 0 : writer->used;
}
