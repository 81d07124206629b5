#!/bin/sh
# deps.sh GROUP...: install the Debian packages of these groups that are missing.
# As root directly, else through sudo; without either it prints the command and
# stops with status 1. With everything there it asks dpkg once and is done.
set -eu

# A word COMMAND:PACKAGE is satisfied by the command too, wherever it came from.
group_packages() {
	case $1 in
	build)
		echo gcc:gcc libc6-dev make:make pkg-config:pkg-config libsodium-dev \
			libavahi-client-dev libavahi-core-dev libmsgpack-dev libuv1-dev \
			libutf8proc-dev libjansson-dev libqrencode-dev libsqlite3-dev \
			libssl-dev
		;;
	test)
		echo python3 libcmocka-dev avahi-daemon avahi-utils dbus iproute2 procps \
			faketime python3-msgpack python3-dissononce python3-cryptography \
			python3-cryptography-vectors \
			zbarimg:zbar-tools go:golang-go golang-github-flynn-noise-dev
		;;
	lint)
		echo git:git python3 clang-format clang-tidy cppcheck mandoc \
			universal-ctags
		;;
	bench) echo python3 libzmq3-dev ;;
	clang) echo clang:clang libclang-rt-14-dev ;;
	interop) echo node:nodejs npm:npm ;;
	*)
		echo "deps.sh: no such group: $1" >&2
		return 1
		;;
	esac
}

packages=
for group in "$@"; do
	words=$(group_packages "$group")
	for word in $words; do
		case $word in
		*:*) command -v "${word%%:*}" >/dev/null || packages="$packages ${word#*:}" ;;
		*) packages="$packages $word" ;;
		esac
	done
done

if ! command -v dpkg-query >/dev/null; then
	echo "This is not Debian: these packages, by their names there, are needed:" \
		"$packages" >&2
	exit 0
fi

# shellcheck disable=SC2086 # a list of words
missing=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null |
	awk -v want="$packages" '
		$1 == "installed" { have[$2] = 1 }
		END {
			n = split(want, name, " ")
			for (i = 1; i <= n; i++)
				if (!(name[i] in have) && !seen[name[i]]++)
					printf " %s", name[i]
		}')
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	sudo=sudo
else
	echo "Packages are missing, and installing them needs root. Type this, then try again:"
	echo "    su -c 'apt-get update && $install'"
	exit 1
fi >&2

echo "Installing what is missing:$missing" >&2
# shellcheck disable=SC2086
if ! { $sudo apt-get -q update && $sudo env DEBIAN_FRONTEND=noninteractive $install; } >&2; then
	echo "That failed. These packages are needed:$missing" >&2
	exit 1
fi
