#!/bin/sh
# What tests need from the system: Chromium, a font that has Chinese, and Tesseract, which reads
# printed pages back. The only step that asks for root; nothing is done when all are there.
set -eu

missing=
if ! command -v chromium >/dev/null 2>&1; then
    missing="$missing chromium"
fi
if ! find /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.fonts" -iname '*CJK*' 2>/dev/null | grep -q .; then
    missing="$missing fonts-noto-cjk"
fi
if ! tesseract --list-langs 2>/dev/null | grep -q '^chi_sim$'; then
    missing="$missing tesseract-ocr tesseract-ocr-chi-sim"
fi
[ -n "$missing" ] || exit 0

echo "==> 测试需要系统软件包：$missing (tests need these packages)"
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
