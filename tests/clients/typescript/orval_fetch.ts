// The function that orval's client calls in place of `fetch`: orval's own knows no address.

import { url } from './scenario.js';

export async function orvalFetch<T>(path: string, options: RequestInit): Promise<T> {
  const response = await fetch(new URL(path, url), options);
  return { status: response.status, data: await response.json(), headers: response.headers } as T;
}
