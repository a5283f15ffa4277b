#!/bin/sh
# Prints the path of Chromium: $CHROMIUM, or one on the PATH. With --install, installs it from the Debian archive if the user may.
set -eu

find_it() {
	for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome; do
		command -v "$name" && return
	done
	return 1
}

find_it && exit
if [ "${1:-}" = --install ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "==> Installing Chromium" >&2
	get() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >&2; }
	get || { apt-get update -qq >&2 && get; }
	find_it && exit
fi
echo "age: Chromium is missing: install it (Debian: apt install chromium), or name one in CHROMIUM" >&2
exit 2
