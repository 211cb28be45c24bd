import { createProcessesKind } from '../../../src/executors/processes/index.js';
import { hostileWorker } from '../../support/orders.js';
import { executorContract } from './suite.js';

executorContract({ name: 'processes', kind: createProcessesKind({ entry: hostileWorker }) });
