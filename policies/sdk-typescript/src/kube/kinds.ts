// The kinds that most policies look at, with the fields that they look at.

import { type Kind, kind } from "./kind.ts";
import type { Condition, KubeObject, Metadata } from "./object.ts";

/** A Job. */
export interface Job extends KubeObject {
  /** What it was asked to do. */
  spec?: {
    /** Whether it is to make no pods for now. */
    suspend?: boolean;
    /** What its pods are made from. */
    template?: { metadata?: Partial<Metadata>; spec?: PodSpec };
    [field: string]: any;
  };
  /** How far it is. */
  status?: {
    /** When its controller began with it: RFC 3339. */
    startTime?: string;
    /** When it completed; one that failed does not say. */
    completionTime?: string;
    /** How many of its pods are pending or running. */
    active?: number;
    /** How many of its pods succeeded. */
    succeeded?: number;
    /** How many of its pods failed. */
    failed?: number;
    /** Among them `Complete` or `Failed`, once it is over. */
    conditions?: Condition[];
    [field: string]: any;
  };
}

/** Jobs. */
export const Job: Kind<Job> = kind<Job>("batch/v1", "Job");

/** A CronJob. */
export interface CronJob extends KubeObject {
  /** When it makes which Jobs. */
  spec?: {
    /** When, in cron syntax. */
    schedule?: string;
    /** Whether its schedule is off. */
    suspend?: boolean;
    /** What its Jobs are made from. */
    jobTemplate?: { metadata?: Partial<Metadata>; spec?: Job["spec"] };
    [field: string]: any;
  };
  /** What became of them. */
  status?: {
    /** Those that are at work. */
    active?: { name?: string; namespace?: string; uid?: string }[];
    /** When it last made one: RFC 3339. */
    lastScheduleTime?: string;
    /** When one of them last completed. That Job may be gone. */
    lastSuccessfulTime?: string;
  };
}

/** CronJobs. */
export const CronJob: Kind<CronJob> = kind<CronJob>("batch/v1", "CronJob");

/** What a pod was asked to be. */
export interface PodSpec {
  /** The node that it is on; not there as long as it has none. */
  nodeName?: string;
  /** Its containers. */
  containers?: Container[];
  /** What must end, or begin, before these. */
  initContainers?: Container[];
  [field: string]: any;
}

/** A container of a pod. */
export interface Container {
  /** Its name. */
  name: string;
  /** `Always` of an init container that runs beside the others: a native sidecar. */
  restartPolicy?: string;
  [field: string]: any;
}

/** A pod. */
export interface Pod extends KubeObject {
  /** What it was asked to be. */
  spec?: PodSpec;
  /** What it is. */
  status?: {
    /** `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`. */
    phase?: string;
    /** Why it is so, where it is the pod as a whole: `Evicted`. */
    reason?: string;
    /** The same, for people. */
    message?: string;
    /** `PodScheduled`, `Ready`, … */
    conditions?: Condition[];
    /** Its containers. */
    containerStatuses?: ContainerStatus[];
    /** Its init containers. */
    initContainerStatuses?: ContainerStatus[];
    [field: string]: any;
  };
}

/** Pods. */
export const Pod: Kind<Pod> = kind<Pod>("v1", "Pod");

/** What a container is. */
export interface ContainerStatus {
  /** Its name. */
  name: string;
  /** Whether it is ready. */
  ready?: boolean;
  /** How often it was started again. */
  restartCount?: number;
  /** What it is doing. */
  state?: ContainerState;
  /** What it was doing before it was started again, if it was. */
  lastState?: ContainerState;
  [field: string]: any;
}

/** What a container is doing; one of the fields is there. */
export interface ContainerState {
  /** It has not begun: why, in one word and for people. */
  waiting?: { reason?: string; message?: string };
  /** It runs, since when. */
  running?: { startedAt?: string };
  /** It has ended: what its process returned, why, its last words, and when. */
  terminated?: { exitCode: number; reason?: string; message?: string; startedAt?: string; finishedAt?: string };
}

/** What a component of Kubernetes has to say about an object. */
export interface Event extends KubeObject {
  /** What it is about. */
  involvedObject?: { kind?: string; namespace?: string; name?: string; uid?: string };
  /** `Normal` or `Warning`. */
  type?: string;
  /** Why, in one word: `FailedMount`. */
  reason?: string;
  /** The same, for people. */
  message?: string;
  /** When it was last told, if it is told again and again. */
  lastTimestamp?: string;
  /** When it was told, where it is told once. */
  eventTime?: string;
}

/** Events. Kubernetes keeps them for an hour. */
export const Event: Kind<Event> = kind<Event>("v1", "Event");
