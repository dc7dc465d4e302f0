/* SPDX-License-Identifier: MIT */
/* Files that are written: whether they can be is said before anything is run. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_check_output(const char *path)
{
	struct stat there;
	bool is_new = path && stat(path, &there);
	FILE *f;

	/* Opening a pipe only to close it would be the end of it for who reads. */
	if (!path || (!is_new && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)))
		return 0;
	f = fopen(path, "ae");
	if (!f) {
		fprintf(stderr, "mmsim: %s: %s\n", path, strerror(errno));
		return EXIT_USAGE;
	}
	fclose(f);
	if (is_new)
		unlink(path);
	return 0;
}

int cli_write_json(const json_t *object, const char *path)
{
	if (!json_dump_file(object, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER))
		return 0;
	fprintf(stderr, "mmsim: %s: cannot be written\n", path);
	return EXIT_USAGE;
}

int cli_close(FILE *out, const char *path)
{
	bool bad = ferror(out);

	if (!(fclose(out) || bad))
		return 0;
	fprintf(stderr, "mmsim: %s: cannot be written\n", path);
	return EXIT_USAGE;
}
