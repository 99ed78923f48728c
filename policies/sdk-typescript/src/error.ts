// Why a call to the host failed.

import type { Error as Raw } from "suture:policy/kube@0.2.0";
import { Duration } from "./duration.ts";

/**
 * Why a call to the host failed. Let it pass, and it says that the policy could not conclude:
 * the host takes back what was not kept and retries later. Code looks at it with
 * {@link isNotFound} and its like.
 */
export class HostError extends Error {
  /**
   * What code looks at: a reason of Kubernetes (`NotFound`, `Conflict`, …) or of the host
   * (`NotServed`, `Denied`, `Timeout`, `Unavailable`, `Unknown`).
   */
  readonly reason: string;
  /** What the host said, for people, without the reason. */
  readonly detail: string;
  /** The HTTP status code, where there was one. */
  readonly status: number | undefined;
  /** How long to wait before another try, where the server said so. */
  readonly retryAfter: Duration | undefined;

  constructor(reason: string, detail: string, more: { status?: number; retryAfter?: Duration } = {}) {
    super(`${reason}: ${detail}`);
    this.name = "HostError";
    this.reason = reason;
    this.detail = detail;
    this.status = more.status;
    this.retryAfter = more.retryAfter;
  }

  /** The same error, with what was being done in front of its message. */
  context(doing: string): HostError {
    const { status, retryAfter } = this;
    return new HostError(this.reason, `${doing}: ${this.detail}`, { status, retryAfter });
  }

  /** What a call threw: the contract's error where it is one, else what it was. */
  static from(thrown: unknown): unknown {
    const raw = (thrown as { payload?: Partial<Raw> } | null)?.payload;
    if (typeof raw?.reason !== "string") return thrown;
    return new HostError(raw.reason, raw.message ?? "", {
      status: raw.status ?? undefined,
      retryAfter: raw.retryAfterMs == null ? undefined : Duration.millis(raw.retryAfterMs),
    });
  }
}

/** Whether this comes from the host. */
export function isHostError(error: unknown): error is HostError {
  return error instanceof HostError;
}

/** An error with this reason; what is none may still be a HostError. */
export type Because<Reason extends string> = HostError & { readonly reason: Reason };

function has<Reason extends string>(error: unknown, reason: Reason): error is Because<Reason> {
  return isHostError(error) && error.reason === reason;
}

/** The object does not exist. */
export function isNotFound(error: unknown): error is Because<"NotFound"> {
  return has(error, "NotFound");
}

/**
 * The API server has no such kind. Nothing is known of the object then: where the kind is one
 * that a cluster may do without, there is none; where it is not, conclude nothing.
 */
export function isNotServed(error: unknown): error is Because<"NotServed"> {
  return has(error, "NotServed");
}

/** An object of that name exists. */
export function isAlreadyExists(error: unknown): error is Because<"AlreadyExists"> {
  return has(error, "AlreadyExists");
}

/** The object has changed, or is another of the same name. */
export function isConflict(error: unknown): error is Because<"Conflict"> {
  return has(error, "Conflict");
}

/** The API server refuses the object or patch; also where a JSON patch's `test` fails. */
export function isInvalid(error: unknown): error is Because<"Invalid"> {
  return has(error, "Invalid");
}

/** The operator's grants do not allow it: not now, and not at a second try. */
export function isDenied(error: unknown): error is Because<"Denied"> {
  return has(error, "Denied");
}

/**
 * The API server does not allow it, though the operator does. It may be that its own roles are
 * not there yet, or no longer; don't conclude anything from it.
 */
export function isForbidden(error: unknown): error is Because<"Forbidden"> {
  return has(error, "Forbidden");
}

/** A list that was being read is too old to go on with; `kube.list` begins anew by itself. */
export function isExpired(error: unknown): error is Because<"Expired"> {
  return has(error, "Expired");
}

/** The time was up. */
export function isTimeout(error: unknown): error is Because<"Timeout"> {
  return has(error, "Timeout");
}

/** The cluster or Prometheus could not be reached. */
export function isUnavailable(error: unknown): error is Because<"Unavailable"> {
  return has(error, "Unavailable");
}

/** A change may or may not have taken place. */
export function isUnknown(error: unknown): error is Because<"Unknown"> {
  return has(error, "Unknown");
}
