/**
 * Which parts of the MP4 library are used?
 *
 * Imported only dynamically. Named one by one, so that the bundle takes 0.2 MB of it and not the whole 0.7 MB.
 */
export {
  CustomSource,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  Logging,
  LogLevel,
  MP4,
  Mp4OutputFormat,
  Output,
  StreamTarget,
} from 'mediabunny';
