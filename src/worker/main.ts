import { processors } from '../processors/index.js';
import { sniff } from '../processors/sniff.js';
import { serveOrders } from './serve.js';

/** Entry of a worker process: the second composition root, with processors and nothing else. */
serveOrders({ processors, sniff });
