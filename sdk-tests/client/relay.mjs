// What stands between a client and the server, and cuts.

import net from "node:net";

// Passes bytes on to `port`. `cut()` ends every connection without a word, now and then by a reset; `cuts` counts them.
export async function openRelay(port) {
  const pairs = new Set();
  const server = net.createServer((client) => {
    const upstream = net.connect(port, "127.0.0.1");
    const pair = [client, upstream];
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client]]) {
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
      from.pipe(to);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const relay = {
    url: `http://127.0.0.1:${server.address().port}`,
    cuts: 0,
    cut() {
      if (pairs.size > 0) relay.cuts += 1;
      for (const [client, upstream] of pairs) {
        for (const socket of [client, upstream]) relay.cuts % 2 ? socket.resetAndDestroy() : socket.destroy();
      }
      return pairs.size;
    },
    close() {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
  return relay;
}
