/*
 * bench_files: what the disk's part of a transfer costs, on the disk that TMPDIR is on: from
 * a source to a sink in one thread, without a network, everything durable at the end.
 *
 *   bench_files large [MIB]    one file of MIB mebibytes (1024)
 *   bench_files small [N]      a folder of N files of 1 KiB (10000)
 *   bench_files sparse         one file of 1 TiB, nearly all of it holes
 *   bench_files resume [N]     going on at the end of a folder of N files (10000)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "files/sink.h"
#include "files/source.h"

enum { RECORD = 65518, DURABLE_BYTES = 64 << 20, DURABLE_MS = 2000, SMALL_BYTES = 1024 };

static char dir[4096];

static double now_s(void)
{
	return (double)clock_mono_us(clock_system()) / 1e6;
}

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "bench_files: %s\n", what);
	exit(1);
}

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void write_file(const char *path, size_t n, uint64_t seed)
{
	static uint8_t buf[1 << 20];
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0, path);
	for (size_t i = 0; i < sizeof(buf) && i < n; i += 8) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		memcpy(buf + i, &seed, 8);
	}
	while (n > 0) {
		const size_t part = n < sizeof(buf) ? n : sizeof(buf);
		must(write(fd, buf, part) == (ssize_t)part, path);
		n -= part;
	}
	close(fd);
}

static struct source *open_source(const char *path)
{
	static const char *paths[1];
	struct mishap why = {.e = ERR_OK};
	struct source *s;

	paths[0] = path;
	const struct source_config cfg = {.port = file_port_system(),
					  .dir = AT_FDCWD,
					  .paths = paths,
					  .n_paths = 1};
	must(source_new(&cfg, &s, &why) == ERR_OK, why.text);
	return s;
}

static struct sink *open_sink(int to)
{
	const struct sink_config cfg = {.port = file_port_system(),
					.dir = to,
					.max_entries = UINT32_MAX,
					.max_bytes = INT64_MAX,
					.policy = SINK_OVERWRITE,
					.mask = 022};
	struct mishap why = {.e = ERR_OK};
	struct sink *k;

	must(sink_new(&cfg, &k, &why) == ERR_OK, why.text);
	return k;
}

static enum err give(struct sink *k, const uint8_t *buf, const struct source_out *out)
{
	if (out->what == SOURCE_ENTRY)
		return sink_entry(k, &out->entry);
	if (out->what == SOURCE_BYTES)
		return sink_bytes(k, slice_of(buf, out->n));
	if (out->what == SOURCE_HOLE)
		return sink_hole(k, out->hole);
	return sink_end(k, out->entries, out->bytes, NULL);
}

/* As the thread between disk and network will; *last: what the last durable place was. */
static void pump(struct source *s, struct sink *k, struct entry_place *last)
{
	static uint8_t buf[RECORD];
	struct source_out out = {.what = SOURCE_ENTRY};
	uint64_t since = 0;
	double at = now_s();

	while (out.what != SOURCE_END) {
		must(source_next(s, buf, sizeof(buf), &out) == ERR_OK,
		     source_mishap(s)->text);
		must(give(k, buf, &out) == ERR_OK, sink_mishap(k)->text);
		since += out.n;
		if (since < DURABLE_BYTES && now_s() - at < DURABLE_MS / 1000.0)
			continue;
		must(sink_durable(k, last) == ERR_OK, sink_mishap(k)->text);
		since = 0;
		at = now_s();
	}
}

static long rss_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* Sends dir/from to dir/to; the seconds it took. */
static double transfer(const char *name)
{
	char *from = path_of(name), *to = path_of("to");
	struct entry_place place;

	must(mkdir(to, 0755) == 0 || access(to, W_OK) == 0, to);
	const int fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0, to);
	sync();
	const double start = now_s();
	struct source *s = open_source(from);
	struct sink *k = open_sink(fd);
	pump(s, k, &place);
	must(sink_finish(k) == ERR_OK, sink_mishap(k)->text);
	const double took = now_s() - start;
	must(sink_remove(k) == ERR_OK, "remove");
	source_free(s);
	close(fd);
	mem_free(from);
	mem_free(to);
	return took;
}

static void large(unsigned long mib)
{
	char *path = path_of("large");

	write_file(path, (size_t)mib << 20, 1);
	const double s = transfer("large");
	printf("large: %lu MiB in %.3f s: %.0f MB/s, %ld KiB\n", mib, s,
	       (double)mib * 1.048576 / s, rss_kib());
	mem_free(path);
}

static void make_small(unsigned long n)
{
	char *path = path_of("small");

	must(mkdir(path, 0755) == 0, path);
	mem_free(path);
	for (unsigned long i = 0; i < n; i++) {
		char *name = mem_printf("%s/small/file-%07lu", dir, i);
		write_file(name, SMALL_BYTES, i);
		mem_free(name);
	}
}

static void small(unsigned long n)
{
	make_small(n);
	const double s = transfer("small");
	printf("small: %lu files in %.3f s: %.0f files/s, %ld KiB\n", n, s, (double)n / s,
	       rss_kib());
}

static void sparse(unsigned long unused)
{
	char *path = path_of("sparse");
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	(void)unused;
	must(fd >= 0 && ftruncate(fd, 1LL << 40) == 0, path);
	for (int i = 0; i < 1000; i++)
		must(pwrite(fd, "x", 1, (off_t)i << 30) == 1, path);
	close(fd);
	const double s = transfer("sparse");
	printf("sparse: 1 TiB, 1000 blocks of it data, in %.3f s\n", s);
	mem_free(path);
}

static void resume(unsigned long n)
{
	char *path = path_of("small");
	static uint8_t buf[RECORD];
	struct entry_place place = {.entries = 0};
	struct source_out out;
	struct digest d;

	make_small(n);
	struct source *s = open_source(path);
	entry_digest_init(&d);
	while (place.entries < n) {
		must(source_next(s, buf, sizeof(buf), &out) == ERR_OK, "walk");
		if (out.what != SOURCE_ENTRY)
			continue;
		entry_digest_add(&d, &out.entry);
		place.entries++;
	}
	digest_get(&d, place.digest);
	source_free(s);
	const double start = now_s();
	s = open_source(path);
	must(source_seek(s, &place) == ERR_OK, source_mishap(s)->text);
	printf("resume: over %lu files in %.3f s\n", n, now_s() - start);
	source_free(s);
	mem_free(path);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(unsigned long n);
		unsigned long n;
	} rows[] = {{"large", large, 1024},
		    {"small", small, 10000},
		    {"sparse", sparse, 0},
		    {"resume", resume, 10000}};
	const char *tmp = getenv("TMPDIR");

	secret_init();
	snprintf(dir, sizeof(dir), "%s/bench-files-XXXXXX", tmp != NULL ? tmp : "/tmp");
	for (size_t i = 0; argc > 1 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(argv[1], rows[i].name) != 0)
			continue;
		must(mkdtemp(dir) != NULL, dir);
		rows[i].run(argc > 2 ? strtoul(argv[2], NULL, 10) : rows[i].n);
		char *rm = mem_printf("rm -rf '%s'", dir);
		const int status = system(rm);
		mem_free(rm);
		return status != 0;
	}
	fprintf(stderr, "usage: bench_files large|small|sparse|resume [N]\n");
	return 2;
}
