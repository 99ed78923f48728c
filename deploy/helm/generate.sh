#!/bin/sh
# Writes what is made of the chart, and for it, into a folder like deploy/: `generate.sh deploy`, from the repository's root.
# HELM names the program.
set -eu
out=$1
cd "$(dirname "$0")/../.."
chart=deploy/helm/suture
mkdir -p "$out/helm/suture" "$out/kustomize/monitoring"

jq -f deploy/helm/values.schema.jq docs/schemas/config.schema.json > "$out/helm/suture/.schema"
mv "$out/helm/suture/.schema" "$out/helm/suture/values.schema.json"

# What comes before the tables is written by hand, and kept.
{
	sed '/^## Values/,$d' $chart/README.md
	printf '## Values\n\n'
	awk -f deploy/helm/readme.awk $chart/values.yaml
	printf '\n## Alerts\n\nOf `prometheusRule.rules`. Each can be switched off (`enabled: false`).\n\n'
	awk -f deploy/helm/rules.awk $chart/files/rules.yaml
} > "$out/helm/suture/.readme"
mv "$out/helm/suture/.readme" "$out/helm/suture/README.md"

# As kustomize has it: what only Helm goes by is left out.
made() {
	file=$1
	shift
	{
		echo '# Made of the chart by `make chart`; change ../helm/suture or values.yaml instead.'
		for template; do set -- "$@" --show-only "templates/$template.yaml"; shift; done
		"${HELM:-helm}" template suture $chart --namespace suture --values deploy/kustomize/values.yaml "$@" \
			| sed -e '/^$/d' -e '/^# Source: /d' -e '/ helm\.sh\/chart: /d' -e '/ app\.kubernetes\.io\/managed-by: /d'
	} > "$out/kustomize/$file"
}
made host.yaml serviceaccount persistentvolumeclaim deployment service networkpolicy
made monitoring/servicemonitor.yaml servicemonitor
made monitoring/suture-rules.yaml prometheusrule
made monitoring/alertmanagerconfig.yaml alertmanagerconfig
