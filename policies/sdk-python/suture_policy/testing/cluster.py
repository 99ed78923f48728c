"""A cluster in memory, as a test describes it."""

from __future__ import annotations

import builtins
import copy
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..contract import kube as wit
from ..contract import log as wit_log
from ..contract import prometheus as wit_prometheus
from ..contract.results import Err
from ..duration import Duration
from ..error import ALREADY_EXISTS, NOT_FOUND
from ..kube.objects import at, text
from ..moment import Time
from .matching import holds, is_selected
from .patching import json_patched, merged

Document = dict[str, Any]
Key = tuple[str, str, str, str]


class Cluster:
    """A host with a few objects, and a clock that moves only in waits and sleeps.

    What a test does not describe is not there. `fail` lets a call fail, `later` lets something
    happen in a wait. What the policy did stands in `calls`, `changes` and `lines`.
    """

    calls: list[str]
    """All that was asked of it: `get Pod media/plex`, `list Pod media/`, …"""
    changes: list[str]
    """Changes alone, undos too: `create Job media/backup-2`, `undo delete Job media/backup-2`."""
    lines: list[str]
    """What the policy wrote into the timeline; headings begin with `# `."""

    def __init__(
        self,
        objects: Iterable[Document] = (),
        *,
        now: str = "2026-01-01T00:00:00Z",
        logs: Mapping[str, str] | None = None,
        samples: Mapping[str, list[tuple[dict[str, str], float]]] | None = None,
    ):
        """`logs` by `NAMESPACE/POD` or `NAMESPACE/POD/CONTAINER`; `samples` by query: labels and
        value of each."""
        self.calls, self.changes, self.lines = [], [], []
        self._now = Time.parse(now) or Time(0)
        self._logs, self._samples = dict(logs or {}), dict(samples or {})
        self._objects: dict[Key, Document] = {}
        self._later: list[tuple[Time, Callable[[Cluster], None]]] = []
        self._undos: dict[str, wit.Mutation] = {}
        self._failures: list[tuple[str, Err[wit.Error]]] = []
        self._version = 0
        for one in objects:
            self.put(one)

    def put(self, document: Document) -> Document:
        """Let there be an object, in place of the one of its name."""
        one = copy.deepcopy(document)
        metadata = one.setdefault("metadata", {})
        self._version += 1
        metadata.setdefault("uid", f"uid-{self._version}")
        metadata["resourceVersion"] = str(self._version)
        metadata.setdefault("creationTimestamp", str(self._now))
        self._objects[_key(one)] = one
        return one

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """Let an object be gone, if it is there."""
        self._objects = {key: one for key, one in self._objects.items() if key[1:] != (kind, namespace, name)}

    def find(self, kind: str, namespace: str, name: str) -> Document | None:
        """An object as it is now."""
        return next((one for key, one in self._objects.items() if key[1:] == (kind, namespace, name)), None)

    def patch(self, kind: str, namespace: str, name: str, body: Document) -> None:
        """Let an object change, by a merge patch, if it is there."""
        found = self.find(kind, namespace, name)
        if found is not None:
            self.put(merged(found, body))

    def later(self, after: str, do: Callable[[Cluster], None]) -> None:
        """Let something happen `after` a time (`5m`), in a wait or sleep of the policy that is long enough."""
        self._later.append((self._now + Duration(after), do))
        self._later.sort(key=lambda one: one[0])

    def fail(self, call: str, reason: str, message: str = "") -> None:
        """Let calls fail whose line in `calls` begins with this: `cluster.fail("list Pod", "Denied")`."""
        error = wit.Error(reason, message or f"{call}: {reason}", None, None)
        self._failures.append((call, Err(error)))

    def finish(self) -> None:
        """End the run: undos that were not settled are run, the newest first."""
        for step in reversed(list(self._undos)):
            self.settle(step, True)

    # What a host answers.

    def get(self, target: wit.Target) -> str:
        """`kube.get`"""
        self._called(f"get {_named(target)}")
        return json.dumps(self._existing(target))

    def list(self, query: wit.Query) -> wit.Page:
        """`kube.list`"""
        self._called(f"list {query.kind.kind} {query.namespace or '*'}/")
        kind = (query.kind.api_version, query.kind.kind)
        found = [one for key, one in sorted(self._objects.items()) if key[:2] == kind]
        found = [one for one in found if query.namespace in (None, text(one, "/metadata/namespace"))]
        items = [json.dumps(one) for one in found if is_selected(one, query.labels, query.fields)]
        first, size = int(query.next or 0), query.limit or 500
        after = first + size
        return wit.Page(items[first:after], str(after) if after < len(items) else None, str(self._version))

    def mutate(self, mutation: wit.Mutation, undo: wit.Mutation | None) -> wit.Mutated:
        """`kube.mutate`"""
        made = self._change(mutation, "")
        step = str(len(self.calls))
        if undo is not None:
            self._undos[step] = _completed(undo, made)
        return wit.Mutated(step, json.dumps(made))

    def settle(self, step: str, run_undo: bool) -> None:
        """`kube.settle`"""
        self._called(f"{'undo' if run_undo else 'keep'} {step}")
        undo = self._undos.pop(step, None)
        if run_undo and undo is not None:
            try:
                self._change(undo, "undo ")
            except Err as failed:
                if failed.value.reason != NOT_FOUND:
                    raise

    def wait(self, target: wit.Target, until: wit.Predicate, timeout_ms: int) -> wit.Waited:
        """`kube.wait`"""
        self._called(f"wait {_named(target)}")
        end = self._now + Duration(millis=timeout_ms)
        while True:
            found = self._objects.get(_key_of(target))
            if found is None and (target.uid or isinstance(until, wit.Predicate_Deleted)):
                return wit.Waited_Deleted()
            if found is not None and holds(until, found):
                return wit.Waited_Met(json.dumps(found))
            if not self._later or self._later[0][0] > end:
                self._now = end
                return wit.Waited_Timeout()
            self._next()

    def logs(self, pod: wit.Target, container: str, tail_lines: int, limit_bytes: int) -> str:
        """`kube.logs`"""
        where = f"{pod.namespace}/{pod.name}"
        self._called(f"logs {where} {container}".rstrip())
        found = self._logs.get(f"{where}/{container}", self._logs.get(where))
        if found is None:
            raise _error(NOT_FOUND, f"no log of {where} {container}")
        lines = found.splitlines(keepends=True)
        return "".join(lines[-tail_lines:] if tail_lines else lines)[-(limit_bytes or 1 << 20) :]

    def exclusive(self, name: str, timeout_ms: int) -> None:
        """`kube.exclusive`"""
        self._called(f"exclusive {name}")

    def query(self, expression: str) -> builtins.list[wit_prometheus.Sample]:
        """`prometheus.query`"""
        self._called(f"query {expression}")
        samples = self._samples.get(expression, [])
        return [wit_prometheus.Sample(sorted(labels.items()), self.now(), value) for labels, value in samples]

    def query_range(
        self, expression: str, start_ms: int, end_ms: int, step_ms: int
    ) -> builtins.list[wit_prometheus.Series]:
        """`prometheus.query-range`: the samples of the query, at the end of the range."""
        self._called(f"query_range {expression}")
        samples = self._samples.get(expression, [])
        return [wit_prometheus.Series(sorted(labels.items()), [(end_ms, value)]) for labels, value in samples]

    def alerts(self) -> builtins.list[wit_prometheus.ActiveAlert]:
        """`prometheus.alerts`: none."""
        self._called("alerts")
        return []

    def now(self) -> int:
        """`clock.now`"""
        return self._now.millis

    def sleep(self, duration_ms: int) -> None:
        """`clock.sleep`"""
        end = self._now + Duration(millis=duration_ms)
        while self._later and self._later[0][0] <= end:
            self._next()
        self._now = end

    def log(self, level: wit_log.Level, message: str) -> None:
        """`log.log`"""
        self.lines.append(message)

    def step(self, title: str) -> None:
        """`log.step`"""
        self.lines.append(f"# {title}")

    def _called(self, call: str) -> None:
        self.calls.append(call)
        for beginning, error in self._failures:
            if call.startswith(beginning):
                raise error

    def _next(self) -> None:
        self._now, do = self._later.pop(0)
        do(self)

    def _existing(self, target: wit.Target) -> Document:
        found = self._objects.get(_key_of(target))
        if found is None or target.uid not in (None, text(found, "/metadata/uid")):
            raise _error(NOT_FOUND, f"{_named(target)} not found")
        return found

    def _change(self, mutation: wit.Mutation, how: str) -> Document:
        match mutation:
            case wit.Mutation_Create(create):
                return self._create(create, how)
            case wit.Mutation_Patch(patch):
                self._changed(how, "patch", _named(patch.target))
                found = self._existing(patch.target)
                self._at_version(found, patch.resource_version)
                body = json.loads(patch.body)
                if patch.type == wit.PatchType.MERGE:
                    return self.put(merged(found, body))
                return self.put(json_patched(found, body))
            case wit.Mutation_Apply(apply):
                self._changed(how, "apply", _named(apply.target))
                found = self._objects.get(_key_of(apply.target), {})
                namespaced = {"metadata": {"namespace": apply.target.namespace}} if apply.target.namespace else {}
                return self.put(merged(merged(found, json.loads(apply.object)), namespaced))
            case wit.Mutation_Delete(delete):
                self._changed(how, "delete", _named(delete.target))
                found = self._existing(delete.target)
                self._at_version(found, delete.resource_version)
                return self._objects.pop(_key_of(delete.target))

    def _create(self, create: wit.CreateOp, how: str) -> Document:
        one = json.loads(create.object)
        metadata = one["metadata"]
        if create.namespace is not None:
            metadata["namespace"] = create.namespace
        if "name" not in metadata:
            metadata["name"] = f"{metadata.get('generateName', '')}{self._version + 1}"
        where = f"{create.namespace}/{metadata['name']}" if create.namespace else metadata["name"]
        self._changed(how, "create", f"{create.kind.kind} {where}")
        if _key(one) in self._objects:
            raise _error(ALREADY_EXISTS, f"{create.kind.kind} {where} already exists")
        return self.put(one)

    def _changed(self, how: str, verb: str, what: str) -> None:
        if not how:
            self._called(f"{verb} {what}")
        self.changes.append(f"{how}{verb} {what}")

    def _at_version(self, found: Document, version: str | None) -> None:
        if version not in (None, at(found, "/metadata/resourceVersion")):
            raise _error("Conflict", "the object has been modified")


def _error(reason: str, message: str) -> Err[wit.Error]:
    return Err(wit.Error(reason, message, None, None))


def _key(one: Document) -> Key:
    return (one["apiVersion"], one["kind"], text(one, "/metadata/namespace"), text(one, "/metadata/name"))


def _key_of(target: wit.Target) -> Key:
    return (target.kind.api_version, target.kind.kind, target.namespace or "", target.name)


def _named(target: wit.Target) -> str:
    where = f"{target.namespace}/{target.name}" if target.namespace else target.name
    return f"{target.kind.kind} {where}{'/' + target.subresource if target.subresource else ''}"


def _completed(undo: wit.Mutation, made: Document) -> wit.Mutation:
    """An undo whose target has no name is about the object that the change made."""
    if isinstance(undo, (wit.Mutation_Patch, wit.Mutation_Delete)) and not undo.value.target.name:
        undo = copy.deepcopy(undo)
        undo.value.target.name = made["metadata"]["name"]
    return undo
