import { type Answer, type Asked, escapeXml, md5, Refusal, textsOf, xml } from './asked.js';
import type { Bucket, Upload } from './bucket.js';
import { checkWrite } from './conditions.js';
import { keptHeaders, type Rules } from './objects.js';

const leastPart = 5 << 20;

export function createUpload(asked: Asked, bucket: Bucket, { clock }: Rules): Answer {
  const id = bucket.beginUpload({ key: asked.key, headers: keptHeaders(asked.headers), at: clock() });
  return xml(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
}

export function putPart(asked: Asked, body: Buffer, bucket: Bucket): Answer {
  const etag = `"${md5(body).toString('hex')}"`;
  uploadOf(asked, bucket).parts.set(Number(asked.query.get('partNumber')), { body, etag });
  return { status: 200, headers: { etag } };
}

export function listParts(asked: Asked, bucket: Bucket): Answer {
  const { parts } = uploadOf(asked, bucket);
  const rows = [...parts]
    .sort(([a], [b]) => a - b)
    .map(([number, { body, etag }]) => {
      const facts = `<ETag>${escapeXml(etag)}</ETag><Size>${body.length}</Size>`;
      return `<Part><PartNumber>${number}</PartNumber>${facts}</Part>`;
    });
  return xml(200, `<ListPartsResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListPartsResult>`);
}

export function listUploads(bucket: Bucket): Answer {
  const rows = [...bucket.uploads].map(([id, { key, at }]) => {
    const initiated = new Date(at).toISOString();
    return `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId><Initiated>${initiated}</Initiated></Upload>`;
  });
  return xml(
    200,
    `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListMultipartUploadsResult>`,
  );
}

export function completeUpload(asked: Asked, body: Buffer, bucket: Bucket, rules: Rules): Answer {
  const upload = uploadOf(asked, bucket);
  checkWrite(asked, bucket.get(asked.key), rules);
  const etags = textsOf(body.toString(), 'ETag');
  const parts = textsOf(body.toString(), 'PartNumber').map((number, at) => {
    const part = upload.parts.get(Number(number));
    if (!part || part.etag.replaceAll('"', '') !== etags[at]?.replaceAll('"', ''))
      throw new Refusal(400, 'InvalidPart');
    return part.body;
  });
  if (parts.slice(0, -1).some((part) => part.length < leastPart)) throw new Refusal(400, 'EntityTooSmall');
  const etag = `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}"`;
  bucket.put(asked.key, { body: Buffer.concat(parts), headers: upload.headers, at: rules.clock(), etag });
  bucket.uploads.delete(asked.query.get('uploadId') ?? '');
  const shown = rules.quirks.includes('no ETag of a completed upload') ? '' : etag;
  return xml(200, `<CompleteMultipartUploadResult><ETag>${escapeXml(shown)}</ETag></CompleteMultipartUploadResult>`);
}

export function abortUpload(asked: Asked, bucket: Bucket): Answer {
  uploadOf(asked, bucket);
  bucket.uploads.delete(asked.query.get('uploadId') ?? '');
  return { status: 204 };
}

function uploadOf({ key, query }: Asked, bucket: Bucket): Upload {
  const upload = bucket.uploads.get(query.get('uploadId') ?? '');
  if (upload?.key !== key) throw new Refusal(404, 'NoSuchUpload');
  return upload;
}
