// Asks for a text to be continued: a request with the newest schema that the registry has for the topic.
// usage: node request-completion.mjs BROKER REGISTRY TOPIC KEY PROMPT
import { Kafka, logLevel } from 'kafkajs';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';

const [broker, registryUrl, topic, key, prompt] = process.argv.slice(2);
if (prompt === undefined) {
  console.error('usage: node request-completion.mjs BROKER REGISTRY TOPIC KEY PROMPT');
  process.exit(2);
}

const kafka = new Kafka({ clientId: 'request-completion', brokers: [broker], logLevel: logLevel.ERROR });
const registry = new SchemaRegistry({ host: registryUrl });
const id = await registry.getLatestSchemaId(`${topic}-value`);
const value = await registry.encode(id, {
  id: `request-${Date.now()}`,
  prompt: Buffer.from(prompt),
  continue_key: false,
  max_bytes: 64,
  temperature: 0,
  top_k: 0,
  top_p: 1,
  min_p: 0,
  seed: 1,
  stop: [Buffer.from('\n')],
  utf8_only: true,
  deadline_ms: null,
  draft: 'history',
  stream: false,
});
const producer = kafka.producer();
await producer.connect();
await producer.send({ topic, messages: [{ key, value }] });
await producer.disconnect();
