{{/*
The least RBAC of the grants, as `suture rbac` makes it of a policy whose component it can't read; a test holds both equal.
A right is [namespace, group, resource, verb, name] as JSON, a key of `.rights`. The namespace is "" for a ClusterRole,
the name null for all names.
*/}}

{{- define "suture.isPattern" -}}
{{- if regexMatch `[*?\[\]{}\\]` . }}true{{ end -}}
{{- end -}}

{{/* {rights, namespace, group, resource, verb, names} */}}
{{- define "suture.addRights" -}}
{{- range $name := .names -}}
{{- $_ := set $.rights (list $.namespace $.group $.resource $.verb $name | toJson) true -}}
{{- end -}}
{{- end -}}

{{/* Where a grant's resource is reached, as a JSON list: `cluster` (it has no namespaces), `all`, or `in NAMESPACE`. */}}
{{- define "suture.reaches" -}}
{{- $object := splitList "/" .resource | first -}}
{{- $known := and (ne .group "*") (hasKey .scopes.known .group) -}}
{{- $ofCluster := has $object (concat (default list (get .scopes.known .group)) (default list (get .scopes.ofCluster .group))) -}}
{{- $namespaces := default list .grant.namespaces -}}
{{- $patterns := list -}}
{{- range $namespaces -}}{{- if include "suture.isPattern" . -}}{{- $patterns = append $patterns . -}}{{- end -}}{{- end -}}
{{- $reaches := list -}}
{{- if $ofCluster -}}
{{- $reaches = list "cluster" -}}
{{- else if kindIs "map" .grant.namespaceSelector -}}
{{- $reaches = list "all" -}}
{{- else if and (not $namespaces) (not $known) -}}
{{- $reaches = list "cluster" -}}
{{- else if $patterns -}}
{{- $reaches = list "all" -}}
{{- else -}}
{{- range uniq $namespaces -}}{{- $reaches = append $reaches (printf "in %s" .) -}}{{- end -}}
{{- end -}}
{{- toJson $reaches -}}
{{- end -}}

{{/* The names that RBAC is to allow for a verb, as a JSON list; null is every name. */}}
{{- define "suture.names" -}}
{{- $names := list "*" -}}
{{- if hasKey .grant "names" -}}{{- $names = default list .grant.names -}}{{- end -}}
{{- $patterns := list -}}
{{- range $names -}}{{- if include "suture.isPattern" . -}}{{- $patterns = append $patterns . -}}{{- end -}}{{- end -}}
{{- if and (eq .verb "list") (not (has "*" $names)) -}}
{{/* A list shows them all. */}}
{{- $names = list -}}
{{- else if $patterns -}}
{{- $names = list nil -}}
{{- else if and (eq .verb "create") $names (not (contains "/" .resource)) -}}
{{/* The URL of a create has no name. */}}
{{- $names = list nil -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Whether a verb may make pods, or give them labels, that something of others chooses. */}}
{{- define "suture.isChoosing" -}}
{{- $makes := or (has .resource (default list (get .scopes.pods .group))) (ne 0 (len (default list .grant.podTemplates))) -}}
{{- if eq .group "*" -}}{{- range values .scopes.pods -}}{{- if has $.resource . -}}{{- $makes = true -}}{{- end -}}{{- end -}}{{- end -}}
{{- $isAsked := false -}}
{{- if eq .verb "create" -}}
{{- $pods := default dict .grant.pods -}}
{{/* What can only be a copy is not asked about. */}}
{{- $isAsked = or (not $pods.from) (ne 0 (len (default list $pods.images))) -}}
{{- else if eq .verb "patch" -}}
{{- range default list .grant.fields -}}{{- if contains "/labels" . -}}{{- $isAsked = true -}}{{- end -}}{{- end -}}
{{- end -}}
{{- if and $makes $isAsked -}}true{{- end -}}
{{- end -}}

{{/* {rights, scopes, grant, group, resource, verb} */}}
{{- define "suture.addVerb" -}}
{{- $rights := .rights -}}
{{- $writes := has .verb (list "create" "patch") -}}
{{- if kindIs "map" .grant.namespaceSelector -}}
{{- include "suture.addRights" (dict "rights" $rights "namespace" "" "group" "" "resource" "namespaces" "verb" "get" "names" (list nil)) -}}
{{- end -}}
{{- range $reach := include "suture.reaches" . | fromJsonArray -}}
{{- $namespace := "" -}}
{{- if hasPrefix "in " $reach -}}{{- $namespace = trimPrefix "in " $reach -}}{{- end -}}
{{- $here := dict "rights" $rights "namespace" $namespace -}}
{{- if $writes -}}
{{- range $source := dig "pods" "from" list $.grant -}}
{{- $names := list (trimPrefix "cronjobs/" $source) -}}
{{- if include "suture.isPattern" $source -}}{{- $names = list nil -}}{{- end -}}
{{- include "suture.addRights" (merge (dict "group" "batch" "resource" "cronjobs" "verb" "get" "names" $names) $here) -}}
{{- end -}}
{{/* What a controller that is made could adopt. */}}
{{- if and (eq $.group "apps") (eq $.verb "create") -}}
{{- if eq $.resource "deployments" -}}
{{- include "suture.addRights" (merge (dict "group" "apps" "resource" "replicasets" "verb" "list" "names" (list nil)) $here) -}}
{{- else if eq $.resource "statefulsets" -}}
{{- include "suture.addRights" (merge (dict "group" "" "resource" "pods" "verb" "list" "names" (list nil)) $here) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if include "suture.isChoosing" $ -}}
{{- $choosing := $.scopes.choosing -}}
{{- if and (eq $.group "") (eq $.resource "pods") -}}{{- $choosing = concat $choosing $.scopes.adopting -}}{{- end -}}
{{- range $choosing -}}
{{- include "suture.addRights" (merge (dict "group" (first .) "resource" (last .) "verb" "list" "names" (list nil)) $here) -}}
{{- end -}}
{{- end -}}
{{- $names := include "suture.names" $ | fromJsonArray -}}
{{- include "suture.addRights" (merge (dict "group" $.group "resource" $.resource "verb" $.verb "names" $names) $here) -}}
{{- if has $.verb (list "patch" "delete") -}}
{{/* What is changed is read first. */}}
{{- $object := splitList "/" $.resource | first -}}
{{- $names := include "suture.names" (dict "grant" $.grant "resource" $.resource "verb" "get") | fromJsonArray -}}
{{- include "suture.addRights" (merge (dict "group" $.group "resource" $object "verb" "get" "names" $names) $here) -}}
{{- end -}}
{{/* Events tell of it: on an object without a namespace they are kept in `default`. */}}
{{- if and (not (has $.verb (list "list" "watch"))) (not (and (eq $.verb "get") (eq $reach "cluster"))) -}}
{{- $place := ternary "default" $namespace (eq $reach "cluster") -}}
{{- include "suture.addRights" (dict "rights" $rights "namespace" $place "group" "events.k8s.io" "resource" "events" "verb" "create" "names" (list nil)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The rights that no other includes, as a JSON list. */}}
{{- define "suture.rights" -}}
{{- $rights := dict -}}
{{- $scopes := .Files.Get "files/resources.yaml" | fromYaml -}}
{{- range $policy := .Values.policies -}}
{{- range $grant := default list $policy.grants -}}
{{- range $group := uniq (default list $grant.groups) -}}
{{- range $resource := uniq (default list $grant.resources) -}}
{{- range $verb := uniq (default list $grant.verbs) -}}
{{- include "suture.addVerb" (dict "rights" $rights "scopes" $scopes "grant" $grant "group" $group "resource" $resource "verb" $verb) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{/* The host: which cluster this is, and which of the namespaces are still there. */}}
{{- $namespaces := list "kube-system" -}}
{{- range $right := keys $rights -}}
{{- with index (fromJsonArray $right) 0 -}}{{- $namespaces = append $namespaces . -}}{{- end -}}
{{- end -}}
{{- include "suture.addRights" (dict "rights" $rights "namespace" "" "group" "" "resource" "namespaces" "verb" "get" "names" (uniq $namespaces)) -}}
{{- with include "suture.lease" . -}}
{{- $leases := dict "rights" $rights "namespace" $.Release.Namespace "group" "coordination.k8s.io" "resource" "leases" -}}
{{- include "suture.addRights" (merge (dict "verb" "create" "names" (list nil)) $leases) -}}
{{- include "suture.addRights" (merge (dict "verb" "get" "names" (list .)) $leases) -}}
{{- include "suture.addRights" (merge (dict "verb" "update" "names" (list .)) $leases) -}}
{{- end -}}
{{- if .Values.approvals.enabled -}}
{{- $approvals := dict "rights" $rights "namespace" $.Release.Namespace "group" "suture.dev" "names" (list nil) -}}
{{- include "suture.addRights" (merge (dict "resource" "approvals" "verb" "get") $approvals) -}}
{{- include "suture.addRights" (merge (dict "resource" "approvals" "verb" "list") $approvals) -}}
{{- include "suture.addRights" (merge (dict "resource" "approvals/status" "verb" "patch") $approvals) -}}
{{- $guard := dict "rights" $rights "namespace" "" "group" "admissionregistration.k8s.io" "verb" "get" "names" (list "approvals.suture.dev") -}}
{{- include "suture.addRights" (merge (dict "resource" "validatingadmissionpolicies") $guard) -}}
{{- include "suture.addRights" (merge (dict "resource" "validatingadmissionpolicybindings") $guard) -}}
{{- end -}}
{{- $least := list -}}
{{- range $key := keys $rights | sortAlpha -}}
{{- $right := fromJsonArray $key -}}
{{- $included := false -}}
{{- range $namespace := uniq (list "" (index $right 0)) -}}
{{- range $group := uniq (list "*" (index $right 1)) -}}
{{- range $name := uniq (list nil (index $right 4)) -}}
{{- $other := list $namespace $group (index $right 2) (index $right 3) $name | toJson -}}
{{- if and (ne $other $key) (hasKey $rights $other) -}}{{- $included = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $included -}}{{- $least = append $least $right -}}{{- end -}}
{{- end -}}
{{- toJson $least -}}
{{- end -}}

{{/* Rights by namespace, and there as rules: a JSON object of lists. What differs in its verb, name or resource alone is one rule. */}}
{{- define "suture.roles" -}}
{{- $verbs := dict -}}
{{- range $right := include "suture.rights" . | fromJsonArray -}}
{{- $key := list (index $right 0) (index $right 1) (index $right 2) (index $right 4) | toJson -}}
{{- $_ := set $verbs $key (append (default list (get $verbs $key)) (index $right 3)) -}}
{{- end -}}
{{- $names := dict -}}
{{- range $key := keys $verbs | sortAlpha -}}
{{- $object := fromJsonArray $key -}}
{{- $all := kindIs "invalid" (index $object 3) -}}
{{- $wider := list (index $object 0) (index $object 1) (index $object 2) (get $verbs $key) $all | toJson -}}
{{- $_ := set $names $wider (append (default list (get $names $wider)) (index $object 3)) -}}
{{- end -}}
{{- $resources := dict -}}
{{- range $key := keys $names | sortAlpha -}}
{{- $object := fromJsonArray $key -}}
{{- $wider := list (index $object 0) (index $object 1) (index $object 3) (index $object 4) (get $names $key) | toJson -}}
{{- $_ := set $resources $wider (append (default list (get $resources $wider)) (index $object 2)) -}}
{{- end -}}
{{- $roles := dict -}}
{{- range $key := keys $resources | sortAlpha -}}
{{- $object := fromJsonArray $key -}}
{{- $rule := dict "apiGroups" (list (index $object 1)) "resources" (get $resources $key) "verbs" (index $object 2) -}}
{{- if not (index $object 3) -}}{{- $_ := set $rule "resourceNames" (index $object 4) -}}{{- end -}}
{{- $_ := set $roles (index $object 0) (append (default list (get $roles (index $object 0))) $rule) -}}
{{- end -}}
{{- toJson $roles -}}
{{- end -}}
