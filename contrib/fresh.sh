#!/bin/bash
# fresh.sh [COMMAND...]: on a Debian 12 that has just been installed (debootstrap below
# a temporary folder, with nothing added but git, make and certificates), clone what is
# committed here and give COMMAND as the first one; by default first `make run`, then,
# on another such Debian, `make check`. As root, with the package debootstrap.
#
# Everything is mounted and started in namespaces of its own and vanishes with them;
# packages are kept from starting their services. FRESH=FOLDER keeps the base system.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/fresh-XXXXXX")
trap 'rm -rf "$work"' EXIT
base=${FRESH:-$work/base}
vectors=${P2PMSG_VECTORS:-$top/../shared/vectors}

[ -d "$base/etc" ] ||
	debootstrap --include=git,make,ca-certificates bookworm "$base" >"$work/log" ||
	{ tail "$work/log"; exit 1; }

first() {
	echo "== $*"
	local root=$work/root
	mkdir "$root" "$work/up" "$work/wk"
	git clone -q --bare "$top" "$work/src.git"
	# shellcheck disable=SC2016 # expanded inside
	unshare -mpf --kill-child sh -eu -c '
		base=$1 work=$2 vectors=$3 root=$2/root
		shift 3
		mount -t overlay -o "lowerdir=$base,upperdir=$work/up,workdir=$work/wk" \
			overlay "$root"
		mount -t proc proc "$root/proc"
		mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
		ln -sf pts/ptmx "$root/dev/ptmx"
		[ ! -c /dev/net/tun ] || {
			mkdir -p "$root/dev/net"
			cp -a /dev/net/tun "$root/dev/net/tun"
		}
		printf "#!/bin/sh\nexit 101\n" >"$root/usr/sbin/policy-rc.d"
		chmod 755 "$root/usr/sbin/policy-rc.d"
		cp -r "$work/src.git" "$root/src.git"
		[ ! -d "$vectors" ] || {
			mkdir "$root/srv/shared"
			cp -r "$vectors" "$root/srv/shared/vectors"
		}
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
			chroot "$root" sh -eu -c "
				cd /srv && git clone -q /src.git p2pmsg && cd p2pmsg
				exec \"\$@\"" sh "$@"' \
		sh "$base" "$work" "$vectors" "$@" </dev/null && status=0 || status=$?
	rm -rf "$root" "$work/up" "$work/wk" "$work/src.git"
	echo "== $*: status $status"
	return "$status"
}

if [ $# -gt 0 ]; then
	first "$@"
else
	first make run
	first make check
fi
