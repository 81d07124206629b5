/*
 * replay: the main of a fuzzer outside of libFuzzer. It gives the fuzzer the empty
 * input and every file of the folders named, so that what was found once stays found.
 * The last line says how many files there were.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) != 0) {
		perror(path);
		return 1;
	}
	size_t len = (size_t)ftell(f);
	rewind(f);
	/* Exactly as long as the input, so that the sanitizer sees a byte too far. */
	uint8_t *bytes = malloc(len ? len : 1);
	int failed = !bytes || fread(bytes, 1, len, f) != len;
	if (failed)
		perror(path);
	else
		LLVMFuzzerTestOneInput(bytes, len);
	free(bytes);
	fclose(f);
	return failed;
}

/* Returns how many files were run, or -1. */
static int run_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	if (!dir) {
		perror(folder);
		return 0;
	}
	int count = 0;
	for (struct dirent *e = readdir(dir); e && count >= 0; e = readdir(dir)) {
		char path[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		printf("%s\n", path);
		count = run_file(path) ? -1 : count + 1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int inputs = 0;
	setvbuf(stdout, NULL, _IONBF, 0); /* the last line names the input that crashed */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		int count = run_folder(argv[i]);
		if (count < 0)
			return 1;
		inputs += count;
	}
	printf("%d inputs\n", inputs);
	return 0;
}
