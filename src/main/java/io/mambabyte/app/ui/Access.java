package io.mambabyte.app.ui;

import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

/** Who may look at the page. */
public sealed interface Access {
    /** Environment variable with the secret of a page that others can reach. */
    String TOKEN_VARIABLE = "MAMBABYTE_UI_TOKEN";

    /** Environment variable with the name of a file that holds the secret. */
    String TOKEN_FILE_VARIABLE = "MAMBABYTE_UI_TOKEN_FILE";

    /**
     * Whoever is on this machine. Requests by another name than this machine's own are refused: a
     * page elsewhere could have its own name lead here (DNS rebinding).
     */
    record Loopback() implements Access {
        @Override
        public boolean allows(HttpFields headers) {
            String host = headers.get(HttpHeader.HOST);
            if (host == null) {
                return false;
            }
            int port = host.lastIndexOf(':');
            String name = port > host.lastIndexOf(']') ? host.substring(0, port) : host;
            return name.equals("localhost") || name.equals("127.0.0.1") || name.equals("[::1]");
        }
    }

    /**
     * Whoever knows a secret: as bearer, or as the password of any user.
     *
     * @param token the secret
     */
    record Token(String token) implements Access {
        @Override
        public boolean allows(HttpFields headers) {
            return presented(headers.get(HttpHeader.AUTHORIZATION))
                    .map(
                            given ->
                                    MessageDigest.isEqual(
                                            given.getBytes(StandardCharsets.UTF_8),
                                            token.getBytes(StandardCharsets.UTF_8)))
                    .orElse(false);
        }

        private static Optional<String> presented(@Nullable String header) {
            if (header == null) {
                return Optional.empty();
            }
            if (header.regionMatches(true, 0, "Bearer ", 0, 7)) {
                return Optional.of(header.substring(7).strip());
            }
            if (header.regionMatches(true, 0, "Basic ", 0, 6)) {
                try {
                    String decoded =
                            new String(
                                    Base64.getDecoder().decode(header.substring(6).strip()),
                                    StandardCharsets.UTF_8);
                    return Optional.of(decoded.substring(decoded.indexOf(':') + 1));
                } catch (IllegalArgumentException e) {
                    return Optional.empty();
                }
            }
            return Optional.empty();
        }

        @Override
        public String toString() {
            return "Token[hidden]";
        }
    }

    /**
     * Whether a request may be answered.
     *
     * @param headers of the request
     * @return false for a stranger
     */
    boolean allows(HttpFields headers);

    /**
     * What an address asks for.
     *
     * @param address where the page will be
     * @param environment may hold the secret, or the name of its file
     * @return who may look
     * @throws IOException if the file cannot be read
     * @throws IllegalArgumentException where others could reach the page and there is no secret
     */
    static Access of(InetSocketAddress address, Map<String, String> environment)
            throws IOException {
        String token = environment.get(TOKEN_VARIABLE);
        String file = environment.get(TOKEN_FILE_VARIABLE);
        if (token == null && file != null) {
            token = Files.readString(Path.of(file));
        }
        if (token != null && !token.isBlank()) {
            return new Token(token.strip());
        }
        InetAddress host = address.getAddress();
        if (host != null && host.isLoopbackAddress()) {
            return new Loopback();
        }
        throw new IllegalArgumentException(
                "the page could be reached from other machines and shows what is in the topics: put"
                        + " a secret into "
                        + TOKEN_VARIABLE
                        + " or its file's name into "
                        + TOKEN_FILE_VARIABLE
                        + " (browsers ask for it as password), or give a port only");
    }
}
