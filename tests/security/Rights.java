import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Gives rights on a broker and takes them, as kafka-acls.sh does, but without starting a JVM for each. java Rights BOOTSTRAP;
 * lines of the input: + or -, user, TOPIC..., LITERAL or PREFIXED, name, OPERATION. Says "done" to each.
 */
class Rights {
    public static void main(String[] args) throws Exception {
        Map<String, Object> patient = // the machine may be busy
                Map.of("bootstrap.servers", args[0], "default.api.timeout.ms", 600000, "request.timeout.ms", 300000);
        try (Admin admin = Admin.create(patient)) {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] w = line.split(" ");
                AclBinding binding =
                        new AclBinding(
                                new ResourcePattern(
                                        ResourceType.valueOf(w[2]), w[4], PatternType.valueOf(w[3])),
                                new AccessControlEntry(
                                        "User:" + w[1],
                                        "*",
                                        AclOperation.valueOf(w[5]),
                                        AclPermissionType.ALLOW));
                if (w[0].equals("+")) {
                    admin.createAcls(List.of(binding)).all().get();
                } else {
                    admin.deleteAcls(List.of(binding.toFilter())).all().get();
                }
                System.out.println("done");
            }
        }
    }
}
