// Prints a topic of likelihoods, a JSON object a line.
// usage: node read-likelihoods.mjs BROKER REGISTRY TOPIC [COUNT]
import { Kafka, logLevel } from 'kafkajs';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';

const [broker, registryUrl, topic, count = 'Infinity'] = process.argv.slice(2);
if (!topic) {
  console.error('usage: node read-likelihoods.mjs BROKER REGISTRY TOPIC [COUNT]');
  process.exit(2);
}

const kafka = new Kafka({ clientId: 'read-likelihoods', brokers: [broker], logLevel: logLevel.ERROR });
const registry = new SchemaRegistry({ host: registryUrl });
const consumer = kafka.consumer({ groupId: `read-likelihoods-${process.pid}-${Date.now()}` });

let left = Number(count);
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await new Promise((resolve, reject) => {
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  consumer.run({
    eachMessage: async ({ partition, message }) => {
      if (left <= 0) return;
      // The schema is the one that the record was written with, by its number in the record.
      const likelihood = await registry.decode(message.value);
      console.log(JSON.stringify({ key: message.key?.toString() ?? null, partition, offset: message.offset, ...likelihood }));
      if (--left <= 0) resolve();
    },
  }).catch(reject);
});
await consumer.disconnect();
