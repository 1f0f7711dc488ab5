/** Very many open streams on one worker: gRPC, as one connection carries hundreds of them. Nothing goes through them. */
import { type ClientHttp2Session, connect } from "node:http2";
import { grpcOn, type OpenStream } from "../../test/gateway/streams-kit.js";

/** Envoy takes 1,024 of a connection. */
const STREAMS_A_CONNECTION = 500;
const AT_A_TIME = 100;

export interface Crowd {
  readonly streams: readonly OpenStream[];
  close(): void;
}

/** @param headersOf of each stream by its number */
export async function openCrowd(
  port: number,
  count: number,
  headersOf: (i: number) => Readonly<Record<string, string>>,
): Promise<Crowd> {
  const sessions: ClientHttp2Session[] = [];
  const streams: OpenStream[] = [];
  while (streams.length < count) {
    if (streams.length % STREAMS_A_CONNECTION === 0) {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on("error", () => session.destroy());
      sessions.push(session);
    }
    const room = STREAMS_A_CONNECTION - (streams.length % STREAMS_A_CONNECTION);
    const from = streams.length;
    const open = grpcOn(sessions.at(-1), true);
    const some = Array.from({ length: Math.min(AT_A_TIME, room, count - from) }, (_, i) =>
      open(port, `/orders/grpc-${from + i}`, headersOf(from + i)),
    );
    streams.push(...(await Promise.all(some)));
  }
  return {
    streams,
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}
