/* SPDX-License-Identifier: MIT */
/* Whole text files in memory, plain or xz. */
#define _GNU_SOURCE 1
#include "text_file.h"

#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (UINT64_C(1) << 16)

static int file_error(struct sim_error *err, const char *path, int error)
{
	return sim_error_set(err, -error, path, 0, "%s", strerror(error));
}

/* Make room for one more chunk and a NUL; doubling keeps the copying linear. */
static int make_room(struct text_file *file, size_t *max)
{
	size_t wanted = *max ? *max * 2 : CHUNK;
	char *text;

	if (file->len + CHUNK / 2 < *max)
		return 0;
	text = realloc(file->text, wanted + 1);
	if (!text)
		return -ENOMEM;
	file->text = text;
	*max = wanted;
	return 0;
}

static int read_stream(FILE *stream, struct text_file *file)
{
	size_t max = 0, n;

	do {
		if (make_room(file, &max))
			return ENOMEM;
		errno = 0;
		n = fread(file->text + file->len, 1, max - file->len, stream);
		file->len += n;
	} while (n);
	if (ferror(stream))
		return errno ? errno : EIO;
	file->text[file->len] = '\0';
	return 0;
}

static int read_plain(const char *path, struct text_file *file, struct sim_error *err)
{
	FILE *stream = fopen(path, "rbe");
	int error;

	if (!stream)
		return file_error(err, path, errno);
	error = read_stream(stream, file);
	fclose(stream);
	return error ? file_error(err, path, error) : 0;
}

static lzma_ret decode(lzma_stream *lzma, struct text_file *out)
{
	size_t max = 0;
	lzma_ret ret;

	do {
		if (make_room(out, &max))
			return LZMA_MEM_ERROR;
		lzma->next_out = (uint8_t *)out->text + out->len;
		lzma->avail_out = max - out->len;
		ret = lzma_code(lzma, LZMA_FINISH);
		out->len = max - lzma->avail_out;
	} while (ret == LZMA_OK);
	out->text[out->len] = '\0';
	return ret;
}

static int decompress(const char *path, const struct text_file *in, struct text_file *out,
		      struct sim_error *err)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	lzma_ret ret = lzma_stream_decoder(&lzma, UINT64_MAX, LZMA_CONCATENATED);

	lzma.next_in = (const uint8_t *)in->text;
	lzma.avail_in = in->len;
	if (ret == LZMA_OK)
		ret = decode(&lzma, out);
	lzma_end(&lzma);
	if (ret == LZMA_MEM_ERROR)
		return file_error(err, path, ENOMEM);
	out->cut = ret == LZMA_BUF_ERROR;
	if (ret != LZMA_STREAM_END && !out->cut)
		return sim_error_set(err, -EINVAL, path, 0, "expected an undamaged xz file");
	return 0;
}

static bool is_xz(const struct text_file *file)
{
	static const char magic[6] = {(char)0xfd, '7', 'z', 'X', 'Z', 0};

	return file->len >= sizeof(magic) && !memcmp(file->text, magic, sizeof(magic));
}

static int read_any(const char *path, struct text_file *file, struct sim_error *err)
{
	struct text_file raw = {0};
	int ret = read_plain(path, &raw, err);

	if (!ret && !is_xz(&raw)) {
		*file = raw;
		return 0;
	}
	if (!ret)
		ret = decompress(path, &raw, file, err);
	free(raw.text);
	return ret;
}

int text_file_read(const char *path, struct text_file *file, struct sim_error *err)
{
	int ret;

	memset(file, 0, sizeof(*file));
	ret = read_any(path, file, err);
	if (!ret && strlen(file->text) != file->len)
		ret = sim_error_set(err, -EINVAL, path, 0, "expected text without NUL bytes");
	if (ret) {
		free(file->text);
		file->text = NULL;
	}
	return ret;
}

static int write_plain(const char *path, const void *bytes, size_t len, struct sim_error *err)
{
	FILE *stream = fopen(path, "wbe");
	int error = 0;

	if (!stream)
		return file_error(err, path, errno);
	errno = 0;
	if (fwrite(bytes, 1, len, stream) != len)
		error = errno ? errno : EIO;
	if (fclose(stream) && !error)
		error = errno;
	return error ? file_error(err, path, error) : 0;
}

int text_file_write(const char *path, const char *text, size_t len, struct sim_error *err)
{
	size_t bound = lzma_stream_buffer_bound(len), used = 0;
	const char *dot = strrchr(path, '.');
	uint8_t *bytes;
	int ret;

	if (!dot || strcmp(dot, ".xz"))
		return write_plain(path, text, len, err);
	bytes = malloc(bound);
	if (!bytes)
		return file_error(err, path, ENOMEM);
	if (lzma_easy_buffer_encode(LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, NULL,
				    (const uint8_t *)text, len, bytes, &used, bound) != LZMA_OK)
		ret = file_error(err, path, ENOMEM);
	else
		ret = write_plain(path, bytes, used, err);
	free(bytes);
	return ret;
}
