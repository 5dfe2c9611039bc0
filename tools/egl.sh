#!/bin/sh
# EGL, which rendering without a screen needs: nothing to do if it is here; installed on Debian and Ubuntu where that
# needs no password; else the line to type. Used by `make demo` and `make test`.
set -u

PYTHON="${1:-python3}"
PACKAGES="libegl1 libgl1-mesa-dri libgl1"

here() {
	"$PYTHON" -c 'import sys; from ctypes.util import find_library; sys.exit(not (sys.platform != "linux" or find_library("EGL")))'
}

if here; then exit 0; fi
if command -v apt-get >/dev/null; then
	if [ "$(id -u)" = 0 ]; then as_root=""; line="apt-get install $PACKAGES"
	else as_root="sudo -n"; line="sudo apt-get install $PACKAGES"
	fi
	if [ -z "$as_root" ] || sudo -n true 2>/dev/null; then
		echo "fauxface: rendering needs EGL; installing it: $line"
		$as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $PACKAGES >/dev/null
		if here; then exit 0; fi
		echo "fauxface: EGL could not be installed; try it yourself: $line" >&2
	else
		echo "fauxface: rendering needs EGL; install it first: $line" >&2
	fi
else
	echo "fauxface: rendering needs EGL; install it first (on Debian: apt-get install $PACKAGES)" >&2
fi
exit 1
