#include "lib/control_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/loop_run.h"
#include "lib/tempdir.h"
#include "ui/frontend.h"

int control_run_start(struct control_run *r, void **state)
{
	struct frontend_config cfg = {0};
	if (tempdir_setup(state) != 0 || loop_new(&r->loop) != ERR_OK)
		return -1;
	r->path = tempdir_path(*state, "sock");
	r->front = fake_front_new(r->loop);
	cfg.loop = r->loop;
	cfg.source = fake_front_source(r->front);
	cfg.socket = r->path;
	return frontend_control.start(&cfg, &r->control) == ERR_OK ? 0 : -1;
}

void control_run_close(struct control_run *r)
{
	frontend_control.stop(r->control);
	r->control = NULL;
}

int control_run_stop(struct control_run *r, void **state)
{
	control_run_close(r);
	loop_for(r->loop, 10);
	fake_front_free(r->front);
	loop_free(r->loop);
	mem_free(r->path);
	*r = (struct control_run){0};
	return tempdir_teardown(state);
}

struct wanted {
	struct control_run *run;
	size_t n;
};

static bool has_run(void *ctx)
{
	const struct wanted *w = ctx;
	return fake_front_commands(w->run->front) >= w->n;
}

void control_run_commands(struct control_run *r, size_t n, unsigned wait_ms)
{
	struct wanted w = {r, n};
	if (!loop_until(r->loop, has_run, &w, wait_ms))
		fail_msg("%zu commands instead of %zu", fake_front_commands(r->front), n);
}
