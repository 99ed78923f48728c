# Prints the table of the alerts, from files/rules.yaml.
function row() {
	if (alert != "")
		printf "| `%s` | %s | %s | %s |\n", alert, threshold == "" ? "" : "`" threshold "` " per, wait == "" ? "" : "`" wait "`", severity
	threshold = per = wait = ""
}
BEGIN { print "| alert | `threshold` | `for` | `severity` |\n|---|---|---|---|" }
/^- alert: / { row(); alert = $3 }
/^  threshold: / { threshold = $2 }
/^  per: / { sub(/^  per: /, ""); per = $0 }
/^  for: / { wait = $2 }
/^  severity: / { severity = $2 }
END { row() }
