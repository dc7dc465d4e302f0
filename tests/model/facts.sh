#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: MMSIM=build/sim/mmsim tests/model/facts.sh
exec /usr/bin/python3 "$(dirname "$0")/facts.py"
