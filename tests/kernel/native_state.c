/* SPDX-License-Identifier: MIT */
/*
 * The state of the window from /proc: VMAs from smaps (the only file with all their flags), pages
 * from pagemap and kpagecount, contents by reading them. No memory is mapped or unmapped after
 * native_state_open(), and a page is only read where that takes no page fault.
 */
#define _GNU_SOURCE 1
#include "native_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WINDOW_END (SIM_WINDOW_BASE + SIM_WINDOW_PAGES * SIM_PAGE_SIZE)
#define SMAPS_MAX 131072

static int smaps_fd = -1, pagemap_fd = -1, kpagecount_fd = -1;
static uint64_t zero_pfn;

/* Of the VMA that a page lies in: whether there is one, and whether it may be read. */
static bool page_has_vma[SIM_WINDOW_PAGES], page_readable[SIM_WINDOW_PAGES];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- VMAs ---- */

/* One VMA as its lines in smaps describe it. */
struct vma_text {
	uint64_t start, end, offset;
	char perms[5];
	bool shared_memory;
	char flags[128];
};

/* The letters of perms are not repeated, nor what every VMA has. sd: soft-dirty, a debugging aid */
static bool flag_is_shown(const char *flag)
{
	static const char hidden[] = "rd wr ex sh mr mw me ms sd";

	return !strstr(hidden, flag);
}

static void read_flags(const char *text, char *flags)
{
	char word[3];
	int n;

	*flags = '\0';
	for (; sscanf(text, " %2[a-z?]%n", word, &n) == 1; text += n)
		if (flag_is_shown(word))
			strcat(strcat(flags, ","), word);
}

/* @vma stays as it is when the line is not the first one of a VMA. */
static bool read_header(const char *line, struct vma_text *vma)
{
	struct vma_text found = {0};
	int n = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &found.start,
		   &found.end, found.perms, &found.offset, &n) < 4)
		return false;
	found.shared_memory = !strncmp(line + n, "/dev/zero", 9);
	*vma = found;
	return true;
}

static int print_vma(const struct vma_text *vma, char *buf, size_t size)
{
	uint64_t first = (vma->start - SIM_WINDOW_BASE) / SIM_PAGE_SIZE;
	uint64_t last = (vma->end - SIM_WINDOW_BASE) / SIM_PAGE_SIZE;
	char file[32] = "";

	if (vma->shared_memory)
		snprintf(file, sizeof(file), "@shm+%" PRIu64, vma->offset / SIM_PAGE_SIZE);
	for (uint64_t i = first; i < last && i < SIM_WINDOW_PAGES; i++) {
		page_has_vma[i] = true;
		page_readable[i] = vma->perms[0] == 'r';
	}
	return snprintf(buf, size, " %" PRIu64 "-%" PRIu64 ":%s%s%s", first, last, vma->perms, file,
			vma->flags);
}

/* smaps up to and with the first VMA above the window: they come in the order of addresses. */
static char *read_smaps(void)
{
	static char text[SMAPS_MAX];
	size_t len = 0, seen = 0;
	ssize_t n;

	while ((n = pread(smaps_fd, text + len, sizeof(text) - 1 - len, (off_t)len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		for (char *end; (end = strchr(text + seen, '\n'));
		     seen = (size_t)(end + 1 - text)) {
			struct vma_text vma;

			if (read_header(text + seen, &vma) && vma.start >= WINDOW_END)
				return text;
		}
	}
	if (n < 0 || len == sizeof(text) - 1)
		die("/proc/self/smaps");
	return text;
}

static void read_vmas(char *buf)
{
	struct vma_text vma = {0};
	int n = 0;

	memset(page_has_vma, 0, sizeof(page_has_vma));
	*buf = '\0';
	for (char *line = read_smaps(), *next; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		read_header(line, &vma);
		if (vma.start < SIM_WINDOW_BASE || strncmp(line, "VmFlags:", 8))
			continue;
		if (vma.start >= WINDOW_END)
			break;
		read_flags(line + 8, vma.flags);
		n += print_vma(&vma, buf + n, STATE_MAX - (size_t)n);
	}
}

/* ---- pages ---- */

static char count_letter(uint64_t entry)
{
	uint64_t count = 0;

	if (pread(kpagecount_fd, &count, sizeof(count),
		  (off_t)((entry & PAGEMAP_PFN) * sizeof(count))) != sizeof(count))
		return '?';
	if (entry & PAGEMAP_FILE)
		return count > 1 ? 'F' : 'f';
	return count > 9 ? '+' : count > 1 ? (char)('0' + count) : 'x';
}

static char page_letter(uint64_t entry)
{
	if (entry & PAGEMAP_GUARD)
		return 'G';
	if (entry & PAGEMAP_SWAP)
		return 'w';
	if (!(entry & PAGEMAP_PRESENT))
		return '.';
	if (entry & PAGEMAP_ONCE)
		return entry & PAGEMAP_FILE ? 'f' : 'x';
	return (entry & PAGEMAP_PFN) == zero_pfn ? 'z' : count_letter(entry);
}

static uint64_t fnv1a(uint64_t hash, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		hash ^= (value >> (8 * i)) & 0xff;
		hash *= UINT64_C(1099511628211);
	}
	return hash;
}

static void read_pages(struct native_state *state)
{
	uint64_t entries[SIM_WINDOW_PAGES], hash = UINT64_C(1469598103934665603);
	char values[STATE_MAX - 32] = "";
	int n = 0;

	if (pread(pagemap_fd, entries, sizeof(entries),
		  SIM_WINDOW_BASE / SIM_PAGE_SIZE * sizeof(*entries)) != sizeof(entries))
		die("/proc/self/pagemap");
	for (uint64_t i = 0; i < SIM_WINDOW_PAGES; i++) {
		uint64_t value;

		state->pages[i] = page_has_vma[i] ? page_letter(entries[i]) : '-';
		if (!page_has_vma[i] || !page_readable[i] || !(entries[i] & PAGEMAP_PRESENT))
			continue;
		value = *(volatile uint64_t *)(SIM_WINDOW_BASE + i * SIM_PAGE_SIZE);
		hash = fnv1a(fnv1a(hash, i), value);
		if (value)
			n += snprintf(values + n, sizeof(values) - (size_t)n,
				      " %" PRIu64 "=%" PRIu64, i, value);
	}
	snprintf(state->hash, sizeof(state->hash), "%016" PRIx64 "%s", hash, values);
}

uint64_t native_state_page(uint64_t addr)
{
	uint64_t entry;

	if (pread(pagemap_fd, &entry, sizeof(entry),
		  (off_t)(addr / SIM_PAGE_SIZE * sizeof(entry))) != sizeof(entry))
		die("/proc/self/pagemap");
	return entry;
}

/* ---- all of it ---- */

int native_state_open(void)
{
	volatile uint64_t *page;

	if (sysconf(_SC_PAGESIZE) != SIM_PAGE_SIZE)
		return -EINVAL;
	/* A forked process opens its own. */
	close(smaps_fd);
	close(pagemap_fd);
	close(kpagecount_fd);
	smaps_fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	kpagecount_fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	if (smaps_fd < 0 || pagemap_fd < 0)
		return -EACCES;
	page = mmap(NULL, SIM_PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -ENOMEM;
	/* A read of untouched memory maps the zero page. */
	zero_pfn = *page ? 0 : native_state_page((uint64_t)page) & PAGEMAP_PFN;
	munmap((void *)page, SIM_PAGE_SIZE);
	return 0;
}

bool native_state_sees_pfns(void)
{
	return zero_pfn;
}

void native_state_start(struct native_state *state)
{
	memset(state, 0, sizeof(*state));
	memset(state->pages, '-', SIM_WINDOW_PAGES);
	snprintf(state->hash, sizeof(state->hash), "%016" PRIx64, UINT64_C(1469598103934665603));
}

void native_state_print(struct native_state *state, unsigned int pid, bool vmas, FILE *out)
{
	static struct native_state now;

	if (vmas)
		read_vmas(now.vmas);
	read_pages(&now);
	if (strcmp(now.vmas, state->vmas))
		fprintf(out, "V%u%s\n", pid, *now.vmas ? now.vmas : " ");
	if (strcmp(now.pages, state->pages) || strcmp(now.hash, state->hash))
		fprintf(out, "P%u %s\nH%u %s\n", pid, now.pages, pid, now.hash);
	*state = now;
}
