package io.mambabyte.app;

import io.mambabyte.app.ui.Access;
import io.mambabyte.app.ui.PageServer;
import io.mambabyte.app.ui.PageSources;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.Map;

/**
 * Where the page is to be served, and to whom.
 *
 * @param address where
 * @param access who may look
 */
record PageAddress(InetSocketAddress address, Access access) {
    /** Where the demo's page is, unless something else is there. */
    static final int USUAL_PORT = 8686;

    /**
     * An address as a user writes it.
     *
     * @param text {@code [HOST:]PORT}
     * @param environment may hold the page's secret
     * @throws IllegalArgumentException if it is not an address, or others could reach it and there
     *     is no secret
     * @throws IOException if the secret's file cannot be read
     */
    static PageAddress of(String text, Map<String, String> environment) throws IOException {
        InetSocketAddress address = MetricsServer.address(text);
        return new PageAddress(address, Access.of(address, environment));
    }

    /** Serves the page there. */
    PageServer start(PageSources sources) throws IOException {
        return PageServer.start(address, access, sources);
    }

    /** Serves the page there, or at a free port where that one is taken. */
    PageServer startThereOrNear(PageSources sources) throws IOException {
        try {
            return start(sources);
        } catch (BindException e) {
            InetSocketAddress near = new InetSocketAddress(address.getHostString(), 0);
            return PageServer.start(near, access, sources);
        }
    }
}
