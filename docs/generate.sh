#!/bin/sh
# Prints a page that is made of what stands elsewhere: `generate.sh policies NAME…`, `generate.sh wit`, `generate.sh configuration`.
# What comes before the page's first `##` is written by hand, and kept.
set -eu
cd "$(dirname "$0")/.."
page=$1
shift
sed '/^## /,$d' "docs/$page.md"
case $page in
policies)
	for policy; do
		target/debug/suture inspect --markdown "target/policies/$policy.wasm"
		printf '\n[README](../policies/%s/README.md)\n\n' "$policy"
	done
	;;
configuration)
	python3 docs/configuration.py
	;;
wit)
	# In the order in which one reads them.
	for file in world types kube prometheus clock log; do
		printf '## %s\n\n```wit\n' "$file"
		cat "wit/$file.wit"
		printf '```\n\n'
	done
	;;
esac
