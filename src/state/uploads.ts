import type { OpenUpload, UploadedPart, UploadMemory } from '../domain/uploads.js';
import type { Sql } from './sql.js';

/** Uploads in parts: what was begun, and which parts the origin has. */
export function uploadQueries(sql: Sql): { readonly uploads: UploadMemory } {
  return {
    uploads: {
      all: () => sql.reading(() => allUploads(sql)),
      record: ({ upload, place, key }) =>
        sql.writing(() => void sql.write('INSERT OR REPLACE INTO upload VALUES (?, ?, ?)', upload, place, key)),
      recordPart: (upload, { number, etag, sha256 }) =>
        sql.writing(
          () => void sql.write('INSERT OR REPLACE INTO upload_part VALUES (?, ?, ?, ?)', upload, number, etag, sha256),
        ),
      forget: (upload) => sql.writing(() => void sql.write('DELETE FROM upload WHERE upload = ?', upload)),
    },
  };
}

function allUploads(sql: Sql): readonly OpenUpload[] {
  const uploads = sql.rows<Omit<OpenUpload, 'parts'>>('SELECT upload, place, key FROM upload ORDER BY upload');
  return uploads.map((one) => ({
    ...one,
    parts: sql.rows<UploadedPart>(
      'SELECT number, etag, sha256 FROM upload_part WHERE upload = ? ORDER BY number',
      one.upload,
    ),
  }));
}
