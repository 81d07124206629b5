#include "crypto/keyfile.h"

#include "base/file.h"
#include "crypto/keyfile_seal.h"

static enum err read_private(const char *path, struct buf *out)
{
	const enum err err = file_check_private(path);

	if (err != ERR_OK)
		return err;
	const enum err read_err = file_read(path, out);
	return read_err == ERR_FULL ? ERR_CORRUPT : read_err;
}

enum err keyfile_probe(const char *path, bool *needs_passphrase)
{
	struct buf content;

	*needs_passphrase = false;
	buf_init(&content, KEYFILE_MAX_BYTES);
	enum err err = read_private(path, &content);
	if (err == ERR_OK)
		err = keyfile_check(buf_slice(&content), needs_passphrase);
	buf_wipe(&content);
	return err;
}

enum err keyfile_load(const char *path, struct slice passphrase, struct identity **out)
{
	struct buf content;

	*out = NULL;
	buf_init(&content, KEYFILE_MAX_BYTES);
	enum err err = read_private(path, &content);
	if (err == ERR_OK)
		err = keyfile_unseal(buf_slice(&content), passphrase, out);
	buf_wipe(&content);
	return err;
}

enum err keyfile_save(const char *path, const struct identity *id,
		      struct slice passphrase, const struct rng *rng)
{
	struct buf content;

	buf_init(&content, KEYFILE_MAX_BYTES);
	enum err err = keyfile_seal(id, passphrase, &keyfile_cost_default, rng, &content);
	if (err == ERR_OK)
		err = file_write_atomic(path, buf_slice(&content), 0600);
	buf_wipe(&content);
	return err;
}
