# Prints the table of the values, from values.yaml: each comment that begins with `# --`, and the key after it.
function cell(text) { gsub(/\|/, "\\|", text); return text }
function row() {
	printf "| `%s` | %s | %s |\n", path, value == "" ? "[see there](values.yaml)" : "`" cell(value) "`", cell(text)
	text = ""
}
BEGIN { print "| value | default | what it is |\n|---|---|---|" }
/^ *# -- / { sub(/^ *# -- /, ""); text = $0; next }
text != "" && /^ *# / { sub(/^ *# /, ""); text = text " " $0; next }
/^ *[A-Za-z]+:/ {
	match($0, /^ */)
	depth = RLENGTH / 2
	key = $0
	sub(/^ */, "", key)
	value = key
	sub(/:.*/, "", key)
	sub(/^[A-Za-z]+: */, "", value)
	keys[depth] = key
	path = keys[0]
	for (i = 1; i <= depth; i++) path = path "." keys[i]
	if (text != "") row()
}
