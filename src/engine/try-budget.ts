import { infrastructureBudget } from '../domain/tries.js';
import type { Finding } from '../domain/types.js';

/** What is spent over a whole night, by all of its items. */
export class TryBudget {
  #infrastructure = infrastructureBudget;

  get infrastructureLeft(): number {
    return this.#infrastructure;
  }

  spend(finding: Finding): void {
    if (finding.class === 'infrastructure') this.#infrastructure--;
  }
}
