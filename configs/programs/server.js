// Knows nothing of Reeve: serves on its descriptor 3, or on the port that it is told. After SIGTERM each answer is the last of its
// connection, and the process ends with the last connection.
const http = require('http');
const net = require('net');

let stopping = false;
const server = http.createServer((request, response) => {
  if (stopping) response.setHeader('Connection', 'close');
  response.end('Hello from Node\n');
});
const port = process.argv[2];
const address = port ? { port: Number(port), host: '127.0.0.1' } : { fd: 3 };
server.listen(address, () => console.log('listening'));

process.on('SIGTERM', () => {
  stopping = true;
  // Not http's own close(): since Node 19 it cuts idle connections, and with them a request that is on its way.
  net.Server.prototype.close.call(server, () => process.exit(0));
  setTimeout(() => server.closeIdleConnections(), 1000).unref();
});
