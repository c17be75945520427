/** Objects of one bucket through the AWS client, over this program's own connections. Loaded by the first call that needs it. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type Credentials, rfc3986 } from '../jimeng/signature.ts';
import type { StorageAddress } from '../settings/storage-address.ts';
import type { Network } from '../system/network.ts';
import type { ByteRange } from './library.ts';
import { requestsThrough } from './s3-requests.ts';

/** The least that S3 takes; two at a time. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_A_TIME = 2;
const TYPE = 'video/mp4';

export interface ObjectFacts {
  readonly bytes: number;
  readonly sha256: string | undefined;
}

export class Objects {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor({ bucket, endpoint, region, pathStyle }: StorageAddress, keys: Credentials, network: Network) {
    this.bucket = bucket;
    this.client = new S3Client({
      region,
      credentials: keys,
      forcePathStyle: pathStyle,
      ...(endpoint === undefined ? {} : { endpoint: endpoint.href }),
      // Checksums that only AWS knows are refused by other storages.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: requestsThrough(network),
    });
  }

  /** @returns undefined where there is none */
  async head(key: string, abortSignal?: AbortSignal): Promise<ObjectFacts | undefined> {
    try {
      const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key });
      const found = await this.client.send(command, abortSignal && { abortSignal });
      return { bytes: found.ContentLength ?? -1, sha256: found.Metadata?.sha256 };
    } catch (error) {
      // A HEAD has no body: a missing bucket looks the same, and is found by the next write.
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async put(key: string, body: string, abortSignal: AbortSignal): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }), { abortSignal });
  }

  async remove(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  /** In parts, of which a few are in memory; the object exists when all have come, or not at all. */
  async upload(key: string, body: Readable, sha256: string): Promise<void> {
    const params = { Bucket: this.bucket, Key: key, Body: body, ContentType: TYPE, Metadata: { sha256 } };
    await new Upload({ client: this.client, params, partSize: PART_BYTES, queueSize: PARTS_AT_A_TIME }).done();
  }

  /** Removes the parts of uploads that were begun and never ended. @param before milliseconds since 1970 */
  async abortUploads(prefix: string, before: number, isOurs: (key: string) => boolean): Promise<void> {
    const command = new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: prefix });
    const { Uploads = [] } = await this.client.send(command);
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (Key === undefined || !isOurs(Key) || Initiated === undefined || Initiated.getTime() >= before) continue;
      await this.client.send(new AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId }));
    }
  }

  async open(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable> {
    const Range = range && `bytes=${range.start}-${range.end ?? ''}`;
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: key, Range });
    const { Body } = await this.client.send(command, signal && { abortSignal: signal });
    if (Body instanceof Readable) return Body;
    throw new Error('the storage answered without a body');
  }

  /** Signed here: nothing is sent. @param name that a browser saves it under */
  async link(key: string, name: string, seconds: number): Promise<string> {
    const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
    const ResponseContentDisposition = `attachment; filename="${plain}"; filename*=UTF-8''${rfc3986(name)}`;
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: key, ResponseContentDisposition });
    return await getSignedUrl(this.client, command, { expiresIn: seconds });
  }
}

export function statusOf(error: unknown): number | undefined {
  const meta = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof meta === 'object' && meta !== null && 'httpStatusCode' in meta ? meta.httpStatusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
