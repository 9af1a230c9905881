package org.elasticsearch.bootstrap;

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.Security;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.transport.BoundTransportAddress;
import org.elasticsearch.discovery.DiscoveryModule;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.mapper.MapperExtrasPlugin;
import org.elasticsearch.reindex.ReindexPlugin;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.node.NodeValidationException;
import org.elasticsearch.transport.Netty4Plugin;

/**
 * A node of Elasticsearch, made of what its makers publish as libraries: no security, TLS, Painless or snapshots.
 *
 * <p>Usage: ElasticsearchNode HOME CONFIG_FOLDER [NAME=VALUE...]; settings given so win over elasticsearch.yml. In
 * Elasticsearch's own package, because the checks that refuse a badly prepared machine are not public.
 */
public final class ElasticsearchNode extends Node {
    private static final int STOP_SECONDS = 60;

    private ElasticsearchNode(Environment environment) {
        super(environment, List.of(Netty4Plugin.class, ReindexPlugin.class, MapperExtrasPlugin.class), true);
    }

    @Override
    protected void validateNodeBeforeAcceptingRequests(
            BootstrapContext context, BoundTransportAddress address, List<BootstrapCheck> checks)
            throws NodeValidationException {
        List<BootstrapCheck> all = new ArrayList<>(BootstrapChecks.checks());
        // The first asks the security manager, which only the distribution installs. How many files may be open is said
        // by whoever runs containers, and tests may run where nobody can raise it.
        all.removeIf(check -> check instanceof BootstrapChecks.AllPermissionCheck
                || check instanceof BootstrapChecks.FileDescriptorCheck);
        all.addAll(checks);
        String discovery = DiscoveryModule.DISCOVERY_TYPE_SETTING.get(context.settings());
        BootstrapChecks.check(context, BootstrapChecks.enforceLimits(address, discovery), all);
    }

    /** Runs a node until it is told to stop; exit status 1 where it cannot start. */
    public static void main(String[] arguments) throws Exception {
        // What the distribution's own start sets: peers get new addresses when their pods do.
        Security.setProperty("networkaddress.cache.ttl", "60");
        Security.setProperty("networkaddress.cache.negative.ttl", "10");
        ElasticsearchNode node = null;
        try {
            node = new ElasticsearchNode(environment(arguments));
            closeAtTheEnd(node);
            node.start();
        } catch (Throwable problem) {
            // One line for whoever reads the pod's log, as settings are what is usually wrong.
            System.err.println("elasticsearch: " + problem);
            System.exit(1);
        }
        System.err.println("elasticsearch: started");
        new CountDownLatch(1).await();
    }

    private static Environment environment(String[] arguments) {
        Map<String, String> settings = new HashMap<>();
        settings.put("path.home", arguments[0]);
        for (int each = 2; each < arguments.length; each++) {
            String[] parts = arguments[each].split("=", 2);
            settings.put(parts[0], parts[1]);
        }
        Path folder = Paths.get(arguments[1]);
        Environment environment = InternalSettingsPreparer.prepareEnvironment(
                Settings.EMPTY, settings, folder, () -> System.getenv("HOSTNAME"));
        // Refuses to be root and drops the right to start programs, as the distribution does; tests without a container
        // may be root.
        if (Boolean.parseBoolean(System.getProperty("node.natives", "true"))) {
            initializeNatives(environment);
        }
        return environment;
    }

    private static void initializeNatives(Environment environment) {
        Bootstrap.initializeNatives(
                environment.tmpFile(),
                BootstrapSettings.MEMORY_LOCK_SETTING.get(environment.settings()),
                BootstrapSettings.SYSTEM_CALL_FILTER_SETTING.get(environment.settings()),
                true);
    }

    private static void closeAtTheEnd(Node node) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
                node.awaitClose(STOP_SECONDS, TimeUnit.SECONDS);
            } catch (IOException problem) {
                System.err.println("elasticsearch: not closed well: " + problem);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
    }
}
