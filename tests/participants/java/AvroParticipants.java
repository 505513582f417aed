import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The services of sagas/invoice.yaml with the stock Avro library: everything that comes is decoded by it and compared,
 * everything that is sent is encoded by it. It starts the sagas too, and ends when the last of them has.
 *
 * <p>java -cp 'kafka-jars/*' AvroParticipants.java BOOTSTRAP SCHEMAS COUNT
 *
 * <p>Sagas D-1 to D-COUNT: every fifth gets no credit, every seventh has no address. Every third invoice is answered by a
 * service that still has the first version of the schema. Before the first reply to D-1 comes one that is no Avro.
 */
class AvroParticipants {
    private static final long CUSTOMER = (1L << 53) + 1; // no double holds it
    private static final Instant DELIVERED = Instant.parse("2026-11-23T12:13:14.015Z");

    private final Map<String, Schema> schemas = new HashMap<>();
    private final GenericData model = new GenericData();
    private final KafkaProducer<String, byte[]> producer;
    private final Set<String> ended = new HashSet<>();
    private final Set<String> taken = new HashSet<>(); // places of records
    private boolean wrongReplySent;
    private final int count;

    AvroParticipants(Properties settings, Path folder, int count) throws IOException {
        this.count = count;
        producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
        model.addLogicalTypeConversion(new Conversions.DecimalConversion());
        model.addLogicalTypeConversion(new Conversions.UUIDConversion());
        model.addLogicalTypeConversion(new TimeConversions.DateConversion());
        model.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
        model.addLogicalTypeConversion(new TimeConversions.TimestampMicrosConversion());
        File money = folder.resolve("invoicing/Money.avsc").toFile();
        for (String service : List.of("invoicing", "mailroom"))
            for (File file : folder.resolve(service).toFile().listFiles()) {
                var parser = new Schema.Parser();
                if (!file.equals(money)) parser.parse(money); // the one type that others refer to
                schemas.put(file.getName().replace(".avsc", ""), parser.parse(file));
            }
    }

    // ---- bodies ----

    private GenericRecordBuilder record(String type) {
        return new GenericRecordBuilder(schemas.get(type));
    }

    private GenericRecord money(String type, String amount) {
        Schema schema = schemas.get(type).getField("total").schema();
        return new GenericRecordBuilder(schema).set("amount", new BigDecimal(amount)).set("currency", "CHF").build();
    }

    private byte[] singleObject(GenericRecord body) throws IOException {
        ByteBuffer bytes = new BinaryMessageEncoder<GenericRecord>(model, body.getSchema()).encode(body);
        byte[] array = new byte[bytes.remaining()];
        bytes.get(array);
        return array;
    }

    /** Confluent's wire format: 0, the schema's id, the datum. */
    private byte[] withId(int id, GenericRecord body) throws IOException {
        var out = new ByteArrayOutputStream();
        out.write(ByteBuffer.allocate(5).put((byte) 0).putInt(id).array());
        var encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(body.getSchema(), model).write(body, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    private GenericRecord read(byte[] value, int id, String type) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(value);
        expect("magic byte", (byte) 0, bytes.get());
        expect("schema id of " + type, id, bytes.getInt());
        Schema schema = schemas.get(type);
        var decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, null);
        GenericRecord body = new GenericDatumReader<GenericRecord>(schema, schema, model).read(null, decoder);
        expect("bytes behind the end", true, decoder.isEnd());
        return body;
    }

    private GenericRecord readSingleObject(byte[] value, String type) throws IOException {
        return new BinaryMessageDecoder<GenericRecord>(model, schemas.get(type)).decode(value);
    }

    // ---- records ----

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void expect(String what, Object expected, Object got) {
        if (!expected.equals(got)) throw new IllegalStateException(what + ": " + got + " instead of " + expected);
    }

    private static int number(String key) {
        return Integer.parseInt(key.substring(2));
    }

    /** Without ce_type: the record's name is the type. */
    private void reply(ConsumerRecord<String, byte[]> command, byte[] body) {
        var reply = new ProducerRecord<>(header(command, "ce_sagareplyto"), command.key(), body);
        reply.headers().add("ce_sagacommandid", bytes(header(command, "ce_id")));
        producer.send(reply);
    }

    private void start(int i) throws IOException {
        GenericRecord body = record("GoodsDelivered").set("deliveryId", "D-" + i).set("customerNumber", CUSTOMER)
                .set("deliveredAt", DELIVERED).set("total", money("GoodsDelivered", i + ".90")).build();
        producer.send(new ProducerRecord<>("shop.deliveries", "D-" + i, singleObject(body)));
    }

    // ---- the services ----

    private void createInvoice(ConsumerRecord<String, byte[]> command) throws IOException {
        int i = number(command.key());
        GenericRecord body = read(command.value(), 21, "CreateInvoice");
        expect("deliveryId", "D-" + i, body.get("deliveryId").toString());
        expect("customerNumber", CUSTOMER, body.get("customerNumber"));
        expect("deliveredAt", DELIVERED, body.get("deliveredAt"));
        expect("language", "en", body.get("language").toString());
        expect("amount", new BigDecimal(i + ".90"), ((GenericRecord) body.get("total")).get("amount"));
        expect("currency", "CHF", ((GenericRecord) body.get("total")).get("currency").toString());
        if (i == 1 && !wrongReplySent) reply(command, new byte[] {0, 0, 0, 0, 22, 1, 2, 3});
        wrongReplySent |= i == 1; // a second attempt gets the good one alone
        if (i % 5 == 0) {
            reply(command, withId(23, record("CreditRefused").set("reason", "überzogen").build()));
            return;
        }
        boolean old = i % 3 == 0;
        String type = old ? "InvoiceCreated-1" : "InvoiceCreated";
        Object invoice = old ? (Object) i : (Object) (CUSTOMER + i);
        reply(command, withId(old ? 11 : 22, record(type).set("invoiceNumber", invoice)
                .set("due", LocalDate.of(2028, 2, 29)).set("total", money(type, "0.0" + i % 10)).build()));
    }

    private void cancelInvoice(ConsumerRecord<String, byte[]> command) throws IOException {
        int i = number(command.key());
        long invoice = i % 3 == 0 ? i : CUSTOMER + i;
        GenericRecord body = read(command.value(), 24, "CancelInvoice");
        expect("invoiceNumber", invoice, body.get("invoiceNumber"));
        reply(command, withId(25, record("InvoiceCancelled").set("invoiceNumber", invoice).build()));
        ended.add(command.key());
    }

    private void sendInvoice(ConsumerRecord<String, byte[]> command) throws IOException {
        int i = number(command.key());
        GenericRecord body = readSingleObject(command.value(), "SendInvoice");
        expect("way", "MAIL", body.get("way").toString());
        expect("amount", new BigDecimal("0.0" + i % 10), ((GenericRecord) body.get("total")).get("amount"));
        GenericRecord answer = i % 7 == 0
                ? record("AddressUnknown").set("reason", "moved").build()
                : record("InvoiceSent").set("sentAt", DELIVERED.plusNanos(926_000)).set("receipt", new UUID(i, i)).build();
        reply(command, singleObject(answer));
    }

    private void invoiceDone(ConsumerRecord<String, byte[]> event) throws IOException {
        int i = number(event.key());
        GenericRecord body = readSingleObject(event.value(), "InvoiceDone");
        expect("receipt", new UUID(i, i), body.get("receipt"));
        expect("invoiceNumber", i % 3 == 0 ? i : CUSTOMER + i, body.get("invoiceNumber"));
        expect("content-type", "application/avro", header(event, "content-type"));
        if (!ended.add(event.key())) throw new IllegalStateException(event.key() + " ended twice");
    }

    /** A record comes again where the group was given its partitions anew before the consumer had committed. */
    private void handle(ConsumerRecord<String, byte[]> record) throws IOException {
        if (!taken.add(record.topic() + "/" + record.partition() + "/" + record.offset())) return;
        switch (header(record, "ce_type")) {
            case "CreateInvoice" -> createInvoice(record);
            case "CancelInvoice" -> cancelInvoice(record);
            case "SendInvoice" -> sendInvoice(record);
            case "InvoiceDone" -> invoiceDone(record);
            default -> throw new IllegalStateException("an unknown type: " + header(record, "ce_type"));
        }
    }

    private void run(KafkaConsumer<String, byte[]> consumer) throws IOException {
        int refused = count / 5;
        for (int i = 1; i <= count; i++) start(i);
        producer.flush();
        while (ended.size() < count - refused) {
            for (var record : consumer.poll(Duration.ofMillis(500))) handle(record);
            producer.flush();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("linger.ms", "0");
        settings.put("group.id", "avro-services");
        settings.put("isolation.level", "read_committed");
        settings.put("auto.offset.reset", "earliest");
        var participants = new AvroParticipants(settings, Path.of(arguments[1]), Integer.parseInt(arguments[2]));
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of("invoicing.commands", "mailroom.commands", "shop.invoice-events"));
            participants.run(consumer);
        }
        System.out.println("all ended");
    }
}
