import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The participant `accounts` of the bank transfer, with the stock Java client and its ledger in SQLite. What a command
 * does, the answer that it got and the balances are one transaction of SQLite; answers are sent behind it, and the
 * offset is committed behind those. So it may be killed anywhere, and does and says the same once more.
 *
 * <p>java Accounts BOOTSTRAP LEDGER [careless]. A careless one does not look up what it has done already: the checker
 * must find that.
 */
class Accounts {
    /** Of a hundred commands: neither done nor answered; answered "not now"; done, and not answered. */
    static final int SILENT = 1, UNAVAILABLE = 2, UNSAID = 1;

    static final String SCHEMA = """
            create table if not exists account (name text primary key, opened integer, balance integer);
            create table if not exists done (idempotency_key text primary key, reply text);
            create table if not exists effect
                (idempotency_key text, command_id text, transfer text, kind text, account text, amount integer);
            """;

    record Command(String id, String key, String kind, String type, String transfer, String account, long amount) {
        static Command of(ConsumerRecord<String, String> record) {
            return new Command(header(record, "ce_id"), header(record, "ce_sagaidempotencykey"),
                    header(record, "ce_sagakind"), header(record, "ce_type"),
                    text(record.value(), "transferId"), text(record.value(), "account"),
                    Long.parseLong(field(record.value(), "amount", "(-?\\d+)")));
        }
    }

    private final Connection ledger;
    private final boolean careless;

    Accounts(String path, boolean careless) throws SQLException {
        this.careless = careless;
        ledger = DriverManager.getConnection("jdbc:sqlite:" + path + "?journal_mode=WAL&synchronous=NORMAL&busy_timeout=120000");
        try (var statement = ledger.createStatement()) {
            for (String part : SCHEMA.split(";")) if (!part.isBlank()) statement.execute(part);
        }
        ledger.setAutoCommit(false);
    }

    // ---- messages ----

    static String header(ConsumerRecord<String, String> record, String name) {
        var header = record.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    /** The bodies are flat, and their texts need no escapes. */
    static String field(String json, String name, String form) {
        Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*" + form).matcher(json);
        if (!matcher.find()) throw new IllegalArgumentException("no " + name + " in " + json);
        return matcher.group(1);
    }

    static String text(String json, String name) {
        return field(json, name, "\"([^\"]*)\"");
    }

    static ProducerRecord<String, String> answer(ConsumerRecord<String, String> command, String type) {
        var reply = new ProducerRecord<>(header(command, "ce_sagareplyto"), command.key(), "{}");
        for (String[] header : new String[][] {{"ce_specversion", "1.0"}, {"ce_source", "/accounts"}, {"ce_type", type},
                {"ce_id", "reply/" + header(command, "ce_id")}, {"ce_sagacommandid", header(command, "ce_id")},
                {"content-type", "application/json"}})
            reply.headers().add(header[0], header[1].getBytes(StandardCharsets.UTF_8));
        return reply;
    }

    // ---- the ledger ----

    private int change(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = ledger.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            return statement.executeUpdate();
        }
    }

    private String find(String sql, String value) throws SQLException {
        try (PreparedStatement statement = ledger.prepareStatement(sql)) {
            statement.setString(1, value);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? rows.getString(1) : null;
            }
        }
    }

    private String doneBefore(String key) throws SQLException {
        return find("select reply from done where idempotency_key = ?", key);
    }

    private void move(Command command, long amount) throws SQLException {
        change("update account set balance = balance + ? where name = ?", amount, command.account());
        change("insert into effect values (?, ?, ?, ?, ?, ?)", command.key(), command.id(), command.transfer(),
                command.type(), command.account(), amount);
    }

    private String debit(Command command) throws SQLException {
        String balance = find("select balance from account where name = ?", command.account());
        if (balance == null) return "NoSuchAccount";
        if (Long.parseLong(balance) < command.amount()) return "NotCovered";
        move(command, -command.amount());
        return "Debited";
    }

    private String credit(Command command) throws SQLException {
        if (find("select balance from account where name = ?", command.account()) == null) return "NoSuchAccount";
        move(command, command.amount());
        return "Credited";
    }

    /** Taking back what was never done is done as well. */
    private String undoDebit(Command command) throws SQLException {
        String forward = command.key().substring(0, command.key().length() - "/compensate".length());
        if ("Debited".equals(doneBefore(forward))) move(command, command.amount());
        return "DebitUndone";
    }

    /** The type of the answer, null for none. The first answer to an idempotency key is the answer for ever. */
    private String handle(Command command) throws SQLException {
        if (command.kind().equals("command") && doneBefore(command.key() + "/compensate") != null) return "Refused";
        String before = doneBefore(command.key());
        if (before != null && !careless) return before;
        // by the command's id, so that a command that is delivered twice is treated the same twice
        int chance = Math.floorMod(command.id().hashCode() * 0x9E3779B1, 100);
        if (chance < SILENT) return null;
        if (chance < SILENT + UNAVAILABLE) return "Unavailable";
        String reply = switch (command.type()) {
            case "Debit" -> debit(command);
            case "Credit" -> credit(command);
            case "UndoDebit" -> undoDebit(command);
            default -> throw new IllegalStateException("what is " + command.type() + "?");
        };
        change("insert or ignore into done values (?, ?)", command.key(), reply);
        return chance < SILENT + UNAVAILABLE + UNSAID ? null : reply;
    }

    // ---- running ----

    private void run(KafkaConsumer<String, String> consumer, KafkaProducer<String, String> producer) throws SQLException {
        while (true) {
            var records = consumer.poll(Duration.ofMillis(500));
            if (records.isEmpty()) continue;
            var answers = new java.util.ArrayList<ProducerRecord<String, String>>();
            for (var record : records) {
                String type = handle(Command.of(record));
                if (type != null) answers.add(answer(record, type));
            }
            ledger.commit();
            answers.forEach(producer::send);
            producer.flush();
            try {
                consumer.commitSync();
            } catch (RetriableException | org.apache.kafka.clients.consumer.CommitFailedException failed) {
                System.out.println("not committed, so it comes again: " + failed);
            }
        }
    }

    static Properties settings(String bootstrap) {
        var settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("reconnect.backoff.max.ms", "500");
        settings.put("metadata.max.age.ms", "5000");
        return settings;
    }

    public static void main(String[] arguments) throws Exception {
        var reading = settings(arguments[0]);
        reading.put("group.id", "accounts");
        reading.put("isolation.level", "read_committed");
        reading.put("enable.auto.commit", "false");
        reading.put("auto.offset.reset", "earliest");
        reading.put("session.timeout.ms", "6000");
        reading.put("heartbeat.interval.ms", "1000");
        reading.put("max.poll.records", "100");
        var writing = settings(arguments[0]);
        writing.put("delivery.timeout.ms", "2147483647");
        var accounts = new Accounts(arguments[1], List.of(arguments).contains("careless"));
        var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
        var producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer());
        consumer.subscribe(List.of("accounts.commands"));
        accounts.run(consumer, producer);
    }
}
