// Calls each tool with the official SDK for JavaScript and prints one line of JSON for each result.
//
//   node client.mjs URL USER PASSWORD
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, user, password] = process.argv.slice(2);
const Authorization = 'Basic ' + Buffer.from(user + ':' + password).toString('base64');
const client = new Client({ name: 'test', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization } } }));
const tools = (await client.listTools()).tools.map((t) => t.name).sort();
console.log(JSON.stringify(tools));
for (const [name, args] of [
  ['list', { path: 'inbox' }],
  ['read', { path: 'payroll.csv' }],
  ['write', { path: 'drafts/note.txt', text: 'from JavaScript' }],
  ['read', { path: 'drafts/note.txt' }],
  ['why', { path: 'payroll.csv', write: true }],
  ['write', { path: 'public/note.txt', text: 'from JavaScript' }],
]) {
  const out = await client.callTool({ name, arguments: args });
  console.log(JSON.stringify([out.isError === true, out.content[0].text]));
}
await client.close();
