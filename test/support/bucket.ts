/** Buckets of the tests' S3 server, used directly. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { S3_KEYS, type SwiftServer } from './swift.ts';

let buckets = 0;

/** An empty one. */
export async function makeBucket(server: SwiftServer) {
  const client = new S3Client({
    ...{ region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials: S3_KEYS },
    ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
  });
  const Bucket = `videos-${process.pid}-${++buckets}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  const keyOf = (path: string) => path.slice(`s3://${Bucket}/`.length);
  return {
    name: Bucket,
    /** For JIMENG_VIDEO_STORAGE. */
    address: `s3://${Bucket}/team?endpoint=${server.endpoint}&region=us-east-1&path_style=true`,
    async keys(): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      return Contents.map(({ Key = '' }) => Key);
    },
    /** Of uploads that were begun and not ended. */
    async unfinishedKeys(): Promise<string[]> {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.map(({ Key = '' }) => Key).sort();
    },
    /** As a process that is killed leaves it: with one part. */
    async beginUpload(Key: string): Promise<void> {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: Buffer.from('part') }));
    },
    put: async (path: string, Body: Buffer) =>
      void (await client.send(new PutObjectCommand({ Bucket, Key: keyOf(path), Body }))),
    remove: async (path: string) => void (await client.send(new DeleteObjectCommand({ Bucket, Key: keyOf(path) }))),
  };
}
