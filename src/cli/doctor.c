#include "cli/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/keyfile.h"

enum { FREE_MIB_MIN = 64, FREE_MIB_FEW = 1024 };

struct told {
	core_finding_fn *fn;
	void *ctx;
};

static void tell(const struct told *t, const char *level, const char *subject, char *text,
		 const char *advice)
{
	t->fn(t->ctx, level, subject, text, advice);
	mem_free(text);
}

static void inspect_folder(const struct told *t, const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		tell(t, "wrong", "files",
		     mem_printf("%s: %s", path, err_str(err_from_errno(errno))),
		     "make the folder, or choose another by XDG_DATA_HOME");
	else if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		tell(t, "wrong", "files", mem_printf("%s is not closed to others", path),
		     "chmod 700 it");
	else if (access(path, W_OK) != 0)
		tell(t, "wrong", "files", mem_printf("%s cannot be written", path),
		     "chmod 700 it; is the disk read-only?");
	else
		tell(t, "ok", "files", mem_printf("%s is yours alone", path), NULL);
}

static void inspect_key(const struct told *t, const char *path)
{
	bool is_sealed = false;
	enum err e = keyfile_probe(path, &is_sealed);
	if (e != ERR_OK)
		tell(t, "wrong", "key", mem_printf("%s: %s", path, err_str(e)),
		     e == ERR_PERM ? "chmod 600 it, and think whether somebody has read "
				     "it"
				   : "restore it from a backup while this node still "
				     "runs");
	else if (is_sealed)
		tell(t, "ok", "key", mem_strdup("the key file has a passphrase"), NULL);
	else
		tell(t, "note", "key",
		     mem_strdup("the key file has no passphrase: only its mode protects "
				"it"),
		     "keep the disk encrypted");
}

static void inspect_store(const struct told *t, const char *path)
{
	enum err e = file_check_private(path);
	if (e == ERR_PERM)
		tell(t, "wrong", "store", mem_printf("%s is not closed to others", path),
		     "chmod 600 it");
	else if (e != ERR_OK)
		tell(t, "wrong", "store", mem_printf("%s: %s", path, err_str(e)),
		     "it went while this node runs: export what there is");
}

static void inspect_disk(const struct told *t, const char *path)
{
	struct statvfs v;
	if (statvfs(path, &v) != 0)
		return;
	unsigned long long mib =
		(unsigned long long)v.f_bavail * v.f_frsize / (1024 * 1024);
	const char *level = mib < FREE_MIB_MIN	 ? "wrong"
			    : mib < FREE_MIB_FEW ? "note"
						 : "ok";
	tell(t, level, "disk", mem_printf("%llu MiB are free", mib),
	     mib < FREE_MIB_FEW ? "make room: messages that cannot be kept are not taken"
				: NULL);
}

void doctor_inspect(const struct paths *paths, bool has_store, core_finding_fn *fn,
		    void *ctx)
{
	const struct told t = {fn, ctx};
	inspect_folder(&t, paths->data_dir);
	inspect_key(&t, paths->key);
	if (has_store)
		inspect_store(&t, paths->store);
	inspect_disk(&t, paths->data_dir);
}
