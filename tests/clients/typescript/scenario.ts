// The values that the programs of this folder send, and checks that they share.

import assert from 'node:assert/strict';

export const url = setting('AGE_API_URL');
/** The token of the engine `deep_agent`, and that of an admin. */
export const engineToken = setting('AGE_ENGINE_TOKEN');
export const adminToken = setting('AGE_ADMIN_TOKEN');
/** An event type that no other program sends. */
export const eventType = setting('AGE_EVENT_TYPE');

export const details = { attempt: 2, target: { region: 'eu', load: [0.5, 1] } };
/** AGE reserves this event type, and refuses it with 422. */
export const reserved = 'engine_silent';
/** The event, and two of the batch. */
export const eventCount = 3;

export type Severity = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL';

/** Compiles only if both types are the same; `any` is the same as no other type. */
export function sameType<_Actual, _Expected>(_same: Same<_Actual, _Expected>): void {}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Returns the value, which must be there. */
export function present<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`);
  return value;
}

function setting(name: string): string {
  return present(process.env[name], name);
}
