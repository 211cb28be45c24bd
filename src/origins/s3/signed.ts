import { createHash } from 'node:crypto';
import type { DeleteObjectsCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import type { Digest } from '../../domain/types.js';

/**
 * Puts the sha256 that we know into the signature of a request: the store then refuses a body with other bytes, and none
 * is hashed twice. Bodies are buffers: streams the SDK sends unsigned, or in chunks that older stores do not know.
 */
export function signed<C extends PutObjectCommand | UploadPartCommand>(command: C, sha256: Digest): C {
  const { middlewareStack } = command as PutObjectCommand; // both have the same one; their union has no callable type
  middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return await next(args);
    },
    { step: 'build', name: 'nightpressPayloadHash' },
  );
  return command;
}

/** The SDK sends a newer checksum with deletions; stores that do not know it (Swift 2.30) refuse a list without this one. */
export function withMd5(command: DeleteObjectsCommand): DeleteObjectsCommand {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers, body } = args.request as { headers: Record<string, string>; body: string };
      headers['content-md5'] = createHash('md5').update(body).digest('base64');
      return await next(args);
    },
    { step: 'build', name: 'nightpressListHash' },
  );
  return command;
}
