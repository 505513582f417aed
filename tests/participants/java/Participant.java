import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A service that takes part in sagas, with nothing but the stock Java client. It keeps the participant's
 * three promises: doing an idempotency key twice has the effect of once, a failure means that nothing was
 * done, and a command that arrives after its own compensation is refused.
 *
 * <p>java -cp 'kafka-jars/*' Participant.java BOOTSTRAP GROUP LEDGER RULES TOPIC...
 *
 * <p>RULES is a file; the first line that fits a command decides. TYPE may be *, PREFIX is the beginning of
 * the business key, $key in BODY becomes that key:
 *
 * <pre>
 * TYPE [key=PREFIX] answer REPLY [BODY]       do it and say so
 * TYPE [key=PREFIX] refuse REPLY [BODY]       do nothing and say so
 * TYPE [key=PREFIX] unavailable-once          answer Unavailable to the first attempt; then the lines below
 * TYPE [key=PREFIX] silent-once               do not answer the first attempt; then the lines below
 * TYPE [key=PREFIX] mute                      do it and never answer
 * TYPE [key=PREFIX] silent                    neither do it nor answer
 * </pre>
 *
 * <p>LEDGER gets one line for each effect: idempotency key, kind and type, with tabs between. Started again
 * with the same ledger it remembers what it did. It prints "ready" when it first has partitions.
 */
class Participant {
    record Rule(String type, String prefix, String verb, String reply, String body) {
        static Rule parse(String line) {
            String[] words = line.trim().split("\\s+", 3);
            String prefix = "";
            if (words[1].startsWith("key=")) {
                prefix = words[1].substring("key=".length());
                words = (words[0] + " " + words[2]).split("\\s+", 3);
            }
            String[] answer = words.length > 2 ? words[2].split("\\s+", 2) : new String[] {""};
            return new Rule(words[0], prefix, words[1], answer[0], answer.length > 1 ? answer[1] : "{}");
        }

        boolean fits(String commandType, String key) {
            return (type.equals("*") || type.equals(commandType)) && key.startsWith(prefix);
        }
    }

    private final List<Rule> rules = new ArrayList<>();
    private final Set<String> effects = new HashSet<>();
    private final Map<String, Integer> attempts = new HashMap<>();
    private final PrintWriter ledger;
    private final KafkaProducer<String, String> producer;

    Participant(String bootstrap, Path ledgerPath, Path rulesPath) throws IOException {
        for (String line : Files.readAllLines(rulesPath))
            if (!line.isBlank() && !line.startsWith("#")) rules.add(Rule.parse(line));
        if (Files.exists(ledgerPath))
            for (String line : Files.readAllLines(ledgerPath)) effects.add(line.split("\t")[0]);
        ledger = new PrintWriter(Files.newBufferedWriter(
                ledgerPath, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("linger.ms", "0");
        settings.put("delivery.timeout.ms", "600000");
        producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private static String header(ConsumerRecord<String, String> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    private void reply(ConsumerRecord<String, String> command, String type, String body) {
        var reply = new ProducerRecord<>(header(command, "ce_sagareplyto"), command.key(),
                body.replace("$key", command.key()));
        String commandId = header(command, "ce_id");
        reply.headers().add("ce_specversion", bytes("1.0")).add("ce_id", bytes("reply/" + commandId))
                .add("ce_source", bytes("/tests/java")).add("ce_type", bytes(type))
                .add("ce_subject", bytes(header(command, "ce_subject")))
                .add("ce_sagacommandid", bytes(commandId)).add("content-type", bytes("application/json"));
        producer.send(reply);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void enter(ConsumerRecord<String, String> command) {
        String key = header(command, "ce_sagaidempotencykey");
        if (effects.add(key))
            ledger.println(key + "\t" + header(command, "ce_sagakind") + "\t" + header(command, "ce_type"));
    }

    private void handle(ConsumerRecord<String, String> command) {
        String type = header(command, "ce_type");
        String key = header(command, "ce_sagaidempotencykey");
        boolean compensation = header(command, "ce_sagakind").equals("compensation");
        if (!compensation && effects.contains(key + "/compensate")) {
            reply(command, "Refused", "{\"reason\":\"it was compensated before it arrived\"}");
            return;
        }
        boolean first = attempts.merge(key, 1, Integer::sum) == 1;
        for (Rule rule : rules) {
            if (!rule.fits(type, command.key())) continue;
            switch (rule.verb()) {
                case "answer" -> {
                    enter(command);
                    reply(command, rule.reply(), rule.body());
                }
                case "refuse" -> reply(command, rule.reply(), rule.body());
                case "mute" -> enter(command);
                case "silent" -> { }
                case "silent-once", "unavailable-once" -> {
                    if (!first) continue;
                    if (rule.verb().equals("unavailable-once")) reply(command, "Unavailable", "{}");
                }
                default -> throw new IllegalArgumentException("no verb of a rule: " + rule.verb());
            }
            return;
        }
        throw new IllegalStateException("no rule for " + type + " of " + command.key());
    }

    private void run(KafkaConsumer<String, String> consumer) {
        try {
            while (true) {
                var commands = consumer.poll(Duration.ofMillis(500));
                if (commands.isEmpty()) continue;
                commands.forEach(this::handle);
                ledger.flush();
                producer.flush();
                consumer.commitSync();
            }
        } catch (WakeupException stopped) {
            consumer.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 5) {
            System.err.println("usage: Participant.java BOOTSTRAP GROUP LEDGER RULES TOPIC...");
            System.exit(2);
        }
        var participant = new Participant(arguments[0], Path.of(arguments[2]), Path.of(arguments[3]));
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", arguments[1]);
        settings.put("isolation.level", "read_committed");
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("metadata.max.age.ms", "2000");
        var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        Thread running = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                running.join(10_000);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
        consumer.subscribe(List.of(arguments).subList(4, arguments.length), new ConsumerRebalanceListener() {
            private boolean said;

            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) { }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                if (!said && !partitions.isEmpty()) System.out.println("ready");
                said |= !partitions.isEmpty();
            }
        });
        participant.run(consumer);
    }
}
