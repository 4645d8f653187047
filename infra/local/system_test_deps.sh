#!/bin/sh
# What the tests in a browser need from the system: Chromium, and a font that has Chinese.
# The only step of this repository that asks for root; nothing is done when both are there.
set -eu

missing=
if ! command -v chromium >/dev/null 2>&1; then
    missing="$missing chromium"
fi
if ! find /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.fonts" -iname '*CJK*' 2>/dev/null | grep -q .; then
    missing="$missing fonts-noto-cjk"
fi
[ -n "$missing" ] || exit 0

echo "==> 浏览器测试需要系统软件包：$missing (tests in a browser need these packages)"
# shellcheck disable=SC2086  # a list of names
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "请以 root 执行一次 (run this once as root)：apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
$as_root apt-get update -q
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $missing
