#!/bin/sh
# Makes the virtual environment and installs the locked packages. Says what is missing, and how to
# get it, before anything is half done. Usage: make_venv.sh PYTHON VENV
set -eu
PYTHON=$1
VENV=$2

fail() { # Chinese, English
    printf '\n%s\n%s\n' "$1" "$2" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 || fail \
    "缺少 Python：找不到 $PYTHON。请以 root 执行：apt-get install python3 python3-venv（或用 PYTHON=/路径/python3.12 make run 指定）" \
    "Python is missing: no $PYTHON. As root: apt-get install python3 python3-venv (or name one: PYTHON=/path/python3.12 make run)"

VERSION=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail \
    "Python 无法运行：$PYTHON。请用 PYTHON=/路径/python3.11 make run 指定另一个。" \
    "Python does not run: $PYTHON. Name another: PYTHON=/path/python3.11 make run"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail \
    "Python 版本太旧：$PYTHON 是 $VERSION，需要 3.11 或更新（Debian 12、Ubuntu 24.04 自带）。请用 PYTHON=/路径/python3.11 make run 指定。" \
    "Python is too old: $PYTHON is $VERSION, 3.11 or newer is needed (Debian 12 and Ubuntu 24.04 have it). Name one: PYTHON=/path/python3.11 make run"

"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || fail \
    "缺少 Python 的 venv 模块。请以 root 执行：apt-get install python3-venv（或 python$VERSION-venv）" \
    "Python's venv module is missing. As root: apt-get install python3-venv (or python$VERSION-venv)"

if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$VERSION')"; then
    echo "==> 更新虚拟环境 $VENV (updating the virtual environment)"
else
    echo "==> 建立虚拟环境 $VENV（Python $VERSION） (making the virtual environment)"
    rm -rf "$VENV"
    "$PYTHON" -m venv "$VENV" || fail \
        "虚拟环境没有建成。请以 root 执行：apt-get install python3-venv" \
        "The virtual environment could not be made. As root: apt-get install python3-venv"
fi

echo "==> 安装依赖（第一次约需几分钟，下载约 250 MB） (installing packages; some minutes at the first time)"
"$VENV/bin/pip" install --disable-pip-version-check -r requirements.lock || fail \
    "依赖没有装成：请检查网络与 pip 的软件源，再执行一次；已下载的不会重来。" \
    "The packages could not be installed: check the network and pip's index, then run it again."

echo "==> 安装本平台并生成接口代码 (installing the platform, generating the contracts)"
"$VENV/bin/pip" install --disable-pip-version-check --quiet --quiet --no-deps --no-build-isolation -e .
